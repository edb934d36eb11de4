package batch

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/inference/detect"
	"threatdetect/internal/trafficgen"
)

// half runs a job over logs and stops it after some commits.
func half(t *testing.T, d *detect.Detector, logs, out string) {
	t.Helper()
	opts := small()
	opts.disk = &faultyDisk{at: 60, err: errKilled}
	_, err := runJob(t, d, []string{logs}, out, opts)
	require.ErrorIs(t, err, errKilled)
	text, err := os.ReadFile(filepath.Join(out, journalName))
	require.NoError(t, err)
	require.Greater(t, bytes.Count(text, []byte("\n")), 3)
}

func TestWhatChangedIsRefused(t *testing.T) {
	d := randomDetector(t, "flow-portable/1", 1)
	logs, out := makeLogs(t, 4000), quickDir(t)
	half(t, d, logs, out)
	name := filepath.Join(logs, "a.conn.log")
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	refused := func(what string, d *detect.Detector, opts *Options) {
		t.Helper()
		_, err := runJob(t, d, []string{logs}, out, opts)
		require.ErrorIs(t, err, ErrChanged)
		require.ErrorContains(t, err, what)
		require.ErrorContains(t, err, "--restart")
	}
	refused("the model was sha256:seed1, and is sha256:seed2 now", randomDetector(t, "flow-portable/1", 2), small())
	opts := small()
	opts.To = CSV
	refused("the output format was ndjson, and is csv now", d, opts)
	opts = small()
	opts.All = false
	refused("the choice of all flows was true", d, opts)
	require.NoError(t, os.WriteFile(name, append(text, '\n'), 0o600))
	refused("it had", d, small())
	other := append([]byte("#"), text[1:]...)
	copy(other[20:], "XXXX")
	require.NoError(t, os.WriteFile(name, other, 0o600))
	refused("its content is another one", d, small())
	require.NoError(t, os.WriteFile(name, text, 0o600))
	_, err = runJob(t, d, []string{logs}, out, small())
	require.NoError(t, err)

	opts = small()
	opts.To, opts.Restart = CSV, true
	_, err = runJob(t, d, []string{logs}, out, opts)
	require.NoError(t, err)
	require.NoError(t, os.Remove(filepath.Join(out, "a.conn.log.csv")))
	opts.Restart = false
	_, err = runJob(t, d, []string{logs}, out, opts)
	require.ErrorIs(t, err, errGone)
}

func TestDamagedJournal(t *testing.T) {
	d := randomDetector(t, "flow-portable/1", 1)
	logs, want := makeLogs(t, 4000), quickDir(t)
	_, err := runJob(t, d, []string{logs}, want, small())
	require.NoError(t, err)
	golden := outputs(t, want)
	first := quickDir(t)
	half(t, d, logs, first)
	files := tree(t, first)
	sound := files[journalName]
	lines := strings.SplitAfter(sound, "\n")
	head := len(lines[0])
	for _, cut := range []int{len(sound) - 1, len(sound) - 20, head + 10, head, len(sound) - len(lines[len(lines)-2])/2} {
		for _, flip := range []bool{false, true} {
			out := quickDir(t)
			for name, text := range files {
				if name == journalName {
					b := []byte(text)
					if flip {
						b[min(cut, len(b)-2)] ^= 0x10
					} else {
						b = b[:cut]
					}
					text = string(b)
				}
				require.NoError(t, os.WriteFile(filepath.Join(out, name), []byte(text), 0o600))
			}
			_, err := runJob(t, d, []string{logs}, out, small())
			require.NoError(t, err, "cut at %d, flip %v", cut, flip)
			require.Equal(t, golden, outputs(t, out))
		}
	}
	for what, damage := range map[string]func(dir string) error{
		"its first record is damaged": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, journalName), []byte("x"+sound), 0o600)
		},
		"its content is not what was written": func(dir string) error {
			_, commits, _, err := readJournal(osDisk{}, dir)
			require.NoError(t, err)
			end := int64(0) // of what the last record says is there; what is behind it is dropped
			for _, c := range commits {
				for _, p := range c.Files {
					if p.Key == "a.conn.log" {
						end = p.Out.Length
					}
				}
			}
			return spoil(dir, partialEnd, func(b []byte) []byte { b[end-100] ^= 1; return b })
		},
		"it has": func(dir string) error { return spoil(dir, partialEnd, func(b []byte) []byte { return b[:10] }) },
		"it is gone": func(dir string) error {
			return spoil(dir, partialEnd, func([]byte) []byte { return nil })
		},
	} {
		out := quickDir(t)
		opts := small()
		opts.disk = &faultyDisk{at: 25, err: errKilled}
		_, err := runJob(t, d, []string{logs}, out, opts)
		require.ErrorIs(t, err, errKilled)
		require.NoError(t, damage(out))
		_, err = runJob(t, d, []string{logs}, out, small())
		require.ErrorIs(t, err, ErrJournal, what)
		require.ErrorContains(t, err, what)
		opts = small()
		opts.Restart = true
		_, err = runJob(t, d, []string{logs}, out, opts)
		require.NoError(t, err)
		require.Equal(t, golden, outputs(t, out))
	}
}

// TestLostState: a journal that lost durable records names a state that is not there any more. Nothing is touched until it is told to begin anew.
func TestLostState(t *testing.T) {
	d := randomDetector(t, "flow-context/1", 2)
	logs, want, out, state := makeLogs(t, 1500), quickDir(t), "", ""
	_, err := runJob(t, d, []string{logs}, want, small())
	require.NoError(t, err)
	for at := 30; state == ""; at += 5 { // until there is a commit
		out = quickDir(t)
		opts := small()
		opts.disk = &faultyDisk{at: at, err: errKilled}
		_, err := runJob(t, d, []string{logs}, out, opts)
		require.ErrorIs(t, err, errKilled)
		_, commits, _, err := readJournal(osDisk{}, out)
		require.NoError(t, err)
		if len(commits) > 0 {
			state = filepath.Join(out, commits[len(commits)-1].State)
		}
	}
	require.NoError(t, os.Remove(state))
	before := tree(t, out)
	_, err = runJob(t, d, []string{logs}, out, small())
	require.ErrorIs(t, err, ErrJournal)
	require.ErrorContains(t, err, "read state: "+state+": ")
	require.ErrorContains(t, err, "it is gone; --restart begins anew")
	require.Equal(t, before, tree(t, out))
	opts := small()
	opts.Restart = true
	_, err = runJob(t, d, []string{logs}, out, opts)
	require.NoError(t, err)
	require.Equal(t, outputs(t, want), outputs(t, out))
}

// spoil changes the partial file of the log a, or removes it.
func spoil(dir, end string, f func([]byte) []byte) error {
	name := filepath.Join(dir, "a.conn.log.ndjson"+end)
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if b = f(b); b == nil {
		return os.Remove(name)
	}
	return os.WriteFile(name, b, 0o600)
}

func TestOneRunAtATime(t *testing.T) {
	d := randomDetector(t, "flow-portable/1", 1)
	logs, out := makeLogs(t, 100), quickDir(t)
	j, err := New(context.Background(), d, []string{logs}, out, nil)
	require.NoError(t, err)
	_, err = New(context.Background(), d, []string{logs}, out, nil)
	require.ErrorIs(t, err, ErrLocked)
	require.ErrorContains(t, err, out)
	require.NoError(t, j.Close())
	_, err = runJob(t, d, []string{logs}, out, nil)
	require.NoError(t, err)
}

func TestLogsThatCannotBeRead(t *testing.T) {
	d := randomDetector(t, "flow-portable/1", 1)
	logs := makeLogs(t, 4000)
	packed, err := os.ReadFile(filepath.Join(logs, "b.json.gz"))
	require.NoError(t, err)
	for name, text := range map[string][]byte{
		"f.cut.gz": packed[:len(packed)/2], "g.none.log": []byte("hello\n"), "h.bad.json": []byte(strings.Repeat("{\"ts\":1,\n", 12_000)), "i.nsl.csv": []byte("0,tcp" + strings.Repeat(",0", 41) + "\n"),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(logs, name), text, 0o600))
	}
	out := quickDir(t)
	var told []string
	opts := small()
	opts.OnFailed = func(name string, err error) { told = append(told, filepath.Base(name)+": "+err.Error()) }
	rep, err := runJob(t, d, []string{logs}, out, opts)
	require.NoError(t, err)
	require.Equal(t, 5, rep.Files)
	require.Len(t, rep.Failed, 4)
	require.ErrorIs(t, rep.Failed[1].Err, features.ErrFormat)
	require.ErrorIs(t, rep.Failed[3].Err, features.ErrContract)
	all := strings.Join(told, "\n")
	require.Contains(t, all, "f.cut.gz: ")
	require.Contains(t, all, "unexpected EOF")
	for name := range tree(t, out) {
		require.NotContains(t, name, "journal-")
		for _, prefix := range []string{"f.", "g.", "h.", "i."} {
			require.False(t, strings.HasPrefix(name, prefix), name)
		}
	}
	// Tried again, and with a sound log in place of one.
	require.NoError(t, os.WriteFile(filepath.Join(logs, "f.cut.gz"), packed, 0o600))
	rep, err = runJob(t, d, []string{logs}, out, small())
	require.NoError(t, err)
	require.Equal(t, []int{6, 5, 3}, []int{rep.Files, rep.Done, len(rep.Failed)})
	opts = small()
	opts.Strict = true
	_, err = runJob(t, d, []string{logs}, quickDir(t), opts)
	require.ErrorIs(t, err, ErrStrict)
}

// TestStateAcrossLogs: a set that remembers flows sees all logs as one stream, in order of time, and each row is in the output of its own log.
func TestStateAcrossLogs(t *testing.T) {
	d := randomDetector(t, "flow-context/1", 3)
	start := time.Unix(1_700_000_000, 0)
	tsv := simulate(t, trafficgen.TSV, 9, 3000, start)
	var head, rows [][]byte
	for line := range bytes.Lines(tsv) {
		if line[0] == '#' {
			head = append(head, line)
		} else {
			rows = append(rows, line)
		}
	}
	header := bytes.Join(head[:len(head)-1], nil)
	logs, one := quickDir(t), filepath.Join(quickDir(t), "all.log")
	require.NoError(t, os.WriteFile(one, append(bytes.Clone(header), bytes.Join(rows, nil)...), 0o600))
	parts := [][][]byte{rows[:1000], rows[1000:1010], rows[1010:1011], rows[1011:2500], rows[2500:]}
	for i, name := range []string{"e.log", "d.log", "c.log", "b.log", "a.log"} { // names are not in order of time
		require.NoError(t, os.WriteFile(filepath.Join(logs, name), append(bytes.Clone(header), bytes.Join(parts[i], nil)...), 0o600))
	}
	stream, _, a := loop(t, d, one, NDJSON, true)
	want := map[string]bool{}
	for line := range bytes.Lines(stream) {
		want[string(line)] = true
	}
	for _, workers := range []int{1, 3} {
		out := quickDir(t)
		opts := small()
		opts.Workers = workers
		rep, err := runJob(t, d, []string{logs}, out, opts)
		require.NoError(t, err)
		require.Equal(t, a.Rows, rep.Account.Rows)
		total := 0
		for i, name := range []string{"e.log", "d.log", "c.log", "b.log", "a.log"} {
			text := outputs(t, out)[name+".ndjson"]
			require.Equal(t, len(parts[i]), strings.Count(text, "\n"), name)
			for line := range strings.Lines(text) {
				require.True(t, want[line], "a row that the stream does not have")
				total++
			}
		}
		require.Equal(t, len(rows), total)
		// A log of later comes in addition; one of before is too late.
		later := simulate(t, trafficgen.TSV, 10, 50, start.Add(240*time.Hour))
		require.NoError(t, os.WriteFile(filepath.Join(logs, "f.log"), later, 0o600))
		rep, err = runJob(t, d, []string{logs}, out, opts)
		require.NoError(t, err)
		require.Equal(t, []int{6, 5}, []int{rep.Files, rep.Done})
		before := simulate(t, trafficgen.TSV, 11, 50, start.Add(-240*time.Hour))
		require.NoError(t, os.WriteFile(filepath.Join(logs, "g.log"), before, 0o600))
		_, err = runJob(t, d, []string{logs}, out, opts)
		require.ErrorIs(t, err, ErrChanged)
		require.ErrorContains(t, err, "g.log")
		require.NoError(t, os.Remove(filepath.Join(logs, "f.log")))
		require.NoError(t, os.Remove(filepath.Join(logs, "g.log")))
	}
}
