package batch

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"
)

// Logs may lie where outputs go, and a pattern that finds them then finds what earlier runs wrote as well.

// isOwn reports whether an input is what earlier runs of this job wrote, by the journal in the folder of outputs, or its bookkeeping.
func (f *finder) isOwn(in *input) bool {
	name := f.below(in)
	if name == "" {
		return false
	}
	if f.own == nil {
		f.own = map[string]bool{}
		if c, commits, _, err := readJournal(osDisk{}, f.dir); err == nil && c != nil { // what is wrong with it is told later
			for _, commit := range commits {
				for _, p := range commit.Files {
					f.own[string(p.Key)+"."+c.To], f.own[string(p.Key)+rejectsEnd] = p.Failed == "", p.Failed == ""
				}
			}
		}
	}
	return f.own[name] || isBookkeeping(name)
}

// checkPlaces refuses a log that an output would take the place of.
func (f *finder) checkPlaces() error {
	var near []*input // that lie where outputs go
	for _, in := range f.inputs {
		if f.below(in) != "" {
			near = append(near, in)
		}
	}
	for _, in := range f.inputs {
		for _, log := range near {
			if name := f.below(log); f.ofKey[log.key] == log && (name == in.key+"."+f.opts.To || name == in.key+rejectsEnd) {
				return fmt.Errorf("%w: %s is a log, and what is said of %s would go there; name another folder for outputs", ErrInputs, log.name, in.name)
			}
		}
	}
	return nil
}

// isBookkeeping reports whether a name is one of those that a job gives to what it keeps beside outputs.
func isBookkeeping(name string) bool {
	base := path.Base(name)
	return base == journalName || base == journalName+".new" || base == lockName || strings.HasPrefix(base, statePrefix) ||
		strings.HasSuffix(base, partialEnd) || strings.HasSuffix(base, convertedEnd)
}

// below is the name of an input relative to where outputs go, with slashes; "" if it does not lie there.
func (f *finder) below(in *input) string {
	switch {
	case !in.local() && in.bucket == nil || f.skip == "" && f.prefix == "":
		return ""
	case in.bucket != nil:
		if name, ok := strings.CutPrefix(in.name, f.prefix); ok && f.prefix != "" {
			return name
		}
		return ""
	case f.skip == "":
		return ""
	}
	abs, err := filepath.Abs(in.name)
	if err != nil {
		return ""
	}
	rel, err := filepath.Rel(resolved(f.skip), filepath.Join(resolved(filepath.Dir(abs)), filepath.Base(abs)))
	if err != nil || !filepath.IsLocal(rel) {
		return ""
	}
	return filepath.ToSlash(rel)
}

// resolved is a folder without links on the way to it, if it is there.
func resolved(dir string) string {
	if to, err := filepath.EvalSymlinks(dir); err == nil {
		return to
	}
	return dir
}
