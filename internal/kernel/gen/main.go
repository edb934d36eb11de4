// Command gen writes the assembly of packages fieldscan, heapwalk, kernel and rowscan, and the networks of kernel in Go. It is a module of its own, so that who uses them does not need what
// generates them. To be run in its folder, with the folder of the packages:
//
//	go run . ../..
package main

import (
	"fmt"
	"go/format"
	"os"
	"path/filepath"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
)

// files lists what is generated, and by what.
var files = []struct {
	name     string // of the package's folder and the file
	stubs    string // of the file with their declarations, if that is generated too
	generate func(*build.Context)
}{
	{"fieldscan/avx2_amd64.s", "fieldscan/avx2_stubs_amd64.go", fieldScanner},
	{"heapwalk/walk_amd64.s", "", heapWalkers},
	{"rowscan/avx2_amd64.s", "rowscan/avx2_stubs_amd64.go", rowScanner},
	{"kernel/avx2_amd64.s", "kernel/avx2_stubs_amd64.go", blockKernels},
	{"kernel/avx512_amd64.s", "kernel/avx512_stubs_amd64.go", avx512Kernels},
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gen DIR: writes the assembly to the packages in DIR")
		os.Exit(2)
	}
	if err := writeGo(filepath.Join(os.Args[1], "kernel/generic_trees.go"), generic()); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
	for name, text := range map[string]string{"heapwalk/walk_arm64.s": heapWalkersARM64(), "kernel/neon_arm64.s": neonTrees()} {
		if err := os.WriteFile(filepath.Join(os.Args[1], name), []byte(text), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "gen:", err)
			os.Exit(1)
		}
	}
	for _, f := range files {
		if err := write(os.Args[1], f.name, f.stubs, f.generate); err != nil {
			fmt.Fprintf(os.Stderr, "gen: %s: %v\n", f.name, err)
			os.Exit(1)
		}
	}
}

func write(dir, name, stubs string, generate func(*build.Context)) error {
	c := build.NewContext()
	c.ConstraintExpr("amd64")
	c.ConstraintExpr("!purego")
	generate(c)
	file, err := c.Result()
	if err != nil {
		return err
	}
	if err := pass.Compile.Execute(file); err != nil {
		return err
	}
	config := printer.Config{Name: "internal/kernel/gen", Pkg: filepath.Base(filepath.Dir(name))}
	text, err := printer.NewGoAsm(config).Print(file)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil || stubs == "" {
		return err
	}
	if text, err = printer.NewStubs(config).Print(file); err != nil {
		return err
	}
	return writeGo(filepath.Join(dir, stubs), string(text))
}

func writeGo(name, source string) error {
	text, err := format.Source([]byte(source))
	if err != nil {
		return err
	}
	return os.WriteFile(name, text, 0o644)
}
