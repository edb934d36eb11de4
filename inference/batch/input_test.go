package batch

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// touch makes files, with the folders that they are in.
func touch(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		name = filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o700))
		require.NoError(t, os.WriteFile(name, []byte("x\n"), 0o600))
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	touch(t, dir, "a.log", ".hidden.log", "mon/b.log", "mon/.c.log", "tue/d.log", "none/.e.log", "x[1].log", "odd/z", "odd/z.rejects", "long/"+strings.Repeat("x", 231))
	require.NoError(t, os.Symlink("mon", filepath.Join(dir, "linked")))
	for _, c := range []struct {
		args []string
		out  string
		want []string // keys, or what the error says
		bad  bool
	}{
		{[]string{"."}, "out", []string{"a.log", "b.log", "d.log", "z", "x[1].log"}, false},
		{[]string{"*.log"}, "out", []string{"a.log", "x[1].log"}, false},
		{[]string{".*.log"}, "out", []string{".hidden.log"}, false},
		{[]string{"[mt]*"}, "out", []string{"b.log", "d.log"}, false},
		{[]string{"x[1].log"}, "out", []string{"x[1].log"}, false},
		{[]string{"a.log", "mon", "none"}, "out", []string{"a.log", "b.log"}, false},
		{[]string{"a.log", "mon", "tue"}, "tue", []string{"outputs would be among the logs of tue; name another folder for them"}, true},
		{[]string{"a.log", "*.nope"}, "out", []string{"nothing is there in *.nope"}, true},
		{[]string{"a.log", "./a.log", "*.log"}, "out", []string{"a.log", "x[1].log"}, false},
		{[]string{"none"}, "out", []string{"nothing is there in none"}, true},
		{[]string{"[a"}, "out", []string{"[a: syntax error in pattern"}, true},
		{[]string{"linked"}, "out", []string{"b.log"}, false},
		{[]string{"linked/"}, "out", []string{"b.log"}, false},
		{[]string{"lin*", "tue"}, "out", []string{"b.log", "d.log"}, false},
		{[]string{"linked"}, "mon", []string{"outputs would be among the logs of linked"}, true},
		{[]string{"long"}, "out", []string{"its outputs would have names of up to 259 bytes, want 255 at most"}, true},
		{[]string{"odd"}, "out", []string{"the verdicts on odd/z.rejects and the skipped records of odd/z would both go to z.rejects.ndjson; run them apart"}, true},
	} {
		t.Run(fmt.Sprint(c.args), func(t *testing.T) {
			t.Chdir(dir)
			opts := &Options{To: NDJSON}
			if len(c.want) == 5 {
				opts.Choose = func(name string) bool {
					return filepath.Base(name) != "z.rejects" && filepath.Base(filepath.Dir(name)) != "long"
				}
			}
			found, err := find(context.Background(), c.args, c.out, opts)
			if c.bad {
				require.ErrorIs(t, err, ErrInputs)
				require.ErrorContains(t, err, filepath.FromSlash(c.want[0]))
				return
			}
			require.NoError(t, err)
			var keys []string
			for _, in := range found {
				keys = append(keys, in.key)
			}
			require.ElementsMatch(t, c.want, keys)
		})
	}
}

// A log that may not be read costs that log its output, and not those behind it.
func TestLogThatMayNotBeRead(t *testing.T) {
	d := randomDetector(t, "flow-portable/1", 1)
	logs := makeLogs(t, 200)
	store := &memoryStore{objects: map[string][]byte{}}
	for name, text := range tree(t, logs) {
		store.objects["day/"+name] = []byte(text)
	}
	opts := small()
	opts.Bucket = func(context.Context, string) (Store, error) { return forbidden{store, "day/b.json.gz"}, nil }
	rep, err := runJob(t, d, []string{"s3://lake/day/"}, quickDir(t), opts)
	require.NoError(t, err)
	require.Equal(t, 4, rep.Files)
	require.Len(t, rep.Failed, 1)
	require.Equal(t, "s3://lake/day/b.json.gz", rep.Failed[0].Input)
	require.ErrorIs(t, rep.Failed[0].Err, fs.ErrPermission)
}

// forbidden is a store of which one object may not be read.
type forbidden struct {
	Store
	key string
}

func (f forbidden) Open(ctx context.Context, o Object, offset int64) (io.ReadCloser, error) {
	if o.Key == f.key {
		return nil, fs.ErrPermission
	}
	return f.Store.Open(ctx, o, offset)
}

// A log that loses its end while it is read has no output that looks whole; one that grows is scored as far as it went.
func TestLogThatChangesMeanwhile(t *testing.T) {
	d := randomDetector(t, "flow-portable/1", 1)
	logs := makeLogs(t, 6000)
	name := filepath.Join(logs, "a.conn.log")
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	want, _, _ := loop(t, d, name, NDJSON, true)
	for _, grows := range []bool{true, false} {
		require.NoError(t, os.WriteFile(name, text, 0o600))
		out, opts := quickDir(t), small()
		var once sync.Once
		opts.OnRead = func(int64) {
			once.Do(func() {
				f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
				require.NoError(t, err)
				defer f.Close()
				if grows {
					_, err = f.WriteString("more\n")
				} else {
					err = f.Truncate(int64(len(text) - 1000))
				}
				require.NoError(t, err)
			})
		}
		_, err := runJob(t, d, []string{name}, out, opts)
		if grows {
			require.NoError(t, err)
			require.Equal(t, string(want), outputs(t, out)["a.conn.log.ndjson"])
			continue
		}
		require.ErrorIs(t, err, ErrChanged)
		require.ErrorContains(t, err, fmt.Sprintf("read input: %s: not what it was when this output was begun: it had %d bytes, and ended 1000 before that", name, len(text)))
		require.Empty(t, outputs(t, out))
	}
}

// What a job writes is for its user alone, and no link is followed to where it is written or read back (RES-8).
func TestPrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files have no modes")
	}
	d := randomDetector(t, "flow-portable/1", 1)
	logs, dir := makeLogs(t, 4000), quickDir(t)
	out, victim := filepath.Join(dir, "out"), filepath.Join(dir, "victim")
	touch(t, dir, "victim")
	require.NoError(t, os.Mkdir(out, 0o700))
	require.NoError(t, os.Symlink(victim, filepath.Join(out, "a.conn.log.ndjson"+partialEnd)))
	opts := small()
	opts.Tree = true
	_, err := runJob(t, d, []string{logs}, out, opts)
	require.NoError(t, err)
	for name := range tree(t, out) {
		info, err := os.Lstat(filepath.Join(out, name))
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o600), info.Mode(), name)
	}
	text, err := os.ReadFile(victim)
	require.NoError(t, err)
	require.Equal(t, "x\n", string(text))

	journal := filepath.Join(out, journalName)
	require.NoError(t, os.Rename(journal, victim))
	require.NoError(t, os.Symlink(victim, journal))
	_, err = runJob(t, d, []string{logs}, out, opts)
	require.ErrorContains(t, err, "read journal: "+journal+": too many levels of symbolic links")
}
