package testkit

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// SeedVariable is the environment variable that makes [Rand] repeat a run.
const SeedVariable = "THREATDETECT_SEED"

// Rand returns a source of random numbers with another seed in every run. It prints the seed when the test fails, or
// with -v; setting SeedVariable to that number repeats the run.
func Rand(t testing.TB) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv(SeedVariable); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s: %v", SeedVariable, err)
		}
	}
	t.Logf("%s=%d", SeedVariable, seed)
	return RandFrom(seed)
}

// RandFrom returns the source of random numbers that belongs to seed.
func RandFrom(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }
