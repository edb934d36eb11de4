package dataset_test

import (
	"fmt"
	"iter"
	"log"
	"os"

	"threatdetect/features"
	"threatdetect/features/dataset"
	"threatdetect/features/zeek"
)

// Training data of a labelled log, split by time.
func ExampleMake() {
	set, err := features.LookupSet("flow-portable/1")
	if err != nil {
		log.Fatal(err)
	}
	flows := func(dataset.Pass) iter.Seq2[*features.Flow, error] {
		return func(yield func(*features.Flow, error) bool) {
			f, err := os.Open("../../testdata/demo/conn.log")
			if err != nil {
				yield(nil, err)
				return
			}
			defer f.Close()
			zeek.Read(f, nil)(yield)
		}
	}
	var train, test []byte
	contract, report, err := dataset.Make(flows, &dataset.Options{Set: set, Shares: dataset.Shares{0.8, 0, 0.2}}, func(r *dataset.Row) error {
		if r.Part == dataset.Train {
			train = dataset.CSV.Append(train, r)
		} else {
			test = dataset.CSV.Append(test, r)
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(contract.Set, report.SplitWords)
	for _, p := range report.Parts {
		fmt.Println(p.Part, p.Benign, p.Attacks)
	}
	fmt.Println(report.Findings[0].Text)
	// Output:
	// flow-portable/1 by time: flows that began before 2024-03-04T08:05:22.733169Z train, those from 2024-03-04T08:05:22.733169Z on test
	// train 1224 296
	// validation 0 0
	// test 306 74
	// missing in every row: fwd_flag_psh, fwd_flag_urg, rev_flag_psh, rev_flag_urg, flag_count
}
