package parquet_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	pq "github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/inference/batch"
	"threatdetect/inference/batch/parquet"
	"threatdetect/inference/detect"
	"threatdetect/internal/testkit"
)

const demo = "../../../testdata/demo/"

// record is a row as another program would read it.
type record struct {
	TS      time.Time `parquet:"ts,optional,timestamp(nanosecond)"`
	UID     string    `parquet:"uid,optional"`
	DstPort *uint16   `parquet:"dst_port,optional"`
	Proto   string    `parquet:"proto,optional"`
	Score   float32   `parquet:"score"`
	Threat  bool      `parquet:"threat"`
	Model   string    `parquet:"model"`
	Class   *string   `parquet:"class,optional"`
	Classes []struct {
		Class string  `parquet:"class"`
		Score float32 `parquet:"score"`
	} `parquet:"classes,list"`
}

// classDetector tells three classes apart by random trees.
func classDetector(t *testing.T, objective string) *detect.Detector {
	t.Helper()
	set, err := features.LookupSet("flow-portable/1")
	require.NoError(t, err)
	contract, err := features.NewContract(set, time.Unix(0, 0))
	require.NoError(t, err)
	contract.Output.Classes = []string{"benign", "dos", "scan"}
	text, err := contract.Canonical()
	require.NoError(t, err)
	contract, err = features.ParseContract(text)
	require.NoError(t, err)
	b := testkit.RandomBooster(testkit.RandFrom(5), testkit.BoosterShape{Features: len(contract.Columns), Groups: 3, Trees: 30, Depth: 5, Fill: 0.9, Thresholds: 4})
	b.Objective, b.Digest = objective, objective
	d, err := detect.New(b, contract, nil)
	require.NoError(t, err)
	return d
}

// run scores the demo log and returns the name of the output.
func run(t *testing.T, d *detect.Detector, opts *batch.Options) string {
	return runOn(t, demo+"conn.log", d, opts)
}

func runOn(t *testing.T, log string, d *detect.Detector, opts *batch.Options) string {
	t.Helper()
	out := t.TempDir()
	j, err := batch.New(context.Background(), d, []string{log}, out, opts)
	require.NoError(t, err)
	defer j.Close()
	_, err = j.Run(context.Background())
	require.NoError(t, err)
	return filepath.Join(out, filepath.Base(log)+"."+opts.To)
}

// The scores of each class, and the name of the likeliest, are those of NDJSON, of all flows as of threats only.
func TestClasses(t *testing.T) {
	for _, objective := range []string{"multi:softprob", "multi:softmax"} {
		d := classDetector(t, objective)
		for _, all := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s all %v", objective, all), func(t *testing.T) {
				text, err := os.ReadFile(run(t, d, &batch.Options{To: batch.NDJSON, All: all}))
				require.NoError(t, err)
				rows, err := pq.ReadFile[record](run(t, d, &batch.Options{To: batch.Parquet, Convert: parquet.Write, All: all}))
				require.NoError(t, err)
				require.Len(t, rows, bytes.Count(text, []byte("\n")))
				require.Equal(t, all, len(rows) == 1900)
				seen := map[string]int{}
				for i, line := range bytes.Split(bytes.TrimSpace(text), []byte("\n")) {
					var want struct {
						TS      time.Time          `json:"ts"`
						UID     string             `json:"uid"`
						DstPort *uint16            `json:"dst_port"`
						Score   float32            `json:"score"`
						Threat  bool               `json:"threat"`
						Model   string             `json:"model"`
						Class   *string            `json:"class"`
						Classes map[string]float32 `json:"classes"`
					}
					require.NoError(t, json.Unmarshal(line, &want))
					got := rows[i]
					require.Equal(t, want.TS, got.TS.UTC())
					require.Equal(t, []any{want.UID, want.DstPort, want.Score, want.Threat, want.Model, want.Class},
						[]any{got.UID, got.DstPort, got.Score, got.Threat, got.Model, got.Class})
					require.Len(t, got.Classes, len(want.Classes))
					for k, c := range got.Classes {
						require.Equal(t, []string{"benign", "dos", "scan"}[k], c.Class)
						require.Equal(t, want.Classes[c.Class], c.Score)
					}
					require.Len(t, got.Classes, d.NumScore())
					seen[*got.Class]++
				}
				require.True(t, len(seen) == 3 || !all, "%v", seen)
			})
		}
	}
}

// TestTexts: what a log says becomes the text that NDJSON has, whatever its bytes, and no longer: a column with one text that is no UTF-8 could not be read.
func TestTexts(t *testing.T) {
	d := classDetector(t, "multi:softprob")
	log := filepath.Join(t.TempDir(), "a.log")
	text := []byte("#separator \\x09\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\n")
	for _, uid := range []string{"\xff\xfe,\"x", "-", "a\\x09\\x0a\xe2\x80\xae", "é\xc3", strings.Repeat("é", 513), "x" + strings.Repeat("é", 3000), strings.Repeat("x", 100_000)} {
		text = fmt.Appendf(text, "1700000000.5\t%s\tfe80::1\t1\t10.0.0.2\t53\t%s\n", uid, "odd"+uid[:min(len(uid), 9)])
	}
	require.NoError(t, os.WriteFile(log, text, 0o600))
	lines, err := os.ReadFile(runOn(t, log, d, &batch.Options{To: batch.NDJSON, All: true}))
	require.NoError(t, err)
	rows, err := pq.ReadFile[record](runOn(t, log, d, &batch.Options{To: batch.Parquet, Convert: parquet.Write, All: true}))
	require.NoError(t, err)
	require.Len(t, rows, 7)
	for i, line := range bytes.Split(bytes.TrimSpace(lines), []byte("\n")) {
		var want struct{ UID, Proto string }
		require.NoError(t, json.Unmarshal(line, &want))
		require.Equal(t, []string{want.UID, want.Proto}, []string{rows[i].UID, rows[i].Proto})
		require.True(t, utf8.ValidString(rows[i].UID))
	}
}

func ExampleWrite() {
	detector, err := detect.Open(demo+"model.tar.gz", nil)
	if err != nil {
		log.Fatal(err)
	}
	out, err := os.MkdirTemp("", "scored")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(out)
	job, err := batch.New(context.Background(), detector, []string{demo + "conn.log"}, out, &batch.Options{To: batch.Parquet, Convert: parquet.Write})
	if err != nil {
		log.Fatal(err)
	}
	defer job.Close()
	if _, err := job.Run(context.Background()); err != nil {
		log.Fatal(err)
	}

	threats, err := pq.ReadFile[struct {
		Dst   string  `parquet:"dst,optional"`
		Score float32 `parquet:"score"`
	}](filepath.Join(out, "conn.log.parquet"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(threats), "threats, the first to", threats[0].Dst)
	// Output:
	// 249 threats, the first to 10.43.128.95
}

// A calibrated model's rows have a probability, that of NDJSON; those of others have no such column.
func TestProbability(t *testing.T) {
	d := classDetector(t, "multi:softprob")
	plain, err := os.ReadFile(run(t, d, &batch.Options{To: batch.Parquet, Convert: parquet.Write, All: true}))
	require.NoError(t, err)
	require.NotContains(t, string(plain), "probability")
	a, b := features.Float17(-0.5), features.Float17(1)
	d.Contract().Output.Calibration = &features.Calibration{A: &a, B: &b}
	booster := testkit.RandomBooster(testkit.RandFrom(5), testkit.BoosterShape{Features: len(d.Contract().Columns), Groups: 3, Trees: 30, Depth: 5, Fill: 0.9, Thresholds: 4})
	booster.Objective, booster.Digest = "multi:softprob", "multi:softprob"
	d, err = detect.New(booster, d.Contract(), nil)
	require.NoError(t, err)
	text, err := os.ReadFile(run(t, d, &batch.Options{To: batch.NDJSON, All: true}))
	require.NoError(t, err)
	type calibrated struct {
		Score       float32 `json:"score" parquet:"score"`
		Probability float32 `json:"probability" parquet:"probability"`
		Model       string  `json:"model" parquet:"model"`
	}
	rows, err := pq.ReadFile[calibrated](run(t, d, &batch.Options{To: batch.Parquet, Convert: parquet.Write, All: true}))
	require.NoError(t, err)
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	require.Len(t, rows, len(lines))
	for i, line := range lines {
		var want calibrated
		require.NoError(t, json.Unmarshal(line, &want))
		require.Equal(t, want, rows[i])
		require.NotEqual(t, want.Score, want.Probability)
	}
}
