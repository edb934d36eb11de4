package train

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"threatdetect/features"
	"threatdetect/inference/detect"
	"threatdetect/model"
)

// Bundle is what was fetched.
type Bundle struct {
	Path     string
	SHA256   string
	Size     int64
	Trees    int
	Features int
	Members  int    // models in it; more than one of k-fold training
	Set      string // of features; "" if there is no contract: the model scores rows, not logs
	Digest   string // SHA-256 of SageMaker's own archive
}

// FetchBundle gets the artifact of a job, makes sure that it is a model which fits the contract, and writes both as a bundle. Without a contract, the
// one that was sent with the training files is taken; without that, the bundle has none.
func (a *AWS) FetchBundle(ctx context.Context, j *Job, output string, contract []byte, tell func(Event)) (*Bundle, error) {
	if j.Artifact == "" {
		return nil, fmt.Errorf("%w: %s is %s and has no model", ErrNotFound, j.Name, j.Status)
	}
	store, key, err := a.storeOf(j.Artifact)
	if err != nil {
		return nil, err
	}
	if contract == nil {
		if contract, err = a.sentContract(ctx, j); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(filepath.Dir(output), 0o777); err != nil {
		return nil, err
	}
	raw := filepath.Join(filepath.Dir(output), "."+filepath.Base(output)+".artifact")
	defer os.Remove(raw)
	o, err := store.Download(ctx, key, raw, &DownloadOptions{MaxBytes: defaultMaxModel, Progress: func(n, total int64) {
		if tell != nil {
			tell(Event{What: "download", Sent: n, Total: total})
		}
	}})
	if err != nil {
		return nil, err
	}
	b, err := WriteBundle(raw, contract, output)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", j.Artifact, err)
	}
	b.Digest = o.SHA256
	return b, nil
}

// storeOf is the bucket of an address, and the key in it.
func (a *AWS) storeOf(address string) (*Store, string, error) {
	bucket, key, err := ParseS3(address)
	return &Store{s3: &s3Store{a: a, bucket: bucket}}, key, err
}

// sentContract is the contract beside the training files of a job, nil if there is none.
func (a *AWS) sentContract(ctx context.Context, j *Job) ([]byte, error) {
	run, ok := strings.CutSuffix(j.TrainData, "train/")
	if !ok {
		return nil, nil
	}
	store, key, err := a.storeOf(run + "contract.json")
	if err != nil {
		return nil, nil
	}
	contract, _, err := store.Get(ctx, key, 64<<20)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return contract, err
}

// WriteBundle puts an artifact and a contract, which may be nil, into a bundle, once they are known to go together.
func WriteBundle(artifact string, contract []byte, output string) (*Bundle, error) {
	b, err := model.OpenBundle(artifact, &model.LoadOptions{AllowEnsemble: true})
	if err != nil {
		return nil, err
	}
	out := &Bundle{Path: output, Trees: len(b.Booster.Trees), Features: b.Booster.NumFeature, Members: len(b.Members)}
	if contract != nil {
		c, err := features.ParseContract(contract)
		if err != nil {
			return nil, err
		}
		if len(b.Members) == 1 {
			if _, err := detect.New(b.Booster, c, nil); err != nil {
				return nil, fmt.Errorf("the model does not fit the contract: %w", err)
			}
		}
		b.Contract, out.Set = contract, c.Set
	}
	f, err := os.CreateTemp(filepath.Dir(output), "."+filepath.Base(output)+".*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	err = model.WriteBundle(f, b)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if err2 := f.Close(); err == nil {
		err = err2
	}
	if err == nil {
		out.Size, out.SHA256, err = fileSHA256(f.Name())
	}
	if err == nil {
		err = os.Rename(f.Name(), output)
	}
	return out, err
}
