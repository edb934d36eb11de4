package bigram

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTable(t *testing.T) {
	for a, row := range likelihoods {
		sum := 0.0
		for _, v := range row {
			require.Negative(t, v)
			sum += math.Exp2(float64(v) / 1000)
		}
		require.InDelta(t, 1, sum, 0.01, "row %d", a)
	}
	require.Greater(t, likelihoods['q'-'a']['u'-'a'], int32(-200))
}

func TestScore(t *testing.T) {
	for name, pairs := range map[string]int{"": 0, "123.4-": 0, "a": 2, "mail": 5, "a1": 2, "12ab.c": 5} {
		_, n := Score([]byte(name))
		require.Equal(t, pairs, n, name)
	}
	mean := func(name string) float64 {
		sum, n := Score([]byte(name))
		return float64(sum) / float64(1000*n)
	}
	for _, word := range []string{"static", "mail", "images", "downloads", "login", "autodiscover"} {
		for _, noise := range []string{"xkqzvb", "qjxwzkpvfh", "mzxw6ytboi", "kqg7vzjx2q"} {
			require.Greater(t, mean(word), mean(noise)+1, "%s, %s", word, noise)
		}
	}
	require.Zero(t, testing.AllocsPerRun(10, func() { Score([]byte("static")) }))
}

func Example() {
	for _, name := range []string{"newsletter", "xq7zvkj2wq"} {
		sum, pairs := Score([]byte(name))
		fmt.Printf("%s %.1f\n", name, float64(sum)/float64(1000*pairs))
	}
	// Output:
	// newsletter -4.2
	// xq7zvkj2wq -8.7
}
