package inference

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"threatdetect/internal/testkit"
	"threatdetect/model"
)

// TestContainerReplies compares with what the SageMaker image 1.7-1 answered to plain CSV requests, ensembles among its models.
// The recordings lie beside the repository.
func TestContainerReplies(t *testing.T) {
	dir := filepath.Join(testkit.Root(t), "..", "shared", "data", "container-replies")
	f, err := os.Open(filepath.Join(dir, "golden", "1.7-1.json"))
	if err != nil {
		t.Skipf("no replies beside the repository: %v", err)
	}
	defer f.Close()
	number := regexp.MustCompile(`-?[0-9.]+(e[-+]?[0-9]+)?`)
	replies, numbers := map[string]int{}, 0
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var reply struct {
			Name, Model, Path, Body string
			Env                     map[string]string
			Headers                 [][2]string
			Status                  int
			Request                 []byte `json:"body_b64"`
			Response                []byte `json:"response_b64"`
		}
		if json.Unmarshal([]byte(strings.TrimSuffix(lines.Text(), ",")), &reply) != nil || reply.Status != 200 ||
			reply.Path != "/invocations" || reply.Body != "exact" || len(reply.Env) > 0 ||
			slices.ContainsFunc(reply.Headers, func(h [2]string) bool { return h[1] != "text/csv" }) {
			continue
		}
		got, ok := scoreCSV(t, filepath.Join(dir, "models", "1.7-1", reply.Model+".tar.gz"), string(reply.Request))
		if !ok {
			continue
		}
		var want []float32
		for _, text := range number.FindAllString(string(reply.Response), -1) {
			x, err := strconv.ParseFloat(text, 32)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, float32(x))
		}
		testkit.DiffBits(t, reply.Model+": "+reply.Name, got, want)
		replies[reply.Model]++
		numbers += len(want)
	}
	t.Logf("%d numbers of %v", numbers, replies)
	if numbers == 0 {
		t.Error("no reply was compared")
	}
}

// scoreCSV scores rows of plain numbers with all models of an artifact, as the image does. ok is false for other rows.
func scoreCSV(t *testing.T, path, request string) (values []float32, ok bool) {
	t.Helper()
	boosters, err := model.OpenAll(path, nil)
	if err != nil {
		return nil, false // what the image rejects is tested with the loaders
	}
	var rows []float32
	for line := range strings.Lines(request) {
		for field := range strings.SplitSeq(strings.TrimRight(line, "\r\n"), ",") {
			x, err := strconv.ParseFloat(field, 32)
			if err != nil && !errors.Is(err, strconv.ErrRange) {
				return nil, false
			}
			rows = append(rows, float32(x))
		}
	}
	e, err := NewEnsemble(boosters, &Options{TreeLimit: LimitContainer, Runtime: model.Version{1, 7, 4}})
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return nil, false
	}
	if len(rows) == 0 || len(rows)%e.NumFeature() != 0 {
		return nil, false
	}
	n := len(rows) / e.NumFeature()
	values = make([]float32, n*e.NumOutput())
	if n == 1 {
		err = e.Predict(values, rows)
	} else {
		err = e.PredictBatch(values, rows)
	}
	if err != nil {
		t.Errorf("%s: %v", path, err)
	}
	return values, err == nil
}
