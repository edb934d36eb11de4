package detect

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"threatdetect/features"
)

// OutputFormat names a form in which verdicts are written.
type OutputFormat = string

// The formats of a Writer.
const (
	NDJSON OutputFormat = "ndjson" // one flat object a line; what is unknown is null
	CSV    OutputFormat = "csv"    // RFC 4180 with a header, lines ending in LF
	EVE    OutputFormat = "eve"    // Suricata's event log: threats are of type alert, other flows of type threatdetect
	ECS    OutputFormat = "ecs"    // documents of the Elastic Common Schema, one a line
	OCSF   OutputFormat = "ocsf"   // Detection Findings of the Open Cybersecurity Schema Framework, one a line
	Zeek   OutputFormat = "zeek"   // a tab-separated Zeek log named threatdetect
)

// OutputFormats returns the names of the formats.
func OutputFormats() []OutputFormat { return []OutputFormat{NDJSON, CSV, EVE, ECS, OCSF, Zeek} }

// ErrOutputFormat says that there is no output format of a name.
var ErrOutputFormat = errors.New("unknown output format")

var errClosed = errors.New("detect: writer is closed")

// flushAt is the number of bytes from which the buffer is handed on.
const flushAt = 64 << 10

// Writer writes verdicts, each as exactly one line. What it writes follows from the detector and the verdicts alone: the
// time of day has no part in it. Texts that come from a log are escaped, so that no line can be split or forged and
// nothing reaches a terminal that it might act on; texts over 1 KiB are cut and end in "…".
//
// A Writer collects lines and hands on whole ones only. It has one owner: it is not safe for concurrent use.
type Writer struct {
	out  io.Writer
	form form
	buf  []byte
	err  error // the first failure; every later call returns it
}

// form is the layout of one format. The methods of AppendX style grow dst.
type form interface {
	appendHeader(dst []byte) []byte
	appendVerdict(dst []byte, v *Verdict) []byte
}

// NewWriter returns a Writer of verdicts of d, for a format of OutputFormats. The error answers errors.Is for
// ErrOutputFormat. Nothing is written to w before the first Flush, or before the buffer is full.
func NewWriter(w io.Writer, format string, d *Detector) (*Writer, error) {
	return newWriter(w, format, d.about())
}

func newWriter(w io.Writer, format OutputFormat, a *about) (*Writer, error) {
	var f form
	switch format {
	case NDJSON:
		f = newNDJSONForm(a)
	case CSV:
		f = newCSVForm(a)
	case EVE:
		f = newEVEForm(a)
	case ECS:
		f = newECSForm(a)
	case OCSF:
		f = newOCSFForm(a)
	case Zeek:
		f = newZeekForm(a)
	default:
		return nil, fmt.Errorf("%w %q: want %s", ErrOutputFormat, format, strings.Join(OutputFormats(), ", "))
	}
	return &Writer{out: w, form: f, buf: f.appendHeader(make([]byte, 0, 2*flushAt))}, nil
}

// Write writes one verdict, which must come from the detector that the Writer was made for. It keeps nothing of v and
// does not allocate.
func (w *Writer) Write(v *Verdict) error {
	if w.err != nil {
		return w.err
	}
	w.buf = w.form.appendVerdict(w.buf, v)
	if len(w.buf) >= flushAt {
		return w.Flush()
	}
	return nil
}

// Flush hands on what was written so far; the header, if the format has one, even without a verdict.
func (w *Writer) Flush() error {
	if w.err != nil || len(w.buf) == 0 {
		return w.err
	}
	n, err := w.out.Write(w.buf)
	if err == nil && n < len(w.buf) {
		err = io.ErrShortWrite
	}
	w.buf, w.err = w.buf[:0], err
	return err
}

// Close flushes and ends the Writer: it writes nothing afterwards. The underlying writer stays open.
func (w *Writer) Close() error {
	if w.err == errClosed {
		return nil
	}
	err := w.Flush()
	if err == nil {
		w.err = errClosed
	}
	return err
}

// about is what every record says of the detector.
type about struct {
	model      string // empty: not known
	set        string
	threshold  float32
	classes    []string // names of the outputs of a model with several classes; nil for the others
	scores     bool     // such a model has a score for each class
	calibrated bool     // verdicts have a probability besides the score
	top        int      // how many reasons a verdict has

	pipeline *features.Pipeline // that knows the networks of the site; nil leaves it to the log which hosts are the site's own
}

func (d *Detector) about() *about {
	a := &about{set: d.Set(), threshold: d.Threshold(), classes: d.Classes(), scores: d.NumScore() > 0, calibrated: d.Calibrated()}
	if d.digest != "" {
		a.model = d.Model()
	}
	if d.explainer != nil {
		a.top = d.explainer.count
	}
	if o := d.contract.Options; o != nil && len(o.LocalNets) > 0 {
		a.pipeline = d.pipeline
	}
	return a
}

// ends tells which ends of f are the site's own, and whether that is known of both.
func (a *about) ends(f *features.Flow) (src, dst, known bool) {
	if a.pipeline != nil {
		return a.pipeline.Ends(f)
	}
	return f.LocalSrc, f.LocalDst, f.Has(features.FieldLocalSrc | features.FieldLocalDst)
}

// class returns the name of the class of v, and whether the model has classes and names that one.
func (a *about) class(v *Verdict) (string, bool) {
	if v.Class < 0 || v.Class >= len(a.classes) {
		return "", false
	}
	return a.classes[v.Class], true
}

// numScore returns how many of the scores of the classes of v are written.
func (a *about) numScore(v *Verdict) int {
	if !a.scores {
		return 0
	}
	return min(len(a.classes), len(v.Classes))
}

// appendTop appends the member top if the detector explains: the reasons as a list of objects.
func (a *about) appendTop(dst []byte, v *Verdict) []byte {
	if a.top == 0 {
		return dst
	}
	dst = append(appendKey(dst, "top"), '[')
	for i := range v.Top[:a.numTop(v)] {
		if i > 0 {
			dst = append(dst, ',')
		}
		r := &v.Top[i]
		dst = appendMember(append(dst, '{'), "feature", r.Feature)
		dst = appendNumber(appendKey(dst, "value"), r.Value)
		dst = append(appendNumber(appendKey(dst, "contribution"), r.Contribution), '}')
	}
	return append(dst, ']')
}

// numTop returns how many reasons of v are written.
func (a *about) numTop(v *Verdict) int { return min(a.top, len(v.Top)) }
