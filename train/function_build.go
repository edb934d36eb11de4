package train

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

//go:embed lambda/main.go lambda/service.go trigger/doc.go trigger/event.go trigger/handler.go trigger/rule.go lambda/go.mod.txt lambda/go.sum.txt
var functionSource embed.FS

// ErrNoGo says that the function cannot be built here.
var ErrNoGo = errors.New("no Go to build the function with")

// Architectures of functions, and Go's names of them.
var functionArch = map[string]string{"arm64": "arm64", "x86_64": "amd64"}

// BuildFunction builds the Lambda function with the Go of this machine, for arm64 or x86_64; "" is arm64, which costs less. Its source and the versions and digests of
// all that it is made of are part of this program, so that the same program builds the same bytes with the same Go.
func BuildFunction(ctx context.Context, arch string) (*FunctionPackage, error) {
	arch = cmp.Or(arch, "arm64")
	goarch, ok := functionArch[arch]
	if !ok {
		return nil, &Faults{Where: "trigger", Kind: ErrStack, List: []Fault{{Key: "arch", What: fmt.Sprintf("%q: want arm64 or x86_64", clip(arch))}}}
	}
	tool, err := exec.LookPath("go")
	if err != nil {
		return nil, fmt.Errorf("%w: it wants Go 1.26 or later in the PATH, or a package that was built elsewhere (threatdetect trigger package)", ErrNoGo)
	}
	dir, err := os.MkdirTemp("", "threatdetect-lambda-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := writeSource(dir); err != nil {
		return nil, err
	}
	program := filepath.Join(dir, "bootstrap")
	build := exec.CommandContext(ctx, tool, "build", "-C", filepath.Join(dir, "src"), "-mod=readonly", "-tags", "lambda.norpc", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", program, "./train/lambda")
	build.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+goarch, "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("build the function: %w: %s", err, clip(strings.Join(strings.Fields(string(out)), " ")))
	}
	data, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	packed, err := zipBootstrap(data)
	return &FunctionPackage{Zip: packed, Arch: arch}, err
}

// writeSource lays the source out as a module.
func writeSource(dir string) error {
	return fs.WalkDir(functionSource, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := functionSource.ReadFile(name)
		if err != nil {
			return err
		}
		target := filepath.Join(dir, "src", "train", filepath.FromSlash(name))
		if base, ok := strings.CutSuffix(name, ".txt"); ok {
			target = filepath.Join(dir, "src", filepath.Base(base))
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		return os.WriteFile(target, text, 0o644)
	})
}

// zipBootstrap packs the program as Lambda wants it: executable, and the same bytes for the same program.
func zipBootstrap(program []byte) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	h := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	h.SetMode(0o755)
	f, err := w.CreateHeader(h)
	if err == nil {
		_, err = f.Write(program)
	}
	if err2 := w.Close(); err == nil {
		err = err2
	}
	return b.Bytes(), err
}

// maxFunction is what Lambda takes in a request, in bytes.
const maxFunction = 50 << 20

// OpenFunction reads a package that was built before.
func OpenFunction(data []byte, arch string) (*FunctionPackage, error) {
	faults := Faults{Where: "package", Kind: ErrStack}
	arch = cmp.Or(arch, "arm64")
	if functionArch[arch] == "" {
		faults.add(0, "arch", "%q: want arm64 or x86_64", clip(arch))
	}
	if len(data) > maxFunction {
		faults.add(0, "", "%d bytes: Lambda takes %d", len(data), maxFunction)
	}
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		faults.add(0, "", "%v", err)
		return nil, &faults
	}
	found := false
	for _, f := range r.File {
		if f.Name == "bootstrap" {
			found = true
			if f.Mode()&0o100 == 0 {
				faults.add(0, "bootstrap", "is not executable")
			}
		}
	}
	if !found {
		faults.add(0, "", "has no file bootstrap")
	}
	return &FunctionPackage{Zip: data, Arch: arch}, faults.or(nil, nil)
}
