package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"time"
)

// TrainingRun is a training job that is to be made.
type TrainingRun struct {
	Data   *Data  // nil in a dry run without files
	Output string // file of the bundle; the state of the run lies beside it
	NoWait bool   // return as soon as the job is accepted
	New    bool   // make a new job, even if one for the same data and stack is under way or done
	Poll   time.Duration
	Tell   func(Event) // nil: nobody
	Warn   func(string)
}

// Result is what became of a run.
type Result struct {
	Job     *Job
	Bundle  *Bundle // nil if it was not waited for
	Already bool    // nothing was left to do
	Resumed bool    // an earlier run of the same command began it
}

// Train sends the files, makes the job, waits and fetches: see [AWS.FetchBundle]. What was done by an earlier run of the same command that ended or was
// killed on the way is not done again: there is one job, whatever happens. The stack and the data must have been checked.
func (a *AWS) Train(ctx context.Context, run *TrainingRun) (*Result, error) {
	if run.Tell == nil {
		run.Tell = func(Event) {}
	}
	if run.Warn == nil {
		run.Warn = func(string) {}
	}
	role, err := a.Role(ctx, RoleTraining)
	if err != nil {
		return nil, err
	}
	t := &training{a: a, TrainingRun: run, role: role, kind: "train",
		name: func() string { return NewJobName(a.stack.Name, a.clock.Now(), uint16(rand.Uint32())) }}
	if err := t.open(); err != nil {
		return nil, err
	}
	result := &Result{Resumed: t.state.Submitted || t.state.Uploaded}
	if t.state.Output != "" && !run.New {
		if _, digest, err := fileSHA256(run.Output); err == nil && digest == t.state.Output {
			result.Job, result.Already = &Job{Name: t.state.Job}, true
			return result, nil
		}
	}
	if !t.state.Submitted {
		if err := t.submit(ctx); err != nil {
			return nil, err
		}
	}
	if run.NoWait {
		result.Job, err = a.Describe(ctx, t.state.Job)
		return result, err
	}
	if result.Job, err = a.WaitJob(ctx, t.state.Job, run.Poll, run.Tell); err != nil {
		return nil, err
	}
	if err := result.Job.Err(); err != nil || a.DryRun() {
		return result, err
	}
	var contract []byte
	if run.Data != nil {
		contract = run.Data.Contract
	}
	if result.Bundle, err = a.FetchBundle(ctx, result.Job, run.Output, contract, run.Tell); err != nil {
		return result, err
	}
	t.state.Output = result.Bundle.SHA256
	return result, t.save()
}

// training is one run.
type training struct {
	a *AWS
	*TrainingRun
	role     string
	kind     string        // of the job, in the name of the state
	settings any           // what else makes the job what it is
	name     func() string // of a new job
	state    *runState
}

func (t *training) save() error {
	if t.a.DryRun() {
		return nil
	}
	return t.state.save()
}

// open finds the state of an earlier run, or makes a new one with the name of the job in it. From then on there is no other.
func (t *training) open() error {
	stack := t.a.stack
	digests := map[string]string{}
	if t.Data != nil {
		for channel, files := range map[string][]DataFile{"train": t.Data.Train, "validation": t.Data.Validation} {
			for _, f := range files {
				_, digest, err := fileSHA256(f.Path)
				if err != nil {
					return err
				}
				digests[channel+"/"+filepath.Base(f.Path)] = digest
			}
		}
	}
	contentType, validation := t.shape()
	request, err := stack.TrainingRequest("job", t.role, contentType, validation)
	if err != nil {
		return err
	}
	print, err := fingerprint(request, digests, stack.Region, t.a.endpoint, t.settings)
	if err != nil {
		return err
	}
	if t.a.DryRun() {
		t.state = &runState{Job: t.name()}
		return nil
	}
	stale := ""
	if t.state, stale, err = openState(statePath(t.kind, t.Output), print); err != nil {
		return err
	}
	if stale != "" {
		t.Warn("the job " + stale + " was begun for other files or another stack and was not fetched: threatdetect train fetch " + stale)
	}
	if t.New || t.state.Job == "" {
		t.state = &runState{path: t.state.path, Fingerprint: print, Created: t.a.clock.Now().UTC(), Job: t.name()}
		return t.save()
	}
	return nil
}

// shape is the form of the files. A dry run without files takes fit's.
func (t *training) shape() (contentType string, validation bool) {
	if t.Data == nil {
		return ContentTypeCSV, true
	}
	return t.Data.ContentType, len(t.Data.Validation) > 0
}

func (t *training) submit(ctx context.Context) error {
	if !t.state.Uploaded {
		if err := t.upload(ctx); err != nil {
			return err
		}
		t.state.Uploaded = true
		if err := t.save(); err != nil {
			return err
		}
	}
	contentType, validation := t.shape()
	request, err := t.a.stack.TrainingRequest(t.state.Job, t.role, contentType, validation)
	if err != nil {
		return err
	}
	_, err = t.a.SageMaker().CreateTrainingJob(ctx, request)
	// The name is ours alone: a job of this name was made by a run that could not write that down any more.
	if err != nil && !errors.Is(err, ErrExists) {
		return err
	}
	t.state.Submitted = true
	return t.save()
}

// upload sends the files of each channel, and the contract for whoever fetches the job from elsewhere.
func (t *training) upload(ctx context.Context) error {
	if t.Data == nil {
		return nil
	}
	files, clean, err := t.files()
	if err != nil {
		return err
	}
	defer clean()
	var sent, total int64
	for _, f := range files {
		info, err := os.Stat(f.path)
		if err != nil {
			return err
		}
		total += info.Size()
	}
	store, prefix := t.a.Bucket(), t.a.stack.runKey(t.state.Job)
	for _, f := range files {
		_, err := store.Upload(ctx, prefix+f.key, f.path, func(n int64) {
			sent += n
			t.Tell(Event{What: "upload", Sent: sent, Total: total})
		})
		if err != nil {
			return err
		}
	}
	if t.Data.Contract != nil {
		_, err := store.Put(ctx, prefix+"contract.json", t.Data.Contract, false)
		return err
	}
	return nil
}

type upfile struct{ key, path string }

// files lists what is sent. Where each machine gets a share, there are at least as many files as machines, of the same size.
func (t *training) files() ([]upfile, func(), error) {
	var files []upfile
	count := t.a.stack.Training.Count
	dir, clean := "", func() {}
	for _, channel := range []struct {
		name  string
		files []DataFile
	}{{"train", t.Data.Train}, {"validation", t.Data.Validation}} {
		if t.a.stack.Training.Sharded && len(channel.files) > 0 && len(channel.files)%count != 0 {
			if dir == "" {
				var err error
				if dir, err = os.MkdirTemp("", "threatdetect-parts-"); err != nil {
					return nil, nil, err
				}
				clean = func() { os.RemoveAll(dir) }
			}
			paths, err := split(channel.files, count, filepath.Join(dir, channel.name), filepath.Ext(channel.files[0].Path))
			if err != nil {
				clean()
				return nil, nil, err
			}
			for _, p := range paths {
				files = append(files, upfile{path.Join(channel.name, filepath.Base(p)), p})
			}
			continue
		}
		for _, f := range channel.files {
			files = append(files, upfile{path.Join(channel.name, filepath.Base(f.Path)), f.Path})
		}
	}
	return files, clean, nil
}

// WriteEvents prints what happens to a job, a line each, for logs and pipes.
func WriteEvents(w io.Writer) func(Event) {
	return func(e Event) {
		switch {
		case e.Job != nil:
			fmt.Fprintf(w, "%s %s\n", e.Job.Status, e.Job.Secondary)
		case e.Line != "":
			fmt.Fprintln(w, e.Line)
		}
	}
}
