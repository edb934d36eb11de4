package detect_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/zeek"
	"threatdetect/inference/detect"
	"threatdetect/internal/testkit"
	"threatdetect/model"
)

const demo = "../../testdata/demo/"

var bundles = []string{demo + "model.tar.gz", "../../testdata/bundles/iot23-ctu.tar.gz"}

func TestGoldenRecordsOfTheBundles(t *testing.T) {
	for _, name := range bundles {
		d, err := detect.Open(name, nil)
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(d.Contract().Golden), 20)
		b, err := model.OpenBundle(name, nil)
		require.NoError(t, err)
		require.NoError(t, detect.CheckGolden(b.Booster, d.Contract()))
	}
}

func TestCheckGoldenFindsDifferences(t *testing.T) {
	b, err := model.OpenBundle(bundles[0], nil)
	require.NoError(t, err)
	for name, spoil := range map[string]func(*features.Golden){
		"score":     func(g *features.Golden) { g.Score = math.Nextafter32(g.Score, 2) },
		"margin":    func(g *features.Golden) { g.Margin = math.Nextafter32(g.Margin, 100) },
		"cell":      func(g *features.Golden) { v := float32(12345); g.Row[3] = &v },
		"missing":   func(g *features.Golden) { g.Row[3] = nil },
		"log":       func(g *features.Golden) { g.Log = "{}" },
		"no record": func(g *features.Golden) { g.Log = "" },
	} {
		t.Run(name, func(t *testing.T) {
			c, err := features.ParseContract(b.Contract)
			require.NoError(t, err)
			spoil(&c.Golden[7])
			err = detect.CheckGolden(b.Booster, c)
			require.ErrorIs(t, err, features.ErrContract)
			require.ErrorContains(t, err, "golden[7]")
		})
	}
}

// The golden records of a bundle are those that come of their lines, whatever else is in the log.
func TestGoldenOfALog(t *testing.T) {
	b, err := model.OpenBundle(bundles[0], nil)
	require.NoError(t, err)
	c, err := features.ParseContract(b.Contract)
	require.NoError(t, err)
	of := func(log string) (all []features.Golden) {
		for g, err := range detect.Golden(b.Booster, c, strings.NewReader(log)) {
			require.NoError(t, err)
			all = append(all, g)
		}
		return all
	}
	log := "\ufeff\n{\"_path\":\"dns\"}\n"
	for i := range c.Golden {
		log += c.Golden[i].Log + "{\"ts\":\n\r\n" + strings.Repeat("x", 100_000+i) + "\n\xff\n"
	}
	require.Equal(t, c.Golden, of(log))

	const header = "#separator \\x09\n#path\t%s\n#fields\tts\tuid\tid.orig_h\tid.resp_h\tproto\n#types\ttime\tstring\taddr\taddr\tenum\n"
	const row = "1545403816.5\tC1\t10.0.0.1\t10.0.0.%d\ttcp\n"
	first, second := fmt.Sprintf(header, "conn"), "# again\n"+fmt.Sprintf(header, "conn")
	log = first + fmt.Sprintf(row, 7) + "cut\n" + fmt.Sprintf(header, "dns") + fmt.Sprintf(row, 8) + second + strings.TrimSuffix(fmt.Sprintf(row, 9), "\n")
	got := of(log)
	require.Len(t, got, 2)
	require.Equal(t, first+fmt.Sprintf(row, 7), got[0].Log)
	require.Equal(t, strings.TrimPrefix(second, "# again\n")+fmt.Sprintf(row, 9), got[1].Log)
	c.Golden = got
	require.NoError(t, detect.CheckGolden(b.Booster, c))

	const csv = "ts,te,td,sa,da,pr\n"
	got = of(csv + "2018-12-21 14:50:16,2018-12-21 14:50:16,0,10.0.0.1,10.0.0.2,TCP\n" + csv + "2018-12-21 14:50:17,2018-12-21 14:50:17,0,10.0.0.1,10.0.0.2,TCP\n")
	require.Len(t, got, 2)
	require.Equal(t, csv+"2018-12-21 14:50:17,2018-12-21 14:50:17,0,10.0.0.1,10.0.0.2,TCP\n", got[1].Log)
}

// TestNamesOfColumns: a model that calls its columns f0, f1 and so on, as pickles of XGBoost before 1.3 do, has no names to compare.
func TestNamesOfColumns(t *testing.T) {
	b, err := model.OpenBundle(bundles[0], nil)
	require.NoError(t, err)
	c, err := features.ParseContract(b.Contract)
	require.NoError(t, err)
	names := make([]string, b.Booster.NumFeature)
	for i := range names {
		names[i] = fmt.Sprintf("f%d", i)
	}
	b.Booster.FeatureNames = names
	_, err = detect.New(b.Booster, c, nil)
	require.NoError(t, err)
	names[0], names[1] = names[1], names[0]
	_, err = detect.New(b.Booster, c, nil)
	require.ErrorIs(t, err, features.ErrContract)
}

func TestStreamJudgesWithoutAllocating(t *testing.T) {
	d, err := detect.Open(bundles[0], nil)
	require.NoError(t, err)
	f, err := os.Open(demo + "conn.log")
	require.NoError(t, err)
	defer f.Close()
	var flows []*features.Flow
	for flow, err := range zeek.Read(f, nil) {
		require.NoError(t, err)
		flows = append(flows, flow.Clone())
	}
	s := d.Stream()
	threats := 0
	allocs := testing.AllocsPerRun(1, func() {
		threats = 0
		for _, flow := range flows {
			v, err := s.Judge(flow)
			if err != nil {
				t.Error(err)
				return
			}
			if v.Threat {
				threats++
			}
		}
	})
	if !raceEnabled { // the race detector makes pools drop what they hold
		require.Zero(t, allocs)
	}
	require.Greater(t, threats, 100)
	require.Less(t, threats, len(flows)/2)
}

func TestContractMustFitTheModel(t *testing.T) {
	b, err := model.OpenBundle(bundles[0], nil)
	require.NoError(t, err)
	refuse := func(says string, change func(*features.Contract)) {
		c, err := features.ParseContract(b.Contract)
		require.NoError(t, err)
		change(c)
		_, err = detect.New(b.Booster, c, nil)
		require.ErrorIs(t, err, features.ErrContract)
		require.ErrorContains(t, err, says)
	}
	refuse(`objective "reg:logistic"`, func(c *features.Contract) { c.Output.Objective = "reg:logistic" })
	set, err := features.LookupSet("flow-min/1")
	require.NoError(t, err)
	small, err := features.NewContract(set, time.Unix(0, 0))
	require.NoError(t, err)
	refuse("20 columns (set flow-min/1), the model takes 70", func(c *features.Contract) { *c = *small })

	c, err := features.ParseContract(b.Contract)
	require.NoError(t, err)
	c.Training.Model = strings.Repeat("0", 64)
	other := *b
	other.Contract, err = c.Canonical()
	require.NoError(t, err)
	var archive bytes.Buffer
	require.NoError(t, model.WriteBundle(&archive, &other))
	_, err = detect.Load(&archive, nil)
	require.ErrorIs(t, err, features.ErrContract)
	require.ErrorContains(t, err, "it was made for the model with SHA-256 00")
	other.Contract = nil
	archive.Reset()
	require.NoError(t, model.WriteBundle(&archive, &other))
	_, err = detect.Load(&archive, nil)
	require.ErrorIs(t, err, detect.ErrNoContract)
}

// A bundle that was cut off or changed is refused, or it is a sound model: no panic, no hang, no heap of memory.
func TestDamagedBundles(t *testing.T) {
	whole, err := os.ReadFile(bundles[0])
	require.NoError(t, err)
	try := func(damaged []byte, where int, cut bool) {
		began := time.Now()
		b, err := model.LoadBundle(bytes.NewReader(damaged), nil)
		require.Less(t, time.Since(began), 10*time.Second, "byte %d", where)
		if err != nil {
			return
		}
		require.False(t, cut, "a bundle cut at byte %d was accepted", where)
		require.NoError(t, b.Booster.Validate())
		if c, err := features.ParseContract(b.Contract); err == nil {
			if d, err := detect.New(b.Booster, c, &detect.Options{SkipGolden: true}); err == nil {
				_, err = d.Stream().Judge(&features.Flow{})
				require.NoError(t, err)
			}
		}
	}
	step, flips := 97, 2000
	if raceEnabled { // ten times slower, and nothing here runs at the same time
		step, flips = 970, 200
	}
	for n := 0; n < len(whole); n += step {
		try(whole[:n], n, true)
	}
	random := testkit.Rand(t)
	damaged := make([]byte, len(whole))
	for range flips {
		copy(damaged, whole)
		bit := random.IntN(8 * len(whole))
		damaged[bit/8] ^= 1 << (bit % 8)
		try(damaged, bit/8, false)
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	require.Less(t, stats.Sys, uint64(256<<20), "bytes held")
}
