package batch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"threatdetect/features"
	"threatdetect/features/auto"
	"threatdetect/features/vpcflow"
	"threatdetect/inference/detect"
)

// stdoutName is what standard output is called as the place of outputs.
const stdoutName = "-"

// The output formats, besides the others of package detect.
const (
	NDJSON  = detect.NDJSON
	CSV     = detect.CSV
	Parquet = "parquet" // needs Options.Convert
)

// Defaults of Options.
const (
	DefaultUnitBytes   = 64 << 20
	DefaultUnitTime    = 30 * time.Second
	DefaultMaxBadRatio = 0.5
)

// badRatioFrom is how many records of a log are read before the share of those with a fault says anything.
const badRatioFrom = 10_000

// Options are optional; nil stands for the defaults.
type Options struct {
	Format  auto.Format // of the logs; Unknown: of each, from its first bytes
	Fields  []string    // of VPC flow logs without a header; see auto.Options
	Pointer string      // to the object in JSON records; see auto.Options
	// ReadParquet reads VPC flow logs in Parquet; see auto.Options.
	ReadParquet func(io.Reader, *vpcflow.Options) iter.Seq2[*features.Flow, error]

	To  string // output format; "" means NDJSON
	All bool   // write every flow, not only threats
	// Convert makes the file of a format that cannot be written piece by piece out of rows as [ReadRows] reads them.
	Convert func(dst io.Writer, rows io.Reader) error

	Strict      bool    // the first record that is skipped for a fault ends the run
	MaxBadRatio float64 // a log with a larger share of such records has no output; 0 means DefaultMaxBadRatio

	Restart bool // drop what an earlier run left, and outputs of the same names
	Tree    bool // outputs keep the folders that logs have below a folder or prefix
	// Choose tells which files below a folder are logs; nil: all.
	Choose func(name string) bool

	Workers   int           // goroutines that parse and judge; 0 means GOMAXPROCS
	UnitBytes int64         // output after which there is a commit; 0 means DefaultUnitBytes
	UnitTime  time.Duration // time after which there is one; 0 means DefaultUnitTime

	State *features.StateOptions // of a set that remembers flows

	// Bucket returns the store of a bucket, such as "s3://logs"; nil: there are none.
	Bucket func(ctx context.Context, url string) (Store, error)
	// Work is the folder for what is not whole yet where outputs go to a bucket; "" is one of the user's cache folder.
	Work string

	Stdin  io.Reader // for "-" among the inputs
	Stdout io.Writer // for "-" as the place of outputs

	OnRead   func(bytes int64)             // is called with the bytes of logs as they are read, by any goroutine
	OnFailed func(input string, err error) // is called for each log that gets no output

	disk disk // of outputs; tests break it
}

func (o *Options) bucket(ctx context.Context, url string) (Store, error) {
	if o.Bucket == nil {
		return nil, fmt.Errorf("%w: no store for %s", ErrInputs, url)
	}
	return o.Bucket(ctx, url)
}

// Job is a run over some logs. It has one owner.
type Job struct {
	detector *detect.Detector
	set      *features.Set
	opts     Options
	config   *config

	logs   []*log
	disk   disk
	dir    string // of the journal and of what is not whole
	bucket Store  // for outputs; nil for files
	prefix string // of their keys

	lock    *os.File
	journal *journal
	length  int64 // of the part of the journal that is sound
	resumed bool
	state   string // name of the file of what a set remembers
	held    []held
}

// Report is what became of a job.
type Report struct {
	Account features.Account // of all logs that have an output, in all runs
	Written int64            // lines of the outputs
	Rejects int64            // lines of the files of skipped records
	Files   int              // logs that have an output
	Done    int              // of these, how many had it before this run
	Bytes   int64            // of these logs, as they lie there
	Failed  []Failure        // logs that have none
	Stats   features.Stats   // of a set that remembers flows, in this run
}

// Failure is a log without an output.
type Failure struct {
	Input string
	Err   error
}

// New prepares a run: it finds the inputs, takes the lock of the outputs, and reads the journal that an earlier run left.
//
// An input is a file, a folder (all files below it, but for hidden ones and those in linked folders), a pattern of [filepath.Match], an object "s3://bucket/key", a prefix
// "s3://bucket/folder/", a pattern of such keys, or "-" for Options.Stdin. Outputs go to the folder out, to a prefix of a bucket, or, for "-", to Options.Stdout.
// The errors answer errors.Is for ErrInputs, ErrLocked, ErrChanged, ErrExists and ErrJournal.
func New(ctx context.Context, d *detect.Detector, inputs []string, out string, opts *Options) (*Job, error) {
	if opts == nil {
		opts = &Options{}
	}
	set, err := features.LookupSet(d.Set())
	if err != nil {
		return nil, err
	}
	j := &Job{detector: d, set: set, opts: *opts, disk: opts.disk}
	j.defaults()
	if set.Joins {
		return nil, fmt.Errorf("%w: set %s is made of several logs of a sensor, which have to be read together", ErrInputs, set.Name)
	}
	if !slices.Contains(detect.OutputFormats(), j.opts.To) && j.opts.Convert == nil {
		return nil, fmt.Errorf("%w %q: want %s or parquet", detect.ErrOutputFormat, j.opts.To, strings.Join(detect.OutputFormats(), ", "))
	}
	found, err := find(ctx, inputs, out, &j.opts)
	if err != nil {
		return nil, err
	}
	for _, in := range found {
		j.logs = append(j.logs, &log{in: in, p: progress{Key: text(in.key)}})
	}
	if j.config, err = j.configure(); err != nil {
		return nil, err
	}
	if set.Stateful {
		if err := j.orderByTime(ctx); err != nil {
			return nil, err
		}
	}
	if out == stdoutName {
		if j.opts.To == Parquet {
			return nil, fmt.Errorf("%w: Parquet goes to files only", detect.ErrOutputFormat)
		}
		return j, nil
	}
	if err := j.place(ctx, out); err != nil {
		return nil, err
	}
	if err := j.resume(); err != nil {
		j.Close()
		return nil, err
	}
	return j, nil
}

func (j *Job) defaults() {
	o := &j.opts
	if o.To == "" {
		o.To = NDJSON
	}
	if o.MaxBadRatio == 0 {
		o.MaxBadRatio = DefaultMaxBadRatio
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.UnitBytes <= 0 {
		o.UnitBytes = DefaultUnitBytes
	}
	if o.UnitTime <= 0 {
		o.UnitTime = DefaultUnitTime
	}
	if j.disk == nil {
		j.disk = osDisk{}
	}
}

// configure says what the outputs depend on.
func (j *Job) configure() (*config, error) {
	text, err := j.detector.Contract().Canonical()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	c := &config{
		Version: journalVersion, Model: j.detector.Model(), Contract: "sha256:" + hex.EncodeToString(sum[:]), Threshold: j.detector.Threshold(),
		Explain: j.detector.NumReason(), To: j.opts.To, All: j.opts.All, From: string(j.opts.Format), Fields: j.opts.Fields, Pointer: j.opts.Pointer,
	}
	if j.set.Stateful {
		c.Budget = features.DefaultBudget
		if s := j.opts.State; s != nil && s.Budget > 0 {
			c.Budget = s.Budget
		}
	}
	return c, nil
}

// folder is where the journal and what is not whole is kept for outputs that go to out; "" for standard output.
func (o *Options) folder(out string) (string, error) {
	switch {
	case out == stdoutName:
		return "", nil
	case !strings.Contains(out, "://"):
		return out, nil
	case o.Work != "":
		return o.Work, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("%w: outputs in a bucket need a folder for what is not whole: %w", ErrInputs, err)
	}
	sum := sha256.Sum256([]byte(out))
	return filepath.Join(cache, "threatdetect", hex.EncodeToString(sum[:8])), nil
}

// place finds the folder of outputs, makes it, and takes its lock.
func (j *Job) place(ctx context.Context, out string) error {
	var err error
	if j.dir, err = j.opts.folder(out); err != nil {
		return err
	}
	if strings.Contains(out, "://") {
		scheme, rest, _ := strings.Cut(out, "://")
		bucket, prefix, _ := strings.Cut(rest, "/")
		store, err := j.opts.bucket(ctx, scheme+"://"+bucket)
		if err != nil {
			return err
		}
		if prefix != "" && !strings.HasSuffix(prefix, "/") {
			prefix += "/"
		}
		j.bucket, j.prefix = store, prefix
	}
	if err := makeFolder(j.disk, j.dir); err != nil {
		return &FileError{"create output", j.dir, bare(err)}
	}
	name := filepath.Join(j.dir, lockName)
	if j.lock, err = lock(name); err != nil {
		if errors.Is(err, ErrLocked) {
			name = j.dir
		}
		return &FileError{"lock output", name, bare(err)}
	}
	return nil
}

// Close gives the lock back. The job is of no use afterwards.
func (j *Job) Close() error {
	var err error
	if j.journal != nil {
		err = j.journal.close()
		j.journal = nil
	}
	if j.lock != nil {
		if err2 := j.lock.Close(); err == nil {
			err = err2
		}
		j.lock = nil
	}
	return err
}

// Size is how many bytes the logs have, and how many of them were read by earlier runs. Nothing is known of pipes.
func (j *Job) Size() (total, done int64) {
	for _, l := range j.logs {
		total += l.in.size
		switch {
		case l.p.Done || l.p.Read:
			done += l.in.size
		case l.p.Plain:
			done += l.p.At.Offset
		}
	}
	return total, done
}

// Resumed reports whether an earlier run left something to go on with.
func (j *Job) Resumed() bool { return j.resumed }

// Finished reports whether all outputs are there already, so that Run has nothing to do.
func (j *Job) Finished() bool {
	for _, l := range j.logs {
		if !l.p.Done {
			return false
		}
	}
	return true
}

// outName is where an output lies when it is whole, in the folder of outputs.
func (j *Job) outName(key string) string { return j.path(key + "." + j.opts.To) }

// rejectsName is the same for the file of skipped records.
func (j *Job) rejectsName(key string) string { return j.path(key + rejectsEnd) }

func (j *Job) path(key string) string { return filepath.Join(j.dir, filepath.FromSlash(key)) }

// url is the key of a file of the folder of outputs in a bucket.
func (j *Job) url(name string) string {
	rel, err := filepath.Rel(j.dir, name)
	if err != nil {
		rel = filepath.Base(name)
	}
	return j.prefix + path.Clean(filepath.ToSlash(rel))
}
