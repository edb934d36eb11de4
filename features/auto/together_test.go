package auto_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/auto"
	"threatdetect/features/zeek"
)

// steps are what a reader yields, one by one: a record that an error stands for besides its own is a step as well.
func steps(r io.Reader, opts *auto.Options) (steps []string) {
	for f, err := range auto.Read(r, opts) {
		switch e := err.(type) {
		case nil:
			steps = append(steps, fmt.Sprint("flow ", f.StartTime(), f.Src, f.Dst, f.MoreRecords))
		case *features.RecordError:
			if e.More > 0 && !opts.Together {
				return append(steps, "more than one")
			}
			for range 1 + e.More {
				steps = append(steps, string(e.Reason+" "+features.Reason(e.Field)))
			}
		default:
			steps = append(steps, err.Error())
		}
	}
	return steps
}

// TestTogether reads short lines of all kinds, in runs and in turns, among rows, and compares with one error a record.
func TestTogether(t *testing.T) {
	short := strings.Split("x|y|0|{|}|[|]|{}|[]|[{|}]|,|,,|\"|\"\"|\"x|\"x\"|#|#x|##path|#path|-|\\|xx|12|1,2|x,y|{\"a\":1}|{\"a\"|[0]|{},|0,|ts|TS|ts,te|dur|srcip|Summary|s|summary|1 2|a b|x x| x|x |#fields|,,,|\" ,|, ,|\",|{,|"+
		"\x00|\x01|\x00\x00|\t|\tx|x\t|\t\t\t|x\ty|\v|\xff|\xef\xbb\xbf| | \t|", "|")
	rnd := rand.New(rand.NewPCG(1, 11))
	together := 0
	for n := range 480 {
		f := limited[n%len(limited)]
		row, by := strings.ReplaceAll(f.row, "FREE", "-"), f.separator()
		if by == "" {
			row = strings.ReplaceAll(f.row, "FREE", "")
		}
		var b strings.Builder
		if rnd.IntN(16) > 0 {
			b.WriteString(strings.ReplaceAll(f.header, "FREE", "x"))
		}
		if rnd.IntN(8) > 0 {
			b.WriteString(row + "\n")
		}
		few := [3]string{}
		for i := range few {
			few[i] = short[rnd.IntN(len(short))]
		}
		for range rnd.IntN(60) {
			line := short[rnd.IntN(len(short))]
			switch rnd.IntN(12) {
			case 0:
				line = row
			case 1:
				line = "0" + strings.Repeat([]string{by, by + "0"}[rnd.IntN(2)], rnd.IntN(9))
			case 2:
				line = ""
			case 3, 4, 5, 6, 7, 8:
				line = few[rnd.IntN(3)]
			}
			end := "\n"
			if rnd.IntN(20) == 0 {
				end = "\r\n"
			}
			for range 1 + rnd.IntN(2)*rnd.IntN(6) {
				b.WriteString(line + end)
			}
		}
		if rnd.IntN(2) == 0 {
			b.WriteString(row[:rnd.IntN(len(row))])
		}
		if n < len(limited) { // without a header, the first line that is not malformed ends it all
			b.Reset()
			b.WriteString("\"\nx\nx\n\"\n")
		}
		log, pointer, join := b.String(), "", rnd.IntN(6) == 0
		if rnd.IntN(6) == 0 && by == "" {
			pointer = "/a"
		}
		opts := func(together bool) *auto.Options {
			o := &auto.Options{Format: f.format, Pointer: pointer, Together: together}
			if join {
				o.Join = zeek.NewJoiner()
			}
			return o
		}
		want := steps(strings.NewReader(log), opts(false))
		for _, r := range []io.Reader{strings.NewReader(log), iotest.HalfReader(strings.NewReader(log)), iotest.OneByteReader(strings.NewReader(log))} {
			require.Equal(t, want, steps(r, opts(true)), "%s: %q", f.name, log)
		}
		for _, part := range []string{log[:rnd.IntN(len(log)+1)], log[:rnd.IntN(min(len(log), 16)+1)]} {
			breaks := func() io.Reader {
				return io.MultiReader(strings.NewReader(part), iotest.ErrReader(io.ErrUnexpectedEOF))
			}
			require.Equal(t, steps(breaks(), opts(false)), steps(breaks(), opts(true)), "%s: %q", f.name, part)
		}
		line := int64(0)
		for _, err := range auto.Read(strings.NewReader(log), opts(true)) {
			if e, ok := err.(*features.RecordError); ok && f.name != "VPC JSON" && f.name != "NetFlow JSON" { // of which a line may hold several
				require.Greater(t, e.Line, line, "%s: %q", f.name, log)
				line = e.Line + e.More
				together += int(e.More)
			}
		}
	}
	require.Greater(t, together, 1_500)
}
