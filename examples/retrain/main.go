// Command retrain rehearses the life of a model without an account: raw logs land in a bucket, their marker starts the pipeline, the model that passes the gate is
// approved, and a running scorer takes it in the place of the one before, while records keep coming. Run it in the root of the repository:
//
//	go run ./examples/retrain testdata/demo/conn.log
//
// AWS is rehearsed by threatdetect fake-aws, which really runs the prepare step and replays a stored model in the place of XGBoost, unless -python names a
// Python that has it. Every command is one that works with a real account, too.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
)

func main() {
	log.SetFlags(0)
	python := flag.String("python", "", "Python with XGBoost, which trains then")
	program := flag.String("threatdetect", "", "the program; it is built otherwise")
	flag.Parse()
	if flag.NArg() != 1 {
		log.Fatal("usage: retrain [-python PYTHON] conn.log")
	}
	if err := run(*program, *python, flag.Arg(0)); err != nil {
		log.Fatal("retrain: ", err)
	}
}

func run(program, python, logFile string) error {
	logs, err := os.ReadFile(logFile)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "retrain-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	t := &tool{program: program, dir: dir}
	if err := t.build(); err != nil {
		return err
	}
	defer t.stop()

	// An account, a bucket, and what deploy would make in it.
	if err := os.MkdirAll(filepath.Join(dir, "s3", bucket), 0o755); err != nil {
		return err
	}
	if t.aws, err = t.start("fake-aws", "--quiet", "--listen", "127.0.0.1:0", "--dir", filepath.Join(dir, "s3"), "--python", python); err != nil {
		return err
	}
	for _, command := range [][]string{{"init"}, {"pipeline", "create"}, {"trigger", "create"}} {
		if err := t.run(command...); err != nil {
			return err
		}
	}

	// The first day.
	if err := t.day("2024-03-04", logs, 1); err != nil {
		return err
	}
	address, err := t.start("serve", "--approved", "registry", "--approved-every", "200ms", "--reload", "100ms", "--cache", filepath.Join(dir, "cache"), "--listen", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := newScorer(address, logs)
	go s.run()

	// The second day, while the scorer scores.
	if err := t.day("2024-03-05", logs, 2); err != nil {
		return err
	}
	if err := s.waitForAnother(); err != nil {
		return err
	}
	sent, scored, models := s.stop()
	fmt.Printf("%d records sent, %d scored, by %d models\n", sent, scored, len(models))
	for _, m := range models {
		fmt.Printf("  %s: %d\n", m.name, m.records)
	}
	if sent != scored || len(models) != 2 {
		return fmt.Errorf("records were lost, or no other model was taken: %v", s.err)
	}
	return s.err
}
