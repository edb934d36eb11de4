package sketch_test

import (
	"fmt"

	"threatdetect/internal/sketch"
)

// A counter that fades by e in a minute, half a minute later.
func Example() {
	perMinute := sketch.PerSecond(60)
	fmt.Printf("%.6f\n", 100*sketch.Decay(30e9*perMinute))
	// Output: 60.653066
}
