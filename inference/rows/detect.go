package rows

import (
	"bufio"
	"bytes"
	"io"
)

// Auto stands for the form that [Detect] tells from the beginning of the input.
const Auto Format = "auto"

// Detect tells the form of rows from their beginning: RecordIO by its mark, NDJSON by a bracket or brace, libsvm by an
// index and a value in the first line, which has no comma. Everything else is CSV.
func Detect(head []byte) Format {
	if bytes.HasPrefix(head, []byte{0x0a, 0x23, 0xd7, 0xce}) {
		return RecordIO
	}
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	line, _, _ := bytes.Cut(head, []byte("\n"))
	if len(line) > 0 && (line[0] == '[' || line[0] == '{') {
		return NDJSON
	}
	if bytes.IndexByte(line, ',') >= 0 {
		return CSV
	}
	for item := range bytes.FieldsSeq(line) {
		index, text, found := bytes.Cut(item, []byte(":"))
		if _, ok := number(text); found && ok && isDigits(index) {
			return Libsvm
		}
	}
	return CSV
}

// detect is Detect for what is there of r without waiting for more.
func detect(r io.Reader) (Format, io.Reader) {
	b := bufio.NewReaderSize(r, 64<<10)
	head, _ := b.Peek(1)
	head, _ = b.Peek(max(b.Buffered(), len(head)))
	return Detect(head), b
}
