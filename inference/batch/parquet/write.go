package parquet

import (
	"io"
	"iter"

	"github.com/parquet-go/parquet-go"

	"threatdetect/inference/batch"
)

// row is a row of the file. What is not known is null.
type row struct {
	TS        *int64   `parquet:"ts,optional,timestamp(nanosecond)"`
	UID       *string  `parquet:"uid,optional"`
	Src       *string  `parquet:"src,optional,dict"`
	SrcPort   *uint16  `parquet:"src_port,optional"`
	Dst       *string  `parquet:"dst,optional,dict"`
	DstPort   *uint16  `parquet:"dst_port,optional"`
	Proto     *string  `parquet:"proto,optional,dict"`
	Score     float32  `parquet:"score"`
	Threat    bool     `parquet:"threat"`
	Threshold float32  `parquet:"threshold"`
	Model     string   `parquet:"model,dict"`
	Set       string   `parquet:"set,dict"`
	Class     *string  `parquet:"class,optional,dict"`
	Classes   []class  `parquet:"classes,list"`
	Top       []reason `parquet:"top,list"`
}

// calibratedRow is a row of a calibrated model.
type calibratedRow struct {
	row
	Probability float32 `parquet:"probability"`
}

type class struct {
	Class string  `parquet:"class,dict"`
	Score float32 `parquet:"score"`
}

type reason struct {
	Feature      string  `parquet:"feature,dict"`
	Value        float32 `parquet:"value"`
	Contribution float32 `parquet:"contribution"`
}

// rowGroup is how many rows are kept in memory and written together; together is how many are handed over at a time.
const (
	rowGroup = 128 << 10
	together = 1024
)

// Write makes a Parquet file of the rows that a batch keeps of a log; it is made for batch.Options.Convert. The bytes of the file follow from the
// rows alone. It holds one group of rows in memory.
func Write(dst io.Writer, rows io.Reader) error {
	table, all, err := batch.ReadRows(rows)
	if err != nil {
		return err
	}
	if table.Calibrated {
		return write(dst, all, func(r *batch.Row) calibratedRow { return calibratedRow{makeRow(table, r), r.Probability} })
	}
	return write(dst, all, func(r *batch.Row) row { return makeRow(table, r) })
}

func write[T any](dst io.Writer, all iter.Seq2[*batch.Row, error], layout func(*batch.Row) T) error {
	w := parquet.NewGenericWriter[T](dst, parquet.Compression(&parquet.Zstd), parquet.MaxRowsPerRowGroup(rowGroup),
		parquet.CreatedBy("threatdetect", "1", "0"))
	buf := make([]T, 0, together)
	flush := func() error {
		_, err := w.Write(buf)
		buf = buf[:0]
		return err
	}
	for r, err := range all {
		if err != nil {
			return err
		}
		buf = append(buf, layout(r))
		if len(buf) == together {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	return w.Close()
}

func makeRow(t *batch.Table, r *batch.Row) row {
	out := row{UID: text(string(r.UID)), Src: text(r.Src), Dst: text(r.Dst), Proto: text(r.Proto), Score: r.Score, Threat: r.Threat,
		Threshold: t.Threshold, Model: t.Model, Set: t.Set}
	if r.HasTime {
		ts := r.Time
		out.TS = &ts
	}
	if r.HasPorts[0] {
		p := r.SrcPort
		out.SrcPort = &p
	}
	if r.HasPorts[1] {
		p := r.DstPort
		out.DstPort = &p
	}
	if len(t.Classes) > 0 && r.Class >= 0 && r.Class < len(t.Classes) {
		out.Class = &t.Classes[r.Class]
	}
	for i, s := range r.Scores {
		if i < len(t.Classes) {
			out.Classes = append(out.Classes, class{t.Classes[i], s})
		}
	}
	for _, x := range r.Reasons {
		out.Top = append(out.Top, reason{x.Feature, x.Value, x.Contribution})
	}
	return out
}

func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
