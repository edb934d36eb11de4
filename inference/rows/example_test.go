package rows_test

import (
	"errors"
	"fmt"
	"strings"

	"threatdetect/inference/rows"
)

func ExampleRead() {
	opts := &rows.Options{NumFeature: 3, Names: []string{"bytes", "packets", "rate"}}

	// The header names the columns, so they may come in any order. An empty field is missing.
	in := "rate,bytes,packets\n0.5,1200,7\n,64,1\n"
	for row, err := range rows.Read(strings.NewReader(in), rows.CSV, opts) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(row)
	}

	// The first fault ends the sequence, and says where and what kind it is.
	in = "1 0:1200 1:7\n0 0:64 3:1\n"
	for row, err := range rows.Read(strings.NewReader(in), rows.Libsvm, opts) {
		if err != nil {
			fmt.Println(err)
			fmt.Println("does not fit the model:", errors.Is(err, rows.ErrShape))
			return
		}
		fmt.Println(row)
	}
	// Output:
	// [1200 7 0.5]
	// [64 1 NaN]
	// [1200 7 NaN]
	// line 2: column 3: index "3" is beyond the model, which has 0 to 2
	// does not fit the model: true
}
