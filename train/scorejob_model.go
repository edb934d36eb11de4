package train

import "context"

// scoreRequest is a job with nothing left open.
type scoreRequest struct {
	ScoreJob
	taken *taken // nil if it named its model
}

// state adds to what became of a job what is remembered of it.
func (r *scoreRequest) state(s *JobState, err error) (*JobState, error) {
	if err != nil {
		return nil, err
	}
	if s.taken = r.taken; s.taken != nil && s.taken.remembered {
		s.Remembered = s.taken.model
	}
	return s, nil
}

// takeModel fills in the model that was left open.
func (r *scoreRequest) takeModel(ctx context.Context, a *AWS, kind string, j *ScoreJob, options any) (err error) {
	same := *j
	same.Beside, same.New = "", false
	if r.taken, err = a.takeNewest(ctx, kind, j.Beside, j.New, same, options); err == nil {
		r.Model = r.taken.model
	}
	return err
}

// Ended tells whether a job runs no more.
func (s *JobState) Ended() bool {
	return s.Status == "Completed" || s.Status == "Failed" || s.Status == "Stopped"
}

// Forget makes the next request take the newest approved model: for when the job that was submitted has ended, or nobody waits for it.
func (s *JobState) Forget() error { return s.taken.forget() }
