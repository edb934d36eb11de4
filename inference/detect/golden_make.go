package detect

import (
	"bufio"
	"bytes"
	"io"
	"iter"
	"strings"
	"unicode/utf8"

	"threatdetect/features"
	"threatdetect/features/auto"
	"threatdetect/inference"
	"threatdetect/model"
)

// maxGoldenLine is the most bytes of a line that becomes a golden record, and of what goes ahead of it. They are in every copy of the bundle.
const maxGoldenLine = 16 << 10

// Golden makes golden records for the contract: one of each line of a plain log that is a flow by itself, with the header of its
// log ahead of it. Lines that are none, that are damaged or over 16 KiB are passed over. Of a model with several outputs a golden
// record has the row alone. An error is one of reading.
func Golden(b *model.Booster, c *features.Contract, log io.Reader) iter.Seq2[features.Golden, error] {
	return func(yield func(features.Golden, error) bool) {
		p, err := inference.New(b, nil)
		if err != nil {
			yield(features.Golden{}, err)
			return
		}
		check, err := newGoldenCheck(b, c, p, nil)
		if err != nil {
			yield(features.Golden{}, err)
			return
		}
		lines := bufio.NewReaderSize(log, maxGoldenLine)
		var head string // what the records need ahead of them
		for {
			line, err := readGoldenLine(lines)
			if len(line) > 0 {
				text := string(line)
				if strings.HasPrefix(text, "#separator") {
					head = "" // another log begins
				}
				switch g := (features.Golden{Log: head + text}); check.try(&g) {
				case 0:
					if text[0] != '#' {
						head = "" // a header of one line
					}
					if len(head)+len(text) <= maxGoldenLine {
						head += text
					}
				case 1:
					if err := check.fill(&g); err != nil {
						yield(g, err)
						return
					}
					if !yield(g, nil) {
						return
					}
				}
			}
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(features.Golden{}, err)
				return
			}
		}
	}
}

// readGoldenLine returns the next line, with a newline, or nothing where it is blank, too long or not of UTF-8, as the JSON of a contract is.
func readGoldenLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		for err == bufio.ErrBufferFull {
			_, err = r.ReadSlice('\n')
		}
		return nil, err
	}
	line = bytes.TrimRight(bytes.TrimPrefix(line, []byte("\ufeff")), "\r\n")
	if len(bytes.TrimSpace(line)) == 0 || !utf8.Valid(line) {
		return nil, err
	}
	return append(bytes.Clone(line), '\n'), err
}

// try makes the row of a log, and returns how many there are, or -1 if something in it is wrong.
func (c *goldenCheck) try(g *features.Golden) (rows int) {
	for row, err := range c.pipeline.ExtractorWith(&smallState).Rows(auto.Read(strings.NewReader(g.Log), nil)) {
		if err != nil {
			return -1
		}
		c.row = append(c.row[:0], row.Values...)
		rows++
	}
	return rows
}

// fill puts the row, and what the model makes of it, into the record.
func (c *goldenCheck) fill(g *features.Golden) error {
	g.Row = make([]*float32, len(c.row))
	for i, v := range c.row {
		if v == v {
			g.Row[i] = &v
		}
	}
	for i, p := range c.predictors {
		var out [1]float32
		if err := p.Predict(out[:], c.row); err != nil {
			return err
		}
		*[...]*float32{&g.Score, &g.Margin}[i] = out[0]
	}
	return nil
}
