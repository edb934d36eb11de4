package awsfake

import (
	"time"
)

// job is the life of a training, processing or transform job: phases one after another, each with its time, cut short by a
// stop, an interruption or a failure.
type job struct {
	t                 *thing
	status, secondary string
	failure           string
	transitions       []doc
	started, ended    time.Time // of the work that is paid for
	life              int       // grows when what was planned no longer holds
	attempts          int
	restarts          int // left, after an InternalServerError
	interrupt, taken  int // times that spot instances will still be taken away, and were
	doom              string
	stopped           bool
	ends              []func(at time.Time)
	phases            []phase
	work              func(at time.Time) // of the phase Training, without the lock
	fail              string             // what the work failed with
	lasts             time.Duration      // how long the work takes on the clock
	keep              func(at time.Time) // uploads what there is
	keepsAfterStop    bool
	worked            time.Duration // with the machines
	limit, waits      time.Duration // MaxRuntime, MaxWait; 0 none
	finished          bool
}

type phase struct {
	name, message string
	lasts         time.Duration
}

var trainingPhases = []phase{
	{"Pending", "Waiting for capacity", 5 * time.Second},
	{"Starting", "Launching requested ML instances", 60 * time.Second},
	{"Downloading", "Downloading input data", 15 * time.Second},
	{"Training", "Training image download completed. Training in progress.", 0},
	{"Uploading", "Uploading generated training model", 10 * time.Second},
}

// start begins a job's life.
func (s *Server) start(j *job) {
	j.status = "InProgress"
	s.enter(j, 0, s.clock.now())
}

// enter begins a phase; the lock is held.
func (s *Server) enter(j *job, n int, at time.Time) {
	p := j.phases[n]
	j.transit(p.name, p.message, at)
	life := j.life
	switch p.name {
	case "Starting":
		switch j.doom {
		case "capacity":
			s.clock.at(at.Add(p.lasts), s.ifAlive(j, life, func(at time.Time) {
				s.end(j, "Failed", "Failed", "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type or after some time.", at)
			}))
			return
		case "internal":
			s.clock.at(at.Add(p.lasts), s.ifAlive(j, life, func(at time.Time) {
				if j.restarts > 0 {
					j.restarts--
					j.attempts++
					s.enter(j, n, at)
					return
				}
				s.end(j, "Failed", "Failed", "InternalServerError: We encountered an internal error. Please try again.", at)
			}))
			return
		}
	case "Training":
		if j.started.IsZero() {
			j.started = at
		}
		// The work is done at once, and takes its time on the clock.
		s.clock.at(at, s.ifAlive(j, life, func(at time.Time) {
			s.mu.Unlock()
			j.work(at)
			s.mu.Lock()
			s.workDone(j, n, at)
		}))
		return
	}
	s.clock.at(at.Add(p.lasts), s.ifAlive(j, life, func(at time.Time) {
		if n+1 < len(j.phases) {
			s.enter(j, n+1, at)
			return
		}
		s.complete(j, at)
	}))
}

// workDone plans what follows the work, whose end the clock has not reached yet.
func (s *Server) workDone(j *job, n int, at time.Time) {
	if j.stopped && j.status == "Stopping" {
		return
	}
	lasts, life := j.lasts, j.life
	if j.interrupt > 0 {
		j.interrupt--
		s.clock.at(at.Add(lasts/2), s.ifAlive(j, life, func(at time.Time) { s.interrupted(j, at) }))
		return
	}
	if j.limit > 0 && lasts > j.limit {
		s.clock.at(at.Add(j.limit), s.ifAlive(j, life, func(at time.Time) {
			j.worked += j.limit
			if j.keepsAfterStop && j.fail == "" {
				j.keep(at)
			}
			s.end(j, "Stopped", "MaxRuntimeExceeded", "", at)
		}))
		return
	}
	s.clock.at(at.Add(lasts), s.ifAlive(j, life, func(at time.Time) {
		j.worked += lasts
		if j.fail != "" {
			s.end(j, "Failed", "Failed", j.fail, at)
			return
		}
		if n+1 < len(j.phases) {
			s.enter(j, n+1, at)
			return
		}
		s.complete(j, at)
	}))
}

func (s *Server) interrupted(j *job, at time.Time) {
	j.taken++
	j.worked += j.lasts / 2
	j.transit("Interrupted", "Managed Spot Training was interrupted: the instances were reclaimed", at)
	life := j.life
	again := at.Add(10 * time.Minute)
	if j.waits > 0 && again.Sub(j.t.created) > j.waits {
		s.clock.at(j.t.created.Add(j.waits), s.ifAlive(j, life, func(at time.Time) { s.end(j, "Stopped", "MaxWaitTimeExceeded", "", at) }))
		return
	}
	s.clock.at(again, s.ifAlive(j, life, func(at time.Time) { s.enter(j, 1, at) }))
}

// ifAlive runs an event under the lock unless the job has gone another way meanwhile.
func (s *Server) ifAlive(j *job, life int, run func(at time.Time)) func(time.Time) {
	return func(at time.Time) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if j.life == life && !j.finished {
			run(at)
		}
	}
}

// stop is SIGTERM, two minutes, SIGKILL; ours ends after five seconds.
func (s *Server) stop(j *job) {
	at := s.clock.now()
	was := j.secondary
	j.life++
	j.stopped, j.status = true, "Stopping"
	j.transit("Stopping", "Stopping the job", at)
	life := j.life
	s.clock.at(at.Add(5*time.Second), s.ifAlive(j, life, func(at time.Time) {
		if j.keepsAfterStop && (was == "Training" || was == "Uploading") && j.fail == "" {
			j.keep(at)
		}
		s.end(j, "Stopped", "Stopped", "", at)
	}))
}

// complete uploads what the work made; a job whose output cannot be put has failed.
func (s *Server) complete(j *job, at time.Time) {
	if j.keep(at); j.fail != "" {
		s.end(j, "Failed", "Failed", j.fail, at)
		return
	}
	s.end(j, "Completed", "Completed", "", at)
}

func (s *Server) end(j *job, status, secondary, failure string, at time.Time) {
	j.status, j.failure, j.ended, j.finished = status, failure, at, true
	j.life++
	message := map[string]string{"Completed": "Training job completed", "Failed": failure, "Stopped": "Training job stopped",
		"MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided", "MaxWaitTimeExceeded": "Training job exceeded MaxWaitTimeInSeconds provided"}[secondary]
	j.transit(secondary, message, at)
	s.logf("%s %s: %s %s", j.t.kind, j.t.name, secondary, failure)
	for _, f := range j.ends {
		f(at)
	}
}

func (j *job) transit(secondary, message string, at time.Time) {
	if n := len(j.transitions); n > 0 {
		j.transitions[n-1]["EndTime"] = at
	}
	d := doc{"Status": secondary, "StartTime": at, "StatusMessage": message}
	if j.finished {
		d["EndTime"] = at
	}
	j.transitions = append(j.transitions, d)
	j.secondary, j.t.modified = secondary, at
}
