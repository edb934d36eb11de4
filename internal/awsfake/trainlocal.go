package awsfake

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// noPython is how the command says that nobody can train here.
const noPython = "no Python with the right XGBoost"

// trainLocal runs the command's train local over the container's layout; done is false where it found no XGBoost.
func (s *Server) trainLocal(spec *trainingSpec, result *trainingResult) (done bool, err error) {
	version := spec.version
	if version == "" {
		version = "1.7-1" // an image of somebody's own
	}
	if _, replays := s.replays.Load(version); replays {
		return false, nil
	}
	b, err := newSandbox()
	if err != nil {
		return false, err
	}
	defer b.remove()
	if err := b.layTraining(spec); err != nil {
		return false, err
	}
	if err := s.restoreCheckpoints(b, spec.in); err != nil {
		return false, err
	}
	words := []string{"train", "local", "--quiet", "--json", "--layout", filepath.Join(b.root, "opt/ml"), "--image", version, "--log"}
	env := map[string]string{}
	if python := s.options.Python; python != "" {
		env["THREATDETECT_PYTHON"] = python
	} else if python := os.Getenv("THREATDETECT_PYTHON"); python != "" {
		env["THREATDETECT_PYTHON"] = python
	}
	out, err := s.run(b, nil, words, env, workTime)
	if err != nil && (strings.Contains(out, noPython) || strings.Contains(out, "later version") || strings.Contains(out, "unknown command")) {
		s.replays.Store(version, true)
		return false, nil
	}
	result.listen(out)
	if err := s.keepCheckpoints(b, spec.in); err != nil {
		return true, errors.New("ClientError: Checkpoint upload failed: " + err.Error())
	}
	if err != nil {
		why := strings.TrimSpace(string(b.read("/opt/ml/output/failure")))
		if why == "" {
			why = lastLine(out)
		}
		return true, errors.New("ClientError: " + why + ", exit code: 1")
	}
	files, err := b.files("/opt/ml/model")
	if err != nil {
		return true, err
	}
	if len(files) == 0 {
		return true, errors.New("AlgorithmError: the training wrote no model")
	}
	result.artifact, err = archive(files)
	return true, err
}

// listen takes the log of the container out of what the command printed: all but the command's own end.
func (r *trainingResult) listen(out string) {
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		round, ok := parseRound(line)
		switch {
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, `{"job":"local"`) || strings.HasPrefix(line, "threatdetect train local: "):
		case ok:
			r.rounds = append(r.rounds, round)
		case len(r.rounds) == 0:
			r.notes = append(r.notes, line)
		default: // between the rounds of folds, and behind them
			r.rounds[len(r.rounds)-1].after = append(r.rounds[len(r.rounds)-1].after, line)
		}
	}
}

// layTraining writes the folders of a training container.
func (b *sandbox) layTraining(spec *trainingSpec) error {
	hyperparameters := maps.Clone(spec.hyperparameters)
	if spec.until > 0 {
		hyperparameters["num_round"] = strconv.Itoa(spec.until)
	}
	channels := doc{}
	for _, c := range spec.channels {
		distribution := "FullyReplicated"
		if c.sharded {
			distribution = "ShardedByS3Key"
		}
		channels[c.name] = doc{"ContentType": c.contentType, "TrainingInputMode": "File", "S3DistributionType": distribution, "RecordWrapperType": "None"}
		for _, f := range c.files {
			if err := b.write("/opt/ml/input/data/"+c.name+"/"+f.path, f.body); err != nil {
				return err
			}
		}
	}
	for name, v := range map[string]any{
		"hyperparameters.json": hyperparameters,
		"inputdataconfig.json": channels,
		"resourceconfig.json":  doc{"current_host": "algo-1", "hosts": []string{"algo-1"}, "network_interface_name": "eth0"},
	} {
		if err := b.writeJSON("/opt/ml/input/config/"+name, v); err != nil {
			return err
		}
	}
	return nil
}
