package evaluate_test

import (
	"fmt"
	"log"
	"os"

	"threatdetect/features/zeek"
	"threatdetect/inference/detect"
	"threatdetect/inference/evaluate"
)

// Scores that are too low, and the probabilities that they stand for.
func ExampleCalibrate() {
	var scores []float32
	var attack []bool
	for i := range 300 { // of the flows with a score of 0.1 one of three is an attack, of those with 0.2 two
		scores = append(scores, 0.1, 0.2)
		attack = append(attack, i%3 == 0, i%3 != 0)
	}
	calibration, err := evaluate.Calibrate(scores, attack, "binary:logistic")
	if err != nil {
		log.Fatal(err)
	}
	calibration.Expected = 0.01 // where the model will work
	calibrator, err := calibration.Calibrator("binary:logistic")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s, %.0f %% attacks\n", calibration.Method(), 100*calibration.Prevalence)
	fmt.Printf("%.4f %.4f\n", calibrator.Probability(0.1), calibrator.Probability(0.2))
	// Output:
	// platt, 50 % attacks
	// 0.0050 0.0197
}

// A labelled log, a model, and what the scores are worth.
func ExampleNew() {
	detector, err := detect.Open("../../testdata/demo/model.tar.gz", nil)
	if err != nil {
		log.Fatal(err)
	}
	f, err := os.Open("../../testdata/demo/conn.log")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	var sample evaluate.Sample
	for v, err := range detector.Stream().Verdicts(zeek.Read(f, nil)) {
		if err != nil {
			log.Fatal(err)
		}
		if err := sample.Add(v.Flow, v.Flow.Kind, v.Row, v.Score); err != nil {
			log.Fatal(err)
		}
	}
	r, err := evaluate.New(&sample, &evaluate.Options{Threshold: detector.Threshold()})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("AUC", evaluate.WithInterval(r.All.AUC, r.All.AUCInterval))
	fmt.Println("recall at one false alarm in a hundred", evaluate.Short(r.Distinct.RecallAt[0].Recall))
	k := r.Kinds[0]
	fmt.Println(k.Kind, k.Found, "of", k.Flows)
	// Output:
	// AUC 0.966 (0.9442 to 0.987)
	// recall at one false alarm in a hundred 0.5886
	// horizontal-scan 46 of 60
}
