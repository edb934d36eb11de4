//go:build !noaws

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"threatdetect/internal/awsfake"
)

type fakeFlags struct {
	listen, dir, python string
	speed               float64
	tick                time.Duration
	strictIAM           bool
	faults              []string
}

// fakeAWSCommand is for rehearsals: see package awsfake.
func (a *app) fakeAWSCommand() *cobra.Command {
	var f fakeFlags
	cmd := &cobra.Command{
		Use:    "fake-aws --listen HOST:PORT [flags]",
		Hidden: true,
		Short:  "Rehearse AWS on this machine",
		Long: "Fake-aws answers as S3, SageMaker and the services around it do, behind one address, which it prints. Point any command at it with\n" +
			"--endpoint-url, and any credentials. It checks every request as the service and the container would, keeps a clock of its own, and really\n" +
			"trains, transforms and serves, by this program. What it knows is gone when it ends, but for the objects of --dir.\n" +
			"POST /_awsfake/advance?by=1h moves its clock, POST /_awsfake/faults adds a fault, GET /_awsfake/requests tells what was asked.",
		Example: "  threatdetect fake-aws --listen 127.0.0.1:4566\n" +
			"  threatdetect train submit --config threatdetect.yaml --endpoint-url http://127.0.0.1:4566 conn.log",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.fakeAWS(&f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:0", "address to listen on; port 0 is any free one")
	flags.StringVar(&f.dir, "dir", "", "directory of buckets: objects in it are there from the start, and those written are written to it")
	flags.StringVar(&f.python, "python", "", "Python with the XGBoost of the image, for training; without it one is looked for, and if there is none a stored artifact is replayed")
	flags.Float64Var(&f.speed, "speed", 1, "seconds of the clock in a second")
	flags.DurationVar(&f.tick, "tick", 15*time.Second, "how far each request for a state moves the clock")
	flags.BoolVar(&f.strictIAM, "strict-iam", false, "refuse roles that were not created here, and what their policies do not allow")
	flags.StringArrayVar(&f.faults, "fault", nil, `something to go wrong, as JSON: {"Service":"s3","Operation":"GetObject","Kind":"cut","After":65536}`)
	return cmd
}

func (a *app) fakeAWS(f *fakeFlags) error {
	binary, err := exec.LookPath(os.Args[0])
	if err == nil {
		binary, err = filepath.Abs(binary)
	}
	if err != nil {
		return &exitError{code: exitFailure, what: "find this program", err: err}
	}
	o := awsfake.Options{Listen: f.listen, Dir: f.dir, Python: f.python, Speed: f.speed, Tick: f.tick, StrictIAM: f.strictIAM, Binary: binary}
	if f.tick == 0 {
		o.Tick = -1
	}
	if !a.quiet {
		o.Log = func(line string) { fmt.Fprintln(a.stderr, line) }
	}
	var faults []awsfake.Fault
	for _, text := range f.faults {
		var fault awsfake.Fault
		if err := json.Unmarshal([]byte(text), &fault); err != nil {
			return usagef("--fault %s: %v", text, err)
		}
		faults = append(faults, fault)
	}
	server, err := awsfake.New(o)
	if err != nil {
		return &exitError{code: exitFailure, what: "listen", where: f.listen, err: err}
	}
	defer server.Close()
	for _, fault := range faults {
		server.Inject(fault)
	}
	fmt.Fprintln(a.stdout, server.URL)
	<-a.interrupt
	return nil
}
