package f32math

import (
	_ "embed"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
)

// The digests of glibc's results; testdata/digest.c makes the file and says how.
//
//go:embed testdata/digest.txt
var digests string

// TestDigest compares the functions with the C library on every 4099th float32. With THREATDETECT_EXHAUSTIVE set it
// compares on all of them, which takes minutes.
func TestDigest(t *testing.T) {
	functions := map[string]func(float32) float32{
		"exp": Exp, "log": Log, "sigmoid": Sigmoid, "sigmoid-unclamped": SigmoidUnclamped, "logit": Logit,
		"expm1": Expm1, "log1p": Log1p,
	}
	seen := 0
	for line := range strings.Lines(digests) {
		var name, want string
		var stride uint64
		if _, err := fmt.Sscan(line, &name, &stride, &want); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		f := functions[name]
		if f == nil {
			t.Fatalf("line %q: unknown function", line)
		}
		seen++
		t.Run(fmt.Sprintf("%s/%d", name, stride), func(t *testing.T) {
			if stride == 1 && os.Getenv("THREATDETECT_EXHAUSTIVE") == "" {
				t.Skip("every input takes minutes; set THREATDETECT_EXHAUSTIVE to run it")
			}
			t.Parallel()
			if got := fmt.Sprintf("%016x", digest(f, stride)); got != want {
				t.Errorf("digest %s, want %s", got, want)
			}
		})
	}
	if seen != 2*len(functions) {
		t.Errorf("%d digests, want %d", seen, 2*len(functions))
	}
}

func digest(f func(float32) float32, stride uint64) uint64 {
	h := uint64(14695981039346656037)
	for b := uint64(0); b < 1<<32; b += stride {
		y := f(math.Float32frombits(uint32(b)))
		u := math.Float32bits(y)
		if y != y {
			u = 0x7FC00000
		}
		h = (h ^ uint64(u)) * 1099511628211
	}
	return h
}
