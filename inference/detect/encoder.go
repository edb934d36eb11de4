package detect

// Encoder lays verdicts out as a [Writer] does, for whoever keeps the bytes itself. It has one owner.
type Encoder struct{ form form }

// NewEncoder returns an Encoder of verdicts of d, for a format of OutputFormats. The error answers errors.Is for
// ErrOutputFormat.
func NewEncoder(format OutputFormat, d *Detector) (*Encoder, error) {
	w, err := NewWriter(nil, format, d)
	if err != nil {
		return nil, err
	}
	return &Encoder{w.form}, nil
}

// AppendHeader appends what stands at the beginning of a file; nothing in most formats.
func (e *Encoder) AppendHeader(dst []byte) []byte { return e.form.appendHeader(dst) }

// AppendVerdict appends one line.
func (e *Encoder) AppendVerdict(dst []byte, v *Verdict) []byte { return e.form.appendVerdict(dst, v) }
