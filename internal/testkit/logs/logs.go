// Package logs makes logs for tests, and runs readers of them.
package logs

import (
	"bytes"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/internal/trafficgen"
)

// Result is what a reader made of a log.
type Result struct {
	Flows   []*features.Flow
	Bad     []features.RecordError
	Err     error // the one that ended it
	Account features.Account
	Labels  map[features.Label]int
}

// Read collects what a reader yields, and requires that nothing follows an error of the whole input.
func Read(t testing.TB, flows iter.Seq2[*features.Flow, error]) *Result {
	t.Helper()
	r := &Result{Labels: map[features.Label]int{}}
	for f, err := range flows {
		require.NoError(t, r.Err, "something behind the last error")
		var bad *features.RecordError
		switch {
		case err == nil:
			r.Flows = append(r.Flows, f.Clone())
			r.Labels[f.Label]++
		case errors.As(err, &bad):
			c := *bad
			c.Text = append([]byte(nil), bad.Text...)
			r.Bad = append(r.Bad, c)
		default:
			r.Err = err
		}
		r.Account.Add(f, err)
	}
	return r
}

// Skipped counts the records that became no flow, by reason.
func (r *Result) Skipped() map[features.Reason]int64 {
	m := map[features.Reason]int64{}
	for k, v := range r.Account.Skipped {
		m[k] = v
	}
	return m
}

// Sample opens a file of ../shared/data beside the module, of which root is the way to from the test. The test is skipped
// where the samples are not there: they are not part of the module.
func Sample(t testing.TB, root, name string) *os.File {
	t.Helper()
	data := filepath.Join(root, "..", "shared", "data")
	if _, err := os.Stat(data); err != nil {
		t.Skip("no sample files: they are not part of the module, see their README for terms")
	}
	f, err := os.Open(filepath.Join(data, name))
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

// Simulate returns a log of simulated traffic.
func Simulate(t testing.TB, traffic trafficgen.Config, opts *trafficgen.WriterOptions) []byte {
	t.Helper()
	g, err := trafficgen.New(traffic)
	require.NoError(t, err)
	var b bytes.Buffer
	w, err := trafficgen.NewWriter(&b, opts)
	require.NoError(t, err)
	for r := range g.All() {
		require.NoError(t, w.Write(r))
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}
