package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// run is one run of the benchmark.
type run struct {
	work     string // directory that keeps environments, models and compiled peers
	self     string // this program
	native   string // the driver of the peers that are libraries
	cpu      int    // the core that everything timed runs on, one process at a time
	rounds   int
	sample   time.Duration // time for one engine, model and batch size in a round
	patience time.Duration // for converting or compiling one model for one peer
}

func (r *run) logf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
}

// command is exec.Command whose standard error is this process's.
func command(argv ...string) *exec.Cmd {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stderr = os.Stderr
	return cmd
}

func main() {
	if err := mainErr(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func mainErr() error {
	if len(os.Args) > 3 { // a worker of this program, see worker.go
		switch args := os.Args[2:]; os.Args[1] {
		case "serve":
			if args[0] == "leaves" {
				return serveLeaves(args[1], args[2])
			}
			if args[0] == packedName {
				return servePacked(args[1], args[2])
			}
			return serveOurs(args[1], args[2], kernels[args[0]])
		case "own":
			var rounds int
			if _, err := fmt.Sscan(args[2], &rounds); err != nil {
				return err
			}
			return measureOurs(os.Stdout, args[0], args[1], rounds)
		}
	}

	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	r := &run{}
	flag.StringVar(&r.work, "work", filepath.Join(cache, "threatdetect-bench"), "`directory` for environments, models and compiled peers; several GB, used again next time")
	flag.IntVar(&r.cpu, "cpu", runtime.NumCPU()-1, "`core` to measure on")
	flag.IntVar(&r.rounds, "rounds", 5, "rounds, in which every engine is timed at every batch size; 0 only installs, prepares and compares")
	flag.DurationVar(&r.sample, "sample", 30*time.Millisecond, "processor `time` for an engine at a batch size in a round; at least one call")
	flag.DurationVar(&r.patience, "patience", 5*time.Minute, "`time` that a peer's compiler or trainer gets for a model")
	modelNames := flag.String("models", "", "`names` of models, of a,a196,b,c,d,e (default all but e)")
	engineNames := flag.String("engines", "", "`names` of engines to run beside ours (default all): "+allNames())
	quick := flag.Bool("quick", false, "two models, the engines that are quick to install, few rounds, no batches of 100,000: less than two minutes")
	out := flag.String("o", "", "`directory` to write benchmarks.md and its plots to, such as ../docs")
	from := flag.String("from", "", "measure nothing, but write the page of the results.json of a former run")
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	if runtime.GOOS != "linux" {
		return errors.New("the harness needs Linux")
	}
	if *from != "" {
		res, err := openResults(*from)
		if err != nil {
			return err
		}
		return res.print(*out)
	}
	sizes := batchSizes
	if *quick {
		r.rounds, r.sample, sizes = 3, 10*time.Millisecond, batchSizes[:len(batchSizes)-1]
		if *modelNames == "" {
			*modelNames = "a,b"
		}
		if *engineNames == "" {
			*engineNames = strings.Join([]string{puregoName, current, "lignum", "leaves"}, ",")
		}
	}
	specs, err := chooseModels(*modelNames)
	if err != nil {
		return err
	}
	chosen, err := chooseEngines(*engineNames)
	if err != nil {
		return err
	}
	if r.work, err = filepath.Abs(r.work); err != nil {
		return err
	}
	if r.self, err = os.Executable(); err != nil {
		return err
	}
	if err := r.unpackPeers(); err != nil {
		return err
	}
	res, err := r.measure(specs, chosen, sizes)
	if err != nil {
		return err
	}
	if err := res.save(filepath.Join(r.work, "results.json")); err != nil {
		return err
	}
	return res.print(*out)
}
