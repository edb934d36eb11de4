//go:build !noaws

package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"threatdetect/internal/awsfake"
)

const hasAWS = true

// withAWS adds the commands of scripts that rehearse AWS.
func withAWS(commands map[string]func(*testscript.TestScript, bool, []string)) map[string]func(*testscript.TestScript, bool, []string) {
	commands["fake"], commands["openfake"], commands["settle"], commands["upload"] = startFake, startOpenFake, settleFake, uploadFake
	return commands
}

// startFake is: fake [DIR], which rehearses AWS for the rest of the script: account 111122223333 with what DIR has in folders, a bucket each. Waits take next
// to no time. Roles have to exist, and to allow what they are used for. Its address is $fake.
func startFake(ts *testscript.TestScript, _ bool, args []string) { serveFake(ts, true, args) }

// startOpenFake is: openfake [DIR], a fake in which roles need not exist, with the bucket of the file that init writes.
func startOpenFake(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) == 0 {
		ts.Check(os.MkdirAll(ts.MkAbs("buckets/td-demo-111122223333"), 0o777))
		args = []string{"buckets"}
	}
	serveFake(ts, false, args)
}

func serveFake(ts *testscript.TestScript, strictIAM bool, args []string) {
	binary := ""
	for dir := range strings.SplitSeq(ts.Getenv("PATH"), string(filepath.ListSeparator)) {
		if found, _ := filepath.Glob(filepath.Join(dir, "threatdetect*")); len(found) > 0 {
			binary = found[0]
			break
		}
	}
	o := awsfake.Options{Binary: binary, StrictIAM: strictIAM, Tick: time.Minute}
	if len(args) > 0 {
		o.Dir = ts.MkAbs(args[0])
	}
	server, err := awsfake.New(o)
	ts.Check(err)
	ts.Defer(func() {
		if dir := os.Getenv("THREATDETECT_CAPTURE"); dir != "" { // for internal/awsfake/crosscheck.sh
			ts.Check(server.WriteRequests(filepath.Join(dir, ts.Name()+".ndjson")))
		}
		server.Close()
	})
	ts.Setenv("fake", server.URL)
	ts.Setenv("AWS_ENDPOINT_URL", server.URL)
	ts.Setenv("AWS_ACCESS_KEY_ID", "rehearsal")
	ts.Setenv("AWS_SECRET_ACCESS_KEY", "rehearsal")
	ts.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	ts.Setenv("AWS_CONFIG_FILE", "none")
	ts.Setenv("AWS_SHARED_CREDENTIALS_FILE", "none")
	ts.Setenv("THREATDETECT_AWS_SPEED", "1e6")
}

// settleFake is: settle, which lets the clock of the rehearsal run until nothing goes on any more.
func settleFake(ts *testscript.TestScript, _ bool, _ []string) {
	answer, err := http.Post(ts.Getenv("fake")+"/_awsfake/settle", "", nil)
	ts.Check(err)
	ts.Check(answer.Body.Close())
}

// uploadFake is: upload FILE KEY, which puts a file into the bucket of the stack that init writes.
func uploadFake(ts *testscript.TestScript, _ bool, args []string) {
	r, err := http.NewRequest(http.MethodPut, ts.Getenv("fake")+"/td-demo-111122223333/"+args[1], strings.NewReader(ts.ReadFile(args[0])))
	ts.Check(err)
	answer, err := http.DefaultClient.Do(r)
	ts.Check(err)
	ts.Check(answer.Body.Close())
	if answer.StatusCode != http.StatusOK {
		ts.Fatalf("upload %s: %s", args[1], answer.Status)
	}
}
