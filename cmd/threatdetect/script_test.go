package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"threatdetect": main})
}

// TestScripts runs the command as a user does: see testdata/script. $demo is the folder of the demo bundle, $container that
// of models and replies of a SageMaker container.
func TestScripts(t *testing.T) {
	demo, err := filepath.Abs("../../testdata/demo")
	if err != nil {
		t.Fatal(err)
	}
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if !hasAWS {
		scripts = slices.DeleteFunc(scripts, func(name string) bool { return strings.HasPrefix(filepath.Base(name), "aws_") })
	}
	testscript.Run(t, testscript.Params{
		Files:               scripts,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("demo", demo)
			env.Setenv("container", filepath.Join(demo, "../container"))
			return nil
		},
		Cmds: withAWS(map[string]func(*testscript.TestScript, bool, []string){
			"gzip":     packFile(gzipped),
			"zstd":     packFile(zstandard),
			"truncate": truncateFile,
			"lines":    countLines,
			"exit":     exitCode,
			"account":  checkAccount,
		}),
	})
}

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(b)
	w.Close()
	return out.Bytes()
}

func zstandard(b []byte) []byte {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return w.EncodeAll(b, nil)
}

// packFile is: gzip FILE OUT.
func packFile(pack func([]byte) []byte) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, args []string) {
		b, err := os.ReadFile(ts.MkAbs(args[0]))
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), pack(b), 0o644))
	}
}

// truncateFile is: truncate FILE OUT, which keeps the first half.
func truncateFile(ts *testscript.TestScript, _ bool, args []string) {
	b, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b[:len(b)/2], 0o644))
}

// countLines is: lines stdout N.
func countLines(ts *testscript.TestScript, neg bool, args []string) {
	n := strings.Count(ts.ReadFile(args[0]), "\n")
	if want := args[1]; (strings.TrimSpace(want) == itoa(n)) == neg {
		ts.Fatalf("%s has %d lines, want %s", args[0], n, want)
	}
}

func itoa(n int) string {
	b, _ := json.Marshal(n)
	return string(b)
}

// exitCode is: exit N COMMAND ARG..., which wants that exit code.
func exitCode(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if exit, ok := err.(interface{ ExitCode() int }); ok {
		got = itoa(exit.ExitCode())
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

// checkAccount is: account KEY=N..., of the JSON in the last line of standard error; skipped.REASON=N for a reason.
// Records must be flows and skipped ones together.
func checkAccount(ts *testscript.TestScript, _ bool, args []string) {
	lines := strings.Split(strings.TrimSpace(ts.ReadFile("stderr")), "\n")
	var account struct {
		Records, Flows, Rows, Threats int64
		Skipped                       map[string]int64
	}
	ts.Check(json.Unmarshal([]byte(lines[len(lines)-1]), &account))
	sum := account.Flows
	got := map[string]int64{"records": account.Records, "flows": account.Flows, "rows": account.Rows, "threats": account.Threats}
	for reason, n := range account.Skipped {
		got["skipped."+reason] = n
		sum += n
	}
	if account.Flows > 0 && sum != account.Records {
		ts.Fatalf("%d records, but %d flows and skipped ones", account.Records, sum)
	}
	for _, arg := range args {
		key, want, _ := strings.Cut(arg, "=")
		if itoa(int(got[key])) != want {
			ts.Fatalf("%s is %d, want %s: %v", key, got[key], want, got)
		}
	}
}
