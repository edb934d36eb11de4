package detect_test

import (
	"bytes"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/zeek"
	"threatdetect/inference/detect"
	"threatdetect/model"
)

// demoDetector is that of the demo with a calibration.
func demoDetector(t *testing.T, calibration *features.Calibration) *detect.Detector {
	t.Helper()
	b, err := model.OpenBundle(bundles[0], nil)
	require.NoError(t, err)
	c, err := features.ParseContract(b.Contract)
	require.NoError(t, err)
	c.Output.Calibration = calibration
	d, err := detect.New(b.Booster, c, nil)
	require.NoError(t, err)
	return d
}

var halves = &features.Calibration{Points: []features.CalibrationPoint{{Score: 0.25, Probability: 0.125}, {Score: 0.75, Probability: 0.5}}, Prevalence: 0.2, Expected: 0.01}

func readDemo(t *testing.T) []*features.Flow {
	t.Helper()
	f, err := os.Open(demo + "conn.log")
	require.NoError(t, err)
	defer f.Close()
	var flows []*features.Flow
	for flow, err := range zeek.Read(f, nil) {
		require.NoError(t, err)
		flows = append(flows, flow.Clone())
	}
	return flows
}

func writeAll(t *testing.T, d *detect.Detector, format string, flows []*features.Flow) string {
	t.Helper()
	var out bytes.Buffer
	w, err := detect.NewWriter(&out, format, d)
	require.NoError(t, err)
	block := d.Stream().Block(0)
	take := func() {
		for v, ok, err := block.Next(); ok; v, ok, err = block.Next() {
			require.NoError(t, err)
			require.NoError(t, w.Write(v))
		}
	}
	for _, f := range flows {
		require.NoError(t, block.Push(f))
		take()
	}
	block.Finish()
	take()
	require.NoError(t, w.Close())
	return out.String()
}

// TestProbabilityIsAllThatACalibrationAdds: without the probability every format has the bytes that it has without a calibration.
func TestProbabilityIsAllThatACalibrationAdds(t *testing.T) {
	plain, calibrated := demoDetector(t, nil), demoDetector(t, halves)
	require.False(t, plain.Calibrated())
	require.True(t, calibrated.Calibrated())
	k, err := halves.Calibrator("binary:logistic")
	require.NoError(t, err)
	flows := readDemo(t)
	member := regexp.MustCompile(`"score":([^,]+),"probability":([^,]+),`)
	for _, format := range detect.OutputFormats() {
		without, with := writeAll(t, plain, format, flows), writeAll(t, calibrated, format, flows)
		separator := map[string]string{detect.CSV: ",", detect.Zeek: "\t"}[format]
		if separator == "" {
			found := member.FindAllStringSubmatch(with, -1)
			require.Len(t, found, len(flows), format)
			for _, m := range found {
				score, err := strconv.ParseFloat(m[1], 32)
				require.NoError(t, err)
				p, err := strconv.ParseFloat(m[2], 32)
				require.NoError(t, err)
				require.Equal(t, k.Probability(float32(score)), float32(p))
			}
			require.Equal(t, without, member.ReplaceAllString(with, `"score":$1,`), format)
			continue
		}
		at, shift := -1, map[string]int{detect.Zeek: 1}[format] // of the column: #fields and #types have a cell more than records
		var kept strings.Builder
		for line := range strings.Lines(with) {
			cells := strings.Split(line, separator)
			for i, cell := range cells {
				if cell == "probability" {
					at = i
				}
			}
			if strings.HasPrefix(line, "#fields") || strings.HasPrefix(line, "#types") {
				cells = append(cells[:at], cells[at+1:]...)
			} else if !strings.HasPrefix(line, "#") {
				cells = append(cells[:at-shift], cells[at-shift+1:]...)
			}
			kept.WriteString(strings.Join(cells, separator))
		}
		require.Positive(t, at, format)
		require.Equal(t, without, kept.String(), format)
	}
}

func TestCalibratedVerdicts(t *testing.T) {
	plain, calibrated := demoDetector(t, nil).Stream(), demoDetector(t, halves).Stream()
	flows := readDemo(t)
	for _, f := range flows {
		v, err := plain.Judge(f)
		require.NoError(t, err)
		require.Equal(t, v.Score, v.Probability, "without a calibration it is the model's own")
		w, err := calibrated.Judge(f)
		require.NoError(t, err)
		require.Equal(t, math.Float32bits(v.Score), math.Float32bits(w.Score))
		require.Equal(t, v.Threat, w.Threat)
		require.Less(t, w.Probability, float32(0.05))
	}
	if !raceEnabled {
		require.Zero(t, testing.AllocsPerRun(1, func() {
			for _, f := range flows {
				if _, err := calibrated.Judge(f); err != nil {
					t.Error(err)
				}
			}
		}))
	}
}

func TestBrokenCalibration(t *testing.T) {
	b, err := model.OpenBundle(bundles[0], nil)
	require.NoError(t, err)
	c, err := features.ParseContract(b.Contract)
	require.NoError(t, err)
	c.Output.Calibration = &features.Calibration{}
	_, err = detect.New(b.Booster, c, nil)
	require.ErrorIs(t, err, features.ErrContract)
	require.ErrorContains(t, err, "output.calibration: want Platt's a and b, or points")
}
