package detect_test

import (
	"fmt"
	"log"
	"os"

	"threatdetect/features/zeek"
	"threatdetect/inference/detect"
)

// Read a Zeek log and count what is judged a threat.
func Example() {
	detector, err := detect.Open("../../testdata/demo/model.tar.gz", nil)
	if err != nil {
		log.Fatal(err)
	}
	file, err := os.Open("../../testdata/demo/conn.log")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	flows, threats := 0, 0
	for verdict, err := range detector.Stream().Verdicts(zeek.Read(file, nil)) {
		if err != nil {
			log.Fatal(err) // or go on, if it is a *features.RecordError
		}
		flows++
		if verdict.Threat {
			threats++
		}
	}
	fmt.Println(flows, "flows,", threats, "threats")
	// Output: 1900 flows, 249 threats
}

// The program that README shows.
func Example_readme() {
	detector, err := detect.Open("model.tar.gz", nil) // immutable, for any number of goroutines
	if err != nil {
		log.Fatal(err)
	}
	for verdict, err := range detector.Stream().Verdicts(zeek.Read(os.Stdin, nil)) {
		if err != nil {
			log.Fatal(err) // or go on, if it is a *features.RecordError: one bad record costs one record
		}
		if verdict.Threat {
			fmt.Println(verdict.Flow.Src, "->", verdict.Flow.Dst, verdict.Score)
		}
	}
}
