package train

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// CleanupOptions say how far [AWS.Cleanup] goes.
type CleanupOptions struct {
	DeleteData bool // the bucket with all versions of all objects, and the logs
	PlanOnly   bool // look, and delete nothing
	// Progress, unless nil, is told what is deleted, before it is.
	Progress func(kind, name string)
}

// CleanupReport is what was found, what became of it, and what stays.
type CleanupReport struct {
	Found   []Leftover // in the order in which they are deleted; Why is empty
	Deleted int        // of these
	Left    []Leftover // what stays, and why
}

// cleanupStep is one kind of things, and how they are found and deleted.
type cleanupStep struct {
	kind   string
	data   bool                                                   // deleted on demand only
	find   func(context.Context) ([]string, error)                // names
	ours   func(ctx context.Context, name string) error           // why it is not the stack's, whatever it is called; nil: its name says that it is
	remove func(ctx context.Context, name string) error           // waits until it is gone, where something else waits for that
	assume []string                                               // what a dry run takes for there, as it cannot look
	why    func(ctx context.Context, name string) (string, error) // it stays if DeleteData is off
}

// Cleanup removes everything of the stack: what could start something first, then what runs, then what runs it, then what is left over, and the rights to all of
// that last. Where something cannot be deleted it goes on with the rest, and the error is of all that failed. What is not there any more counts as deleted, so that
// the same call can be repeated.
func (a *AWS) Cleanup(ctx context.Context, opts *CleanupOptions) (*CleanupReport, error) {
	o := CleanupOptions{}
	if opts != nil {
		o = *opts
	}
	report := &CleanupReport{}
	var failed []error
	for _, step := range a.cleanupSteps() {
		names, err := step.names(ctx, a.DryRun())
		if err != nil {
			if ctx.Err() != nil {
				return report, err
			}
			failed = append(failed, err)
			report.Left = append(report.Left, Leftover{step.kind, "(any)", "nobody knows whether there is one: " + reason(err)})
			continue
		}
		for _, name := range names {
			if step.data && !o.DeleteData {
				why := "it is data: --delete-data deletes it"
				if step.why != nil {
					if what, err := step.why(ctx, name); err == nil {
						why = what
					}
				}
				report.Left = append(report.Left, Leftover{step.kind, name, why})
				continue
			}
			if step.ours != nil {
				if err := step.ours(ctx, name); ctx.Err() != nil {
					return report, err
				} else if err != nil {
					report.Left = append(report.Left, Leftover{step.kind, name, reason(err)})
					if !o.PlanOnly {
						failed = append(failed, err)
					}
					continue
				}
			}
			report.Found = append(report.Found, Leftover{Kind: step.kind, Name: name})
			if o.PlanOnly {
				continue
			}
			if o.Progress != nil {
				o.Progress(step.kind, name)
			}
			err := step.remove(ctx, name)
			if errors.Is(err, ErrNotFound) && step.gone(ctx, name) {
				err = nil
			}
			switch {
			case err == nil:
				report.Deleted++
			case ctx.Err() != nil:
				return report, err
			default:
				failed = append(failed, err)
				report.Left = append(report.Left, Leftover{step.kind, name, reason(err)})
			}
		}
	}
	rest, err := a.untouched(ctx, report)
	if err != nil {
		failed = append(failed, err)
	}
	report.Left = append(report.Left, rest...)
	if len(failed) > 0 {
		return report, fmt.Errorf("%d of the stack's parts could not be deleted: %w", len(failed), errors.Join(failed...))
	}
	return report, nil
}

// reason is an error without what the SDK says around it.
func reason(err error) string {
	if service, ok := errors.AsType[*ServiceError](err); ok {
		return service.Error()
	}
	return err.Error()
}

func (s *cleanupStep) names(ctx context.Context, dry bool) ([]string, error) {
	if dry && s.assume != nil {
		return s.assume, nil
	}
	names, err := s.find(ctx)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return names, err
}

// gone looks again: what was not found may have been a part of the thing.
func (s *cleanupStep) gone(ctx context.Context, name string) bool {
	names, err := s.names(ctx, false)
	return err == nil && !slices.Contains(names, name)
}

// only finds a thing by its one name.
func only(name string, look func(context.Context) error) func(context.Context) ([]string, error) {
	return func(ctx context.Context) ([]string, error) {
		if err := look(ctx); err != nil {
			return nil, err
		}
		return []string{name}, nil
	}
}

func (a *AWS) cleanupSteps() []cleanupStep {
	steps := a.cleanupTriggers()
	steps = append(steps, a.cleanupJobs()...)
	steps = append(steps, a.cleanupEndpoint()...)
	steps = append(steps, a.cleanupPipeline()...)
	steps = append(steps, a.cleanupMonitor()...)
	steps = append(steps, a.cleanupData()...)
	return append(steps, a.cleanupRoles()...)
}
