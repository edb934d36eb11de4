package model

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// SaveOptions says what [Save] writes. The zero value, and nil, are the defaults.
type SaveOptions struct {
	// Format is FormatUBJSON, the default, or FormatJSON. UBJSON is for releases from 1.6 on.
	Format Format

	// Target is the release of XGBoost that the file is for, from 1.3 on; the patch level does not matter. The zero Version asks for a file that
	// all releases from 1.7 to the newest known one read with the same meaning, or if there can be none for this booster, as many of
	// them as possible; [PlanSave] tells which.
	Target Version

	// AllowOtherBits writes the file also if the release it is for must predict other bits than the one that wrote the booster. The
	// reasons are then notes of the plan. Without it they are an *[UnsupportedError].
	AllowOtherBits bool

	// BaseAsTree writes base scores that cannot be kept otherwise as one more boosting round, whose trees are single leaves: the last round
	// where the sum of the leaves has to come first, else the first one. Margins and values keep their bits, while leaf indices have
	// more columns, rounds count one more, and so does the attribute best_iteration. A base margin of each row then no longer takes the place
	// of the base score, and a range of rounds has to be chosen with that in mind.
	BaseAsTree bool
}

// SavePlan is what [Save] makes of a booster.
type SavePlan struct {
	First, Last Version  // the releases that read the file as it is meant: major and minor
	Notes       []string // why these are not all from 1.7 on, and what will not be as it was; one short text each

	booster *Booster // what is written: the given one, or a copy with another base score
	version Version  // the release that the file names
}

// PlanSave tells what [Save] will write for the same arguments, without writing it. Its errors are those of Save.
func PlanSave(b *Booster, opts *SaveOptions) (*SavePlan, error) {
	if opts == nil {
		opts = &SaveOptions{}
	}
	if opts.Format != "" && opts.Format != FormatJSON && opts.Format != FormatUBJSON {
		return nil, unsupported("writing the format", string(opts.Format))
	}
	if err := b.Validate(); err != nil {
		return nil, err
	}
	return makePlan(b, opts)
}

// Save writes b as JSON or UBJSON, in XGBoost's own layout, such that a release that the file is for predicts the same bits of margins and
// values from it as the release that wrote the booster. Where this cannot be done the error is an *[UnsupportedError] that says why, and
// nothing has been written. Equal boosters and options give equal bytes.
//
// Releases differ in more than the layout, so a conversion may have to look at what the model computes:
//
//   - Files from before 1.0 hold a margin as their base score; it becomes a number that gives these bits, if there is one.
//   - Releases before 1.3 (1.4 for dart) add the base score after the leaves, later ones before them. The sums have the same bits (but for the
//     sign of a margin that is 0) only if the base margin is 0, which is usual for old files of binary:logistic: a base score of 0.5 is that margin.
//   - Base scores that differ between outputs exist from 3.1 on. Releases up to 3.0 take the text of such a list for 0.5 and say nothing,
//     so it is only written if no earlier release is meant. One value for all outputs is written as one number, which all read.
//   - The links of some objectives have changed: the logistic ones below a margin of -88 in 1.6 (which
//     few trees reach and any linear booster may), base scores next to 0 and 1 in 3.2, and reg:quantileerror sorts its outputs from 3.4 on.
//     If only the base margin that a caller gives a row can lead below -88, that is a note of the plan and no reason to refuse: the margin
//     is the same, the value about 3e-39 instead of less.
//   - Release 1.6 sends unknown categories elsewhere than all others.
//
// After [Load] of what Save wrote for no Target the booster is the same, except for Format and Digest; statistics that were nil are
// zeros; the base score may be another spelling of the same margins (one number for a list of equal ones); and the Version of a booster from
// before 1.3 is that of the oldest release that reads the file, since that is how it is read.
func Save(w io.Writer, b *Booster, opts *SaveOptions) error {
	plan, err := PlanSave(b, opts)
	if err != nil {
		return err
	}
	buf := bufio.NewWriterSize(w, 1<<16)
	var s sink = &ubjsonSink{w: buf}
	if opts != nil && opts.Format == FormatJSON {
		s = &jsonSink{w: buf}
	}
	plan.write(s)
	return buf.Flush() // a Writer keeps its first error
}

// SaveFile is [Save] to a file, which appears under its name only when it is whole. If opts names no format, a name that ends in ".json" asks
// for JSON and any other for UBJSON, as in XGBoost from 2.1 on.
func SaveFile(path string, b *Booster, opts *SaveOptions) (err error) {
	var o SaveOptions
	if opts != nil {
		o = *opts
	}
	if o.Format == "" && strings.EqualFold(filepath.Ext(path), ".json") {
		o.Format = FormatJSON
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("model: %w", err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err = Save(f, b, &o); err != nil {
		return err
	}
	for _, step := range []func() error{func() error { return f.Chmod(0o644) }, f.Sync, f.Close,
		func() error { return os.Rename(f.Name(), path) }} {
		if err = step(); err != nil {
			return fmt.Errorf("model: %w", err)
		}
	}
	return nil
}
