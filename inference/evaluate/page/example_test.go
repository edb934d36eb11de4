package page_test

import (
	"bytes"
	"fmt"
	"log"

	"threatdetect/features"
	"threatdetect/inference/evaluate"
	"threatdetect/inference/evaluate/page"
)

func ExampleWrite() {
	var sample evaluate.Sample
	for i, score := range []float32{0.1, 0.9, 0.2, 0.7} {
		f := &features.Flow{Label: features.Benign}
		if i%2 == 1 {
			f.Label = features.Attack
		}
		if err := sample.Add(f, nil, []float32{score}, score); err != nil {
			log.Fatal(err)
		}
	}
	report, err := evaluate.New(&sample, &evaluate.Options{Threshold: 0.5})
	if err != nil {
		log.Fatal(err)
	}
	report.Title = "Four flows"
	var html bytes.Buffer // or a file
	if err := page.Write(&html, report); err != nil {
		log.Fatal(err)
	}
	fmt.Println(bytes.Contains(html.Bytes(), []byte("<h1>Four flows</h1>")), bytes.Contains(html.Bytes(), []byte("<script")))
	// Output: true false
}
