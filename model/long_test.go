package model_test

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/inference"
	"threatdetect/internal/corrupt"
	"threatdetect/internal/testkit"
	"threatdetect/model"
)

var (
	long     = flag.Bool("long", false, "load every damaged copy of every fixture, not a sample; prints the totals")
	quickRun = flag.Int64("sweep", 20_000, "how many damaged copies are loaded without -long, about")
)

// fixture is a file that is damaged in every way, and what loading a copy may cost.
type fixture struct {
	name  string
	data  []byte
	times int64 // of the input that a load may allocate, besides 16 MiB
	pack  func([]byte) []byte
}

// limits of one load, whatever the input.
const (
	slack   = 16 << 20 // bytes
	tooSlow = time.Second
)

// TestLongModels damages models of every format: XGBoost's binary form, JSON and UBJSON.
func TestLongModels(t *testing.T) {
	var fixtures []fixture
	for _, name := range smallest(t, filepath.Join(testkit.Root(t), "testdata", "golden", "*", "*"), ".bin.gz", ".json.gz", ".ubj.gz") {
		data, err := testkit.ReadGzip(name)
		require.NoError(t, err)
		times := int64(8)
		if strings.HasSuffix(name, ".json.gz") {
			times = 24
		}
		fixtures = append(fixtures, fixture{name: name, data: data, times: times})
	}
	require.GreaterOrEqual(t, len(fixtures), 12)
	sweepAll(t, fixtures, 2_000_000)
}

// TestLongPicklesAndArchives damages pickles, and archives before and behind their compression.
func TestLongPicklesAndArchives(t *testing.T) {
	var fixtures []fixture
	archives, err := filepath.Glob(filepath.Join(testkit.Root(t), "testdata", "pickle", "*.tar.gz"))
	require.NoError(t, err)
	for _, name := range archives {
		data, err := testkit.ReadGzip(name)
		require.NoError(t, err)
		members := 0
		for r := tar.NewReader(bytes.NewReader(data)); members < 3; members++ {
			header, err := r.Next()
			if err == io.EOF {
				break
			}
			require.NoError(t, err)
			pickle, err := io.ReadAll(r)
			require.NoError(t, err)
			fixtures = append(fixtures, fixture{name: name + ":" + header.Name, data: pickle, times: 24})
		}
	}
	require.GreaterOrEqual(t, len(fixtures), 12)
	demo := filepath.Join(testkit.Root(t), "testdata", "bundles", "iot23-ctu.tar.gz")
	packed, err := os.ReadFile(demo)
	require.NoError(t, err)
	plain, err := testkit.ReadGzip(demo)
	require.NoError(t, err)
	fixtures = append(fixtures, fixture{name: demo, data: packed, times: 64},
		fixture{name: demo + " unpacked", data: plain, times: 24, pack: func(b []byte) []byte {
			var out bytes.Buffer
			w, _ := gzip.NewWriterLevel(&out, gzip.NoCompression)
			w.Write(b)
			w.Close()
			return out.Bytes()
		}})
	sweepAll(t, fixtures, 500_000)
}

// smallest returns, for each ending, the smallest file of up to eight kinds of model among those that match; with -long, the
// three smallest.
func smallest(t *testing.T, pattern string, endings ...string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	require.NoError(t, err)
	sizes := map[string]int64{}
	for _, name := range names {
		info, err := os.Stat(name)
		require.NoError(t, err)
		sizes[name] = info.Size()
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(sizes[a], sizes[b]), cmp.Compare(a, b)) })
	var chosen []string
	for _, ending := range endings {
		seen, each := map[string]int{}, 1
		if *long {
			each = 3
		}
		for _, name := range names {
			kind, _, _ := strings.Cut(filepath.Base(name), "-")
			if strings.HasSuffix(name, ending) && seen[kind] < each && (seen[kind] > 0 || len(seen) < 8) {
				seen[kind]++
				chosen = append(chosen, name)
			}
		}
	}
	return chosen
}

func sweepAll(t *testing.T, fixtures []fixture, want int64) {
	var total, accepted int64
	stride := 1
	if !*long {
		var all int64
		for _, f := range fixtures {
			all += 30 * int64(len(f.data))
		}
		stride = int(all / *quickRun) + 1
	}
	began := time.Now()
	for _, f := range fixtures {
		n, ok := f.sweep(t, stride)
		total, accepted = total+n, accepted+ok
		if *long {
			fmt.Printf("%-60s %8d damaged copies, %8d accepted\n", filepath.Base(f.name), n, ok)
		}
	}
	t.Logf("%d damaged copies of %d files, %d accepted as sound models, in %v: 0 panics, 0 over %v, 0 over the bound of memory",
		total, len(fixtures), accepted, time.Since(began).Round(time.Second), tooSlow)
	if *long {
		fmt.Printf("total: %d damaged copies, %d accepted, %v\n", total, accepted, time.Since(began).Round(time.Second))
		require.GreaterOrEqual(t, total, want)
	}
}

// sweep loads every stride-th damaged copy. What is accepted must be sound and score.
func (f *fixture) sweep(t *testing.T, stride int) (total, accepted int64) {
	t.Helper()
	allocated := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	for c := range corrupt.Sweep(f.data, stride) {
		total++
		data := c.Data
		if f.pack != nil {
			data = f.pack(data)
		}
		where := func() string { return fmt.Sprintf("%s: case %d: %s at byte %d", f.name, c.Number, c.What, c.At) }
		metrics.Read(allocated)
		before, began := allocated[0].Value.Uint64(), time.Now()
		b, err := model.Load(bytes.NewReader(data), nil)
		took := time.Since(began)
		metrics.Read(allocated)
		if cost := int64(allocated[0].Value.Uint64() - before); cost > f.times*int64(len(data))+slack {
			t.Fatalf("%s: allocated %d bytes for %d", where(), cost, len(data))
		}
		if took > tooSlow {
			t.Fatalf("%s: took %v", where(), took)
		}
		if err != nil {
			if !errors.Is(err, model.ErrFormat) && !errors.Is(err, model.ErrUnsupported) && !errors.Is(err, model.ErrTooLarge) {
				t.Fatalf("%s: an error of no kind: %v", where(), err)
			}
			continue
		}
		accepted++
		if err := b.Validate(); err != nil {
			t.Fatalf("%s: accepted, but %v", where(), err)
		}
		if err := scores(b); err != nil {
			t.Fatalf("%s: accepted, but %v", where(), err)
		}
	}
	return total, accepted
}

// scores predicts two rows, one of them missing everywhere.
func scores(b *model.Booster) error {
	if b.NumFeature > 10_000 {
		return nil // a row of a flipped high bit
	}
	p, err := inference.New(b, nil)
	if errors.Is(err, model.ErrUnsupported) {
		return nil
	}
	if err != nil {
		return err
	}
	rows := make([]float32, 2*b.NumFeature)
	for i := range b.NumFeature {
		rows[i] = float32(i) / 3
	}
	nan := rows[b.NumFeature:]
	for i := range nan {
		nan[i] = nan[i] / nan[i]
	}
	return p.PredictBatch(make([]float32, 2*p.NumOutput()), rows)
}
