// Command csv scores numeric rows with a model that has no contract: what SageMaker's endpoint does with a CSV body. Run
// it in the root of the repository:
//
//	go run ./cmd/threatdetect features --set flow-portable/1 testdata/demo/conn.log | go run ./examples/csv testdata/demo/model.tar.gz
package main

import (
	"fmt"
	"log"
	"os"

	"threatdetect/inference"
	"threatdetect/inference/rows"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: csv MODEL < rows.csv")
	}
	predictor, err := inference.Open(os.Args[1], nil)
	if err != nil {
		log.Fatal(err)
	}
	out := make([]float32, predictor.NumOutput())
	for row, err := range rows.Read(os.Stdin, rows.CSV, &rows.Options{NumFeature: predictor.NumFeature()}) {
		if err != nil {
			log.Fatal(err)
		}
		if err := predictor.Predict(out, row); err != nil {
			log.Fatal(err)
		}
		fmt.Println(out)
	}
}
