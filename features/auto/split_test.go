package auto

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/internal/testkit/logs"
	"threatdetect/internal/trafficgen"
)

// events are the flows and errors of a log, one text each.
func events(seq iter.Seq2[*features.Flow, error]) (all []string) {
	for f, err := range seq {
		if err != nil {
			all = append(all, err.Error())
			continue
		}
		all = append(all, fmt.Sprintf("%+v", *f))
	}
	return all
}

// split reads a log in pieces of about size bytes, two at the same time, and tells the ends of the pieces.
func split(t testing.TB, log []byte, opts *Options, size int, at Position, seek bool) (all []string, ends []Position, err error) {
	s, err := NewSplitter(bytes.NewReader(log), opts)
	if err != nil {
		return nil, nil, err
	}
	defer s.Close()
	require.True(t, s.Splits())
	s.size, s.enough, s.many = size, size/2, 3
	if at != (Position{}) {
		var r io.Reader
		if seek {
			r = bytes.NewReader(log[at.Offset:])
		}
		require.NoError(t, s.Skip(at, r))
	}
	var pieces []*Piece
	for {
		p, ok, err2 := s.Next()
		if !ok {
			err = err2
			break
		}
		pieces, ends = append(pieces, p), append(ends, p.End)
	}
	of := make([][]string, len(pieces))
	var wait sync.WaitGroup
	for first := range 2 {
		wait.Go(func() {
			var m Memory
			if first == 1 { // what is in memory of one's own is no other flow
				var own features.Flow
				m.Slot = func() *features.Flow { return &own }
			}
			for i := first; i < len(pieces); i += 2 {
				of[i] = events(pieces[i].Flows(&m))
			}
		})
	}
	wait.Wait()
	for _, e := range of {
		all = append(all, e...)
	}
	return all, ends, err
}

// splitLogs are logs with all that may be in the way of cutting them.
func splitLogs(t testing.TB) map[string][]byte {
	made := map[string][]byte{}
	for _, format := range []trafficgen.Format{trafficgen.TSV, trafficgen.JSON, trafficgen.EVE} {
		made[format.String()] = logs.Simulate(t, trafficgen.Config{Seed: 5, Records: 400, AttackShare: 0.2}, &trafficgen.WriterOptions{Format: format})
	}
	tsv := made[trafficgen.TSV.String()]
	rows := bytes.SplitAfter(tsv, []byte("\n"))
	other := "#separator \\x09\n#unset_field\t-\n#path\tdns\n#fields\tts\tuid\n1\tx\n2\ty\tz\n"
	made["several headers"] = bytes.Join([][]byte{[]byte("\n \n"), tsv, []byte(other), tsv, tsv, []byte("{\"ts\":1}\n#close\n"), bytes.Join(rows[8:40], nil)}, nil)
	made["long lines"] = bytes.Join([][]byte{tsv, bytes.Repeat([]byte("x"), 3<<20), []byte("\n"), rows[20], rows[21], bytes.Repeat([]byte("y"), 1<<20+1), []byte("\r\n"), rows[22],
		bytes.Repeat([]byte(" "), 3<<20), []byte("\n"), rows[23], bytes.Repeat([]byte("z"), 2<<20)}, nil)
	made["no end"] = tsv[:len(tsv)-30]
	made["mark"] = append([]byte("\xef\xbb\xbf"), tsv...)
	made["rubbish in json"] = bytes.Join([][]byte{made[trafficgen.JSON.String()], []byte("#fields\tx\nx\n\x1f\x8b\n{\"ts\":1}"), made[trafficgen.JSON.String()], []byte("#x")}, nil)
	made["only a header"] = bytes.Join(rows[:8], nil)
	made["nothing"] = []byte("\n \n")
	return made
}

func TestPiecesAreTheLog(t *testing.T) {
	for name, log := range splitLogs(t) {
		t.Run(name, func(t *testing.T) {
			want := events(Read(bytes.NewReader(log), nil))
			for _, size := range []int{200, 1000, 4099, 1 << 20} {
				if size < 1000 && len(log) > 1<<20 {
					continue
				}
				got, ends, err := split(t, log, nil, size, Position{}, false)
				require.NoError(t, err)
				require.True(t, slices.Equal(want, got), "%d", size)
				step := len(ends)/7 + 1
				for i := 0; i < len(ends); i += step {
					for _, seek := range []bool{false, true} {
						more, rest, err := split(t, log, nil, size, ends[i], seek)
						require.NoError(t, err)
						require.True(t, slices.Equal(ends[i+1:], rest), "pieces behind a place are the same ones")
						if len(more) > 0 {
							require.True(t, slices.Equal(got[len(got)-len(more):], more))
						}
					}
				}
			}
		})
	}
}

// Pieces of a log of short lines have a multiple of so many, and are little longer than is enough; those of long lines end behind a multiple where there is room for one.
func TestPiecesEndBehindMultiples(t *testing.T) {
	for length, multiple := range map[int]bool{20: true, 134: true, 1500: true, 3000: false} {
		line := append(bytes.Repeat([]byte("x"), length-1), '\n')
		log := append([]byte("#fields\tts\n"), bytes.Repeat(line, 2<<20/length)...)
		s, err := NewSplitter(bytes.NewReader(log), &Options{Format: Zeek})
		require.NoError(t, err)
		last := Position{}
		for {
			p, ok, err := s.Next()
			require.NoError(t, err)
			if !ok {
				break
			}
			require.Equal(t, bytes.Count(p.text, newline), int(p.End.Line-last.Line))
			if p.End.Offset < int64(len(log)) {
				require.Equal(t, multiple, (p.End.Line-last.Line)%PieceLines == 0, "%d", length)
				require.LessOrEqual(t, len(p.text), PieceSize)
				require.Less(t, len(p.text), enough+PieceLines*length+1)
			}
			last = p.End
		}
		require.EqualValues(t, len(log), last.Offset)
	}
}

func TestPiecesOfALogThatBreaks(t *testing.T) {
	log := splitLogs(t)[trafficgen.TSV.String()]
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	w.Write(log)
	w.Close()
	got, _, err := split(t, packed.Bytes()[:packed.Len()-300], nil, 1000, Position{}, false)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	want := events(Read(bytes.NewReader(log), nil))
	require.Greater(t, len(got), 100)
	require.Equal(t, want[:len(got)], got)

	_, err = NewSplitter(strings.NewReader("hello\n"), nil)
	require.ErrorIs(t, err, features.ErrFormat)
	s, err := NewSplitter(strings.NewReader("id,dur,proto,service,state,spkts,dpkts,sbytes,dbytes\n1,1,tcp,-,FIN,1,1,1,1\n"), nil)
	require.NoError(t, err)
	require.False(t, s.Splits())
	require.Len(t, events(s.Whole()), 1)
	s, err = NewSplitter(bytes.NewReader(log), nil)
	require.NoError(t, err)
	require.ErrorIs(t, s.Skip(Position{Offset: 1 << 40}, nil), io.ErrUnexpectedEOF)
}

// Headers without end are not kept: such a log is read from its start again.
func TestHeadersWithoutEnd(t *testing.T) {
	var log bytes.Buffer
	log.Write(splitLogs(t)[trafficgen.TSV.String()])
	for i := range 9000 {
		fmt.Fprintf(&log, "#comment %d\n", i)
	}
	log.Write(log.Bytes())
	got, ends, err := split(t, log.Bytes(), nil, 5000, Position{}, false)
	require.NoError(t, err)
	require.True(t, slices.Equal(events(Read(bytes.NewReader(log.Bytes()), nil)), got))
	last := ends[len(ends)-2]
	require.True(t, last.FromStart)
	require.LessOrEqual(t, len(last.Header), maxComments)
	more, _, err := split(t, log.Bytes(), nil, 5000, last, true)
	require.NoError(t, err)
	require.True(t, slices.Equal(got[len(got)-len(more):], more))
}

func FuzzSplitter(f *testing.F) {
	for _, log := range splitLogs(f) {
		f.Add(log[:min(len(log), 900)], uint16(300))
	}
	f.Fuzz(func(t *testing.T, log []byte, size uint16) {
		s, err := NewSplitter(bytes.NewReader(log), nil)
		if err != nil || !s.Splits() {
			return
		}
		var bad *features.InputError
		for _, err := range Read(bytes.NewReader(log), nil) {
			if errors.As(err, &bad) {
				return // where several are wrong, another may be found first
			}
		}
		got, _, err := split(t, log, nil, int(size)+100, Position{}, false)
		require.NoError(t, err)
		require.Equal(t, events(Read(bytes.NewReader(log), nil)), got)
	})
}
