package inference_test

import (
	"errors"
	"fmt"
	"log"
	"math"

	"threatdetect/inference"
	"threatdetect/model"
)

// A predictor is opened once and then scores rows from any number of goroutines.
func Example() {
	p, err := inference.Open("../testdata/golden/3.2.0/logistic-base-0.5.ubj.gz", nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(p.Objective(), p.NumFeature(), "columns,", p.NumOutput(), "output")

	missing := float32(math.NaN())
	row := []float32{0.25, 3, 1, 120.5, missing, 2}
	probability := make([]float32, p.NumOutput())
	if err := p.Predict(probability, row); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.4f\n", probability[0])
	// Output:
	// binary:logistic 6 columns, 1 output
	// 0.9448
}

// Several rows, one after the other in one slice, are scored by several goroutines when there are enough of them.
func ExamplePredictor_PredictBatch() {
	p, err := inference.Open("../testdata/golden/3.2.0/softprob.json.gz", nil)
	if err != nil {
		log.Fatal(err)
	}
	rows := []float32{
		0.25, 3, 1, 120.5, -1, 2,
		-2.5, 0, 0, 0.01, 1, 5,
	}
	classes := p.NumOutput()
	dst := make([]float32, len(rows)/p.NumFeature()*classes)
	if err := p.PredictBatch(dst, rows); err != nil {
		log.Fatal(err)
	}
	for i := 0; i < len(dst); i += classes {
		fmt.Printf("%.3f\n", dst[i:i+classes])
	}
	// Output:
	// [0.130 0.296 0.573]
	// [0.799 0.131 0.070]
}

// The output says what a predictor writes.
func ExampleOptions() {
	b, err := model.Open("../testdata/golden/3.2.0/logistic-base-0.1.json.gz", nil)
	if err != nil {
		log.Fatal(err)
	}
	row := []float32{0.25, 3, 1, 120.5, -1}
	for _, output := range []inference.Output{inference.Value, inference.Margin, inference.Leaf} {
		p, err := inference.New(b, &inference.Options{Output: output})
		if err != nil {
			log.Fatal(err)
		}
		dst := make([]float32, p.NumOutput())
		if err := p.Predict(dst, row); err != nil {
			log.Fatal(err)
		}
		fmt.Println(output, dst)
	}
	// Output:
	// value [0.8629678]
	// margin [1.8401611]
	// leaf [12 6 16 14 14 27 14 16 8 14]
}

// A list of column names is compared with the model's before the first row is scored.
func ExamplePredictor_CheckFeatures() {
	b := &model.Booster{
		Kind: "gbtree", Objective: "reg:squarederror", NumFeature: 3, NumTarget: 1, BaseScore: []float32{0},
		FeatureNames: []string{"duration", "bytes", "packets"},
	}
	p, err := inference.New(b, nil)
	if err != nil {
		log.Fatal(err)
	}
	err = p.CheckFeatures([]string{"duration", "packets", "octets"})
	fmt.Println(err)
	var e *inference.FeatureError
	if errors.As(err, &e) {
		fmt.Println(e.Missing, e.Unknown)
	}
	// Output:
	// inference: columns differ from the model's: missing ["bytes"]; unknown ["octets"]; first at column 1: "packets" instead of "bytes"
	// [bytes] [octets]
}

// Columns of a data frame are scored where they are.
func ExamplePredictor_PredictMatrix() {
	p, err := inference.Open("../testdata/golden/3.2.0/logistic-base-0.5.ubj.gz", nil)
	if err != nil {
		log.Fatal(err)
	}
	missing := float32(math.NaN())
	columns := []float32{ // six columns of two rows
		0.25, -2.5,
		3, 0,
		1, 0,
		120.5, 0.01,
		missing, 1,
		2, 5,
	}
	dst := make([]float32, 2)
	if err := p.PredictMatrix(dst, inference.Matrix{Data: columns, Rows: 2, ByColumn: true}); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.4f\n", dst)
	// Output:
	// [0.9448 0.0334]
}

// Of sparse rows only what is there is given; the rest is missing.
func ExamplePredictor_PredictCSR() {
	p, err := inference.Open("../testdata/golden/3.2.0/logistic-base-0.5.ubj.gz", nil)
	if err != nil {
		log.Fatal(err)
	}
	rows := inference.CSR{
		Offsets: []int{0, 5, 7},
		Columns: []int32{0, 1, 2, 3, 5, 2, 4},
		Values:  []float32{0.25, 3, 1, 120.5, 2, 1, 0},
	}
	dst := make([]float32, rows.Rows())
	if err := p.PredictCSR(dst, rows); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.4f\n", dst)
	// Output:
	// [0.9448 0.5106]
}

// One-hot columns are scored as bits.
func ExamplePredictor_PredictPacked() {
	p, err := inference.Open("../testdata/golden/3.2.0/logistic-base-0.5.ubj.gz", nil)
	if err != nil {
		log.Fatal(err)
	}
	packing, err := p.NewPacking([]int{2, 4}, 0, 1) // columns 2 and 4 are 0 or 1
	if err != nil {
		log.Fatal(err)
	}
	rows := inference.Packed{
		Packing: packing,
		Dense: []float32{ // columns 0, 1, 3 and 5 of two rows
			0.25, 3, 120.5, 2,
			-2.5, 0, 0.01, 5,
		},
		Bits: []byte{0b01, 0b10}, // column 2 of the first row is 1, and column 4 of the second one
	}
	dst := make([]float32, 2)
	if err := p.PredictPacked(dst, rows); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.4f\n", dst)
	// Output:
	// [0.9448 0.0334]
}

// A program with workers of its own gives each a session.
func ExampleSession() {
	p, err := inference.Open("../testdata/golden/3.2.0/logistic-base-0.5.ubj.gz", nil)
	if err != nil {
		log.Fatal(err)
	}
	missing := float32(math.NaN())
	rows := make(chan []float32)
	scores := make(chan float32)
	for range 4 {
		go func() {
			s := p.NewSession()
			var probability [1]float32
			for row := range rows {
				if err := s.Predict(probability[:], row); err != nil {
					log.Fatal(err)
				}
				scores <- probability[0]
			}
		}()
	}
	rows <- []float32{0.25, 3, 1, 120.5, missing, 2}
	fmt.Printf("%.4f\n", <-scores)
	close(rows)
	// Output:
	// 0.9448
}
