package train

import "context"

// scoreRequest is a job with nothing left open, and what is remembered of it.
type scoreRequest struct {
	ScoreJob
	memory     *runState // nil: nothing is
	remembered bool      // the model is that of an earlier request
}

// state adds to what became of a job what is remembered of it.
func (r *scoreRequest) state(s *JobState, err error) (*JobState, error) {
	if err != nil {
		return nil, err
	}
	s.memory = r.memory
	if r.remembered {
		s.Remembered = r.Model
	}
	return s, nil
}

// scoreModel takes the model of the same request before, if that was not seen to its end, or the newest approved one. A job is named after what it does, its model
// too: with another one it would be another job.
func (a *AWS) scoreModel(ctx context.Context, kind string, j *ScoreJob, options any, full *scoreRequest) error {
	if j.Beside != "" && !a.DryRun() {
		same := *j
		same.Beside, same.New = "", false
		print, err := fingerprint(kind, a.stack, a.endpoint, same, options)
		if err != nil {
			return err
		}
		// One file a request: another one in between does not make this one forgotten.
		if full.memory, _, err = openState(statePath(kind+"-"+print[:10], j.Beside), print); err != nil {
			return err
		}
		full.memory.Fingerprint = print
	}
	if full.memory != nil && full.memory.Model != "" && !j.New {
		full.Model, full.remembered = full.memory.Model, true
		return nil
	}
	address, err := a.newestArtifact(ctx)
	if err != nil {
		return err
	}
	full.Model = address
	if full.memory == nil {
		return nil
	}
	if j.New { // which is another job each time
		return full.memory.remove()
	}
	full.memory.Model, full.memory.Created = address, a.clock.Now().UTC()
	return full.memory.save()
}

// Ended tells whether a job runs no more.
func (s *JobState) Ended() bool {
	return s.Status == "Completed" || s.Status == "Failed" || s.Status == "Stopped"
}

// Forget makes the next request take the newest approved model: for when the job that was submitted has ended, or nobody waits for it.
func (s *JobState) Forget() error {
	if s.memory == nil {
		return nil
	}
	return s.memory.remove()
}
