package train

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// runState is what a command remembers of its job, in a file beside its output, so that the same command after a kill goes on with the same job.
type runState struct {
	Version     int       `json:"version"`
	Fingerprint string    `json:"fingerprint"` // of everything that makes the job what it is
	Job         string    `json:"job"`
	Created     time.Time `json:"created"`
	Uploaded    bool      `json:"uploaded"`
	Submitted   bool      `json:"submitted"`
	Model       string    `json:"model,omitempty"`  // that a job scores with, where it was the newest
	Output      string    `json:"output,omitempty"` // SHA-256 of the output, once it is there

	path string
}

const runStateVersion = 1

// statePath is where the state of an output is: a hidden file beside it.
func statePath(kind, output string) string {
	return filepath.Join(filepath.Dir(output), ".threatdetect-"+kind+"-"+filepath.Base(output)+".json")
}

// openState reads the state of an output. One of another job is put aside: stale says which.
func openState(path, fingerprint string) (state *runState, stale string, err error) {
	text, err := os.ReadFile(path)
	state = &runState{path: path}
	if errors.Is(err, fs.ErrNotExist) {
		return state, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	if err := json.Unmarshal(text, state); err != nil || state.Version != runStateVersion {
		return nil, "", fmt.Errorf("%s: no state that this version understands; delete it to begin anew", path)
	}
	if state.Fingerprint != fingerprint {
		if state.Output == "" && state.Submitted {
			stale = state.Job
		}
		return &runState{path: path}, stale, nil
	}
	return state, "", nil
}

// save writes the state, whole or not at all.
func (s *runState) save() error {
	s.Version = runStateVersion
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.path), 0o777); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(s.path), filepath.Base(s.path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(append(text, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if err2 := f.Close(); err == nil {
		err = err2
	}
	if err == nil {
		err = os.Rename(f.Name(), s.path)
	}
	return err
}

// remove forgets the state; none is no error.
func (s *runState) remove() error {
	if err := os.Remove(s.path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// fingerprint is a digest of anything that has a JSON form.
func fingerprint(parts ...any) (string, error) {
	text, err := json.Marshal(parts)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}
