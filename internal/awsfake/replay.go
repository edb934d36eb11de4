package awsfake

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	_ "embed"
	"strconv"
	"strings"
	"time"

	"threatdetect/internal/lazyregexp"
)

//go:embed stored/xgboost-model.gz
var storedModel []byte

//go:embed stored/rounds.log
var storedRounds string

// trainingResult is what came out of a training.
type trainingResult struct {
	failure  string
	artifact []byte // model.tar.gz
	rounds   []round
	notes    []string // lines of the log before the rounds
	replayed bool
}

// round is a line of evaluation: [17]<TAB>train-auc:0.99812<TAB>validation-auc:0.99431.
type round struct {
	line    string
	metrics map[string]float64 // by validation:auc
	after   []string           // lines of the log between it and the next
}

var roundLine = lazyregexp.New(`^\[(\d+)\]((?:\t[\w@.]+-[\w@.-]+:\S+)+)`)

func parseRound(line string) (round, bool) {
	m := roundLine.FindStringSubmatch(line)
	if m == nil {
		return round{}, false
	}
	r := round{line: line, metrics: map[string]float64{}}
	for _, f := range strings.Fields(m[2]) {
		name, value, _ := strings.Cut(f, ":")
		part, metric, _ := strings.Cut(name, "-")
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			r.metrics[part+":"+metric] = v
		}
	}
	return r, true
}

// runTraining makes the artifact: by XGBoost through the command's train local, or from what is stored.
func (s *Server) runTraining(spec *trainingSpec, result *trainingResult) error {
	if s.options.Binary != "" {
		done, err := s.trainLocal(spec, result)
		if done || err != nil {
			return err
		}
	}
	return replay(spec, result)
}

// replay gives the stored artifact and the log of its training, and says so in the log.
func replay(spec *trainingSpec, result *trainingResult) error {
	result.replayed = true
	result.notes = append(result.notes, "awsfake: no Python with XGBoost was used: this is a stored artifact (see internal/awsfake/stored), whatever the data and hyperparameters")
	body, err := gunzip(storedModel)
	if err != nil {
		return err
	}
	validation := false
	for _, c := range spec.channels {
		validation = validation || c.name == "validation"
	}
	rounds, _ := strconv.Atoi(spec.hyperparameters["num_round"])
	for i, line := range strings.Split(strings.TrimSpace(storedRounds), "\n") {
		if i >= rounds {
			break
		}
		if !validation {
			line, _, _ = strings.Cut(line, "\tvalidation-")
		}
		if r, ok := parseRound(line); ok {
			result.rounds = append(result.rounds, r)
		}
	}
	result.artifact, err = archive(map[string][]byte{"xgboost-model": body})
	return err
}

// archive makes a tar.gz of files.
func archive(files map[string][]byte) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, name := range sortedKeys(files) {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name])), ModTime: time.Unix(0, 0)}); err != nil {
			return nil, err
		}
		w.Write(files[name])
	}
	w.Close()
	err := z.Close()
	return b.Bytes(), err
}
