// Command mkbundle makes the bundles that the repository ships, in the steps that testdata/rebuild.sh runs:
//
//	mkbundle split -at 0.7 -train earlier.log -test later.log LOG   cuts a labelled Zeek log in two, by time
//	mkbundle bundle -model xgboost-model -train ... -test ...       joins model, contract and card, and measures them
//
// Training itself is XGBoost's, in between.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "mkbundle:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("want split or bundle")
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	switch args[0] {
	case "split":
		var s split
		flags.Float64Var(&s.at, "at", 0.7, "share of the records, by time, that train")
		flags.StringVar(&s.train, "train", "", "file for the earlier records")
		flags.StringVar(&s.test, "test", "", "file for the later records")
		if err := flags.Parse(args[1:]); err != nil {
			return err
		}
		return s.run(flags.Arg(0))
	case "bundle":
		var b maker
		flags.StringVar(&b.model, "model", "", "model file as XGBoost saved it")
		flags.StringVar(&b.out, "o", "model.tar.gz", "bundle to write")
		flags.StringVar(&b.card, "card", "", "model card to write")
		flags.StringVar(&b.cardText, "card-text", "", "file with the words of the card; {{figures}} stands for what was measured")
		flags.StringVar(&b.golden, "golden", "", "Zeek JSON log whose records become golden ones")
		flags.StringVar(&b.split, "split", "", "how the training records were told from the others, in words")
		flags.StringVar(&b.versions, "versions", "", "programs and versions that trained the model, in words")
		flags.StringVar(&b.created, "created", "2026-11-22T00:00:00Z", "time that the contract states")
		flags.Func("train", "training log (repeat for several)", appendTo(&b.train))
		flags.Func("test", "held-out log (repeat for several)", appendTo(&b.test))
		if err := flags.Parse(args[1:]); err != nil {
			return err
		}
		return b.run()
	}
	return fmt.Errorf("unknown step %q: want split or bundle", args[0])
}

func appendTo(list *[]string) func(string) error {
	return func(s string) error {
		*list = append(*list, s)
		return nil
	}
}
