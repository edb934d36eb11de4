package batch

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/trafficgen"
)

// TestNamesOfAnyBytes: names of logs and what their headers say is of any bytes, which the journal keeps as they are.
func TestNamesOfAnyBytes(t *testing.T) {
	start := time.Unix(1_700_000_000, 0)
	for _, set := range []string{"flow-portable/1", "flow-context/1"} {
		d := randomDetector(t, set, 1)
		logs := quickDir(t)
		for i, name := range []string{"a\xff.log", "a\xfe.log", "b\n\x1b.log", "c\u2028<.log"} {
			text := simulate(t, trafficgen.TSV, uint64(i), 600, start.Add(time.Duration(i)*time.Hour))
			text = bytes.ReplaceAll(text, []byte("#unset_field\t-\n"), []byte("#unset_field\t\xff\n"))
			text = bytes.ReplaceAll(text, []byte("\t-\t"), []byte("\t\xff\t"))
			if err := os.WriteFile(filepath.Join(logs, name), text, 0o600); err != nil {
				t.Skipf("names must be UTF-8 here: %v", err)
			}
		}
		want, out := quickDir(t), quickDir(t)
		_, err := runJob(t, d, []string{logs}, want, small())
		require.NoError(t, err)
		for _, at := range []int{25, 45, 0} {
			opts := small()
			if at > 0 {
				opts.disk = &faultyDisk{at: at, err: errKilled}
			}
			rep, err := runJob(t, d, []string{logs}, out, opts)
			if at > 0 {
				require.ErrorIs(t, err, errKilled)
				continue
			}
			require.NoError(t, err)
			require.Equal(t, 4, rep.Files)
		}
		require.Equal(t, outputs(t, want), outputs(t, out))
		rep, err := runJob(t, d, []string{logs}, out, small())
		require.NoError(t, err)
		require.Equal(t, 4, rep.Done, "nothing is left to do")
	}
}

// noteDisk notes which folders were synced.
type noteDisk struct {
	osDisk
	mutex  sync.Mutex
	synced []string
}

func (d *noteDisk) SyncDir(dir string) error {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.synced = append(d.synced, dir)
	return d.osDisk.SyncDir(dir)
}

// TestManyNames: outputs that are whole by the same commit get durable names together, and so does the folder that they are in.
func TestManyNames(t *testing.T) {
	d := randomDetector(t, "flow-portable/1", 1)
	logs, dir := quickDir(t), quickDir(t)
	for i := range 100 {
		touch(t, logs, fmt.Sprintf("x/%d.log", i))
		text := simulate(t, trafficgen.JSON, uint64(i), 2, time.Unix(1e9, 0))
		require.NoError(t, os.WriteFile(filepath.Join(logs, "x", fmt.Sprintf("%d.log", i)), append(text, "{\n"...), 0o600))
	}
	disk := &noteDisk{}
	rep, err := runJob(t, d, []string{logs}, filepath.Join(dir, "new", "out"), &Options{All: true, Tree: true, disk: disk})
	require.NoError(t, err)
	require.Equal(t, 100, rep.Files)
	require.Contains(t, disk.synced, dir)
	require.Contains(t, disk.synced, filepath.Join(dir, "new"))
	require.Less(t, len(disk.synced), 20, "100 outputs, and as many files of skipped records")
}

// TestNothingInFolder: an output with nothing in it gets the folders that it is in.
func TestNothingInFolder(t *testing.T) {
	d := randomDetector(t, "flow-portable/1", 1)
	logs, out := quickDir(t), quickDir(t)
	touch(t, logs, "x/y/a.log")
	require.NoError(t, os.WriteFile(filepath.Join(logs, "x/y/a.log"), nil, 0o600))
	for done := range 2 {
		rep, err := runJob(t, d, []string{logs}, out, &Options{Tree: true})
		require.NoError(t, err)
		require.Equal(t, []int{1, done}, []int{rep.Files, rep.Done})
		require.Equal(t, map[string]string{filepath.Join("x", "y", "a.log.ndjson"): ""}, outputs(t, out))
	}
}

// TestHeaderOfStdout: standard output begins with the header, also if the first log is none.
func TestHeaderOfStdout(t *testing.T) {
	logs := quickDir(t)
	touch(t, logs, "a.log")
	require.NoError(t, os.WriteFile(filepath.Join(logs, "b.log"), simulate(t, trafficgen.TSV, 1, 50, time.Unix(1e9, 0)), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(logs, "c.log"), append(simulate(t, trafficgen.TSV, 2, 50, time.Unix(1e9, 0)), "rubbish\n"...), 0o600))
	for _, c := range []struct {
		set   string
		first string
	}{{"flow-portable/1", "a.log"}, {"flow-context/1", "b.log"}} {
		var text bytes.Buffer
		d := randomDetector(t, c.set, 1)
		rep, err := runJob(t, d, []string{filepath.Join(logs, c.first), filepath.Join(logs, "c.log")}, "-", &Options{All: true, To: CSV, Stdout: &text})
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(text.String(), "ts,uid,"), text.String())
		require.Equal(t, 1, strings.Count(text.String(), "ts,uid,"))
		require.Equal(t, []int64{1, 0}, []int64{rep.Account.Lost(), rep.Rejects}, "no file tells of what was skipped")
	}
}
