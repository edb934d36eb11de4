package auto

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"strings"

	"threatdetect/features"
	"threatdetect/features/binetflow"
	"threatdetect/features/cicflow"
	"threatdetect/features/eve"
	"threatdetect/features/netflow"
	"threatdetect/features/nslkdd"
	"threatdetect/features/unsw"
	"threatdetect/features/vpcflow"
	"threatdetect/features/zeek"
	"threatdetect/internal/logio"
)

// Options say how to read a log. The zero value tells the format from the log.
type Options struct {
	// Format is what the log is; Unknown to tell it from its first bytes.
	Format Format
	// Label and Pointer are those of the readers; see [zeek.Options].
	Label, Pointer string
	// MaxLine is the longest line in bytes, without its end; 0 means logio's 1 MiB.
	MaxLine int
	// OnFormat, unless nil, is called once with the format of the log and what it was told by (empty if Format says it),
	// before the first flow. It is not called for a log that is empty or of no known format.
	OnFormat func(f Format, by string)
	// Fields are the names of the fields of a VPC flow log without a header, nil for those of version 2.
	Fields []string
	// Parquet reads VPC flow logs in Parquet, which takes a library that this package does not link by itself:
	// [threatdetect/features/vpcflow/parquet.Read]. nil refuses them.
	Parquet func(io.Reader, *vpcflow.Options) iter.Seq2[*features.Flow, error]
	// Parts, unless nil, makes a log of several parts one: a part without a header, or of no format that is told from
	// it, goes on with those of the part before it. Behind the last part there may be more flows: see [Parts.Flush].
	Parts *Parts
	// Together lets bad records on short lines in a row that are skipped for the same reason be one error, whose More says how many others there are. It is for
	// who only counts them: a log of nothing but such lines is read several times as fast.
	Together bool
	// Join, unless nil, joins what other logs, or other events of the log, say about flows of Zeek and Suricata; see
	// [zeek.Options] and [eve.Options].
	Join *zeek.Joiner
}

const parquetMagic = "PAR1"

// Parts is what one part of a log leaves to the next. The zero value is for the first part. It has one owner.
type Parts struct {
	format    Format
	zeek      zeek.Header
	binetflow binetflow.Header
	cicflow   cicflow.Header
	unsw      unsw.Header
	vpcflow   vpcflow.State
	netflow   netflow.State
}

// Flush returns the flows that are open behind the last part: of VPC flow logs and NetFlow, whose records may be joined by
// ones of the next part.
func (p *Parts) Flush() iter.Seq2[*features.Flow, error] {
	return func(yield func(*features.Flow, error) bool) {
		for _, flows := range [...]iter.Seq2[*features.Flow, error]{p.vpcflow.Flush(), p.netflow.Flush()} {
			for f, err := range flows {
				if !yield(f, err) {
					return
				}
			}
		}
	}
}

// Reset makes p ready for the first part of another log. It keeps the memory that it has for open flows: whoever reads one log after the other need not take as much
// for each.
func (p *Parts) Reset() {
	p.vpcflow.Reset()
	p.netflow.Reset()
	*p = Parts{vpcflow: p.vpcflow, netflow: p.netflow}
}

// NewJoiner returns a joiner, for Options.Join, of what a log itself says about its flows: the events of EVE, and logs of Zeek in one. The caller closes it.
func NewJoiner() *zeek.Joiner { return zeek.NewJoiner() }

// FormatOf is the format that Read takes a log for, which is not compressed; Unknown if it does not know it.
func FormatOf(log []byte) Format {
	lines := logio.From(bytes.NewReader(log), 0)
	defer lines.Close()
	f, _, _ := detect(lines)
	return f
}

// Packed reports whether a log that begins so is unpacked while it is read, so that it may be many times as long.
func Packed(head []byte) bool { return logio.Packed(head) }

// Read returns the flows of a log, which may be gzip or zstd. It is single-use; the flows and errors are those of the
// format's reader, and as shortly valid. The log of a format that is not known, is
// a [*features.InputError] that wraps [features.ErrFormat]. A log without anything but white space has no records.
func Read(r io.Reader, opts *Options) iter.Seq2[*features.Flow, error] {
	if opts == nil {
		opts = &Options{}
	}
	return func(yield func(*features.Flow, error) bool) {
		lines := logio.From(r, opts.MaxLine)
		defer lines.Close()
		if opts.Together {
			lines.Together()
		}
		parts := opts.Parts
		if parts == nil {
			parts = &Parts{}
		}
		format, by := opts.Format, ""
		if format == Unknown {
			var head []byte
			format, by, head = detect(lines)
			if format == Unknown && !logio.Blank(head) {
				format = parts.format
			}
			if format == Unknown {
				if err := unknown(head, lines); err != nil {
					yield(nil, err)
				}
				return
			}
		}
		parts.format = format
		if opts.OnFormat != nil {
			opts.OnFormat(format, by)
		}
		if opts.Label != "" && (format == VPCFlow || format == NetFlow) {
			yield(nil, &features.InputError{Err: features.ErrFormat, What: fmt.Sprintf("no column %s: a flow of a %s log is made of several records, so it has no labels", opts.Label, format)})
			return
		}
		switch format {
		case Zeek:
			zeek.Read(lines, &zeek.Options{Label: opts.Label, Pointer: opts.Pointer, Header: &parts.zeek, Join: opts.Join})(yield)
		case EVE:
			o := &eve.Options{Label: opts.Label, Pointer: opts.Pointer}
			if opts.Join != nil {
				o.Join = opts.Join.Buffer
			}
			eve.Read(lines, o)(yield)
		case Binetflow:
			binetflow.Read(lines, &binetflow.Options{Label: opts.Label, Header: &parts.binetflow})(yield)
		case CICFlow:
			cicflow.Read(lines, &cicflow.Options{Label: opts.Label, Header: &parts.cicflow})(yield)
		case VPCFlow:
			o := &vpcflow.Options{Fields: opts.Fields}
			if opts.Parts != nil {
				o.State = &parts.vpcflow
			}
			if head, _ := lines.Peek(0); !bytes.HasPrefix(head, []byte(parquetMagic)) {
				vpcflow.Read(lines, o)(yield)
			} else if opts.Parquet != nil {
				opts.Parquet(lines, o)(yield)
			} else {
				yield(nil, &features.InputError{Err: features.ErrFormat, What: "this is a Parquet file, which this program does not read"})
			}
		case NetFlow:
			o := &netflow.Options{}
			if opts.Parts != nil {
				o.State = &parts.netflow
			}
			netflow.Read(lines, o)(yield)
		case NSLKDD:
			nslkdd.Read(lines, &nslkdd.Options{Label: opts.Label})(yield)
		case UNSW:
			unsw.Read(lines, &unsw.Options{Label: opts.Label, Header: &parts.unsw})(yield)
		}
	}
}

// detect tells the format from as few bytes as do: the log may be a pipe in which more is long in coming.
func detect(lines *logio.Lines) (f Format, by string, head []byte) {
	for more := true; more; {
		head, more = lines.Peek(len(head))
		if f, by = Detect(head); f != Unknown {
			break
		}
	}
	return f, by, head
}

// unknown is the error of a log of no known format: nil if it is empty.
func unknown(head []byte, lines *logio.Lines) error {
	if err := lines.Err(); err != nil {
		return &features.InputError{Err: err}
	}
	if logio.Blank(head) {
		return nil
	}
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = string(f)
	}
	return &features.InputError{Line: lines.Number() + 1, Err: features.ErrFormat,
		What: fmt.Sprintf("format not recognised: want one of %s, the log begins with %q", strings.Join(names, ", "), head[:min(len(head), 128)])}
}
