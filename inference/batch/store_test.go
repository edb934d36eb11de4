package batch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// memoryStore is a bucket in memory. Operation number at fails with err: an Open breaks in the middle, a Put before it is there.
type memoryStore struct {
	mutex   sync.Mutex
	objects map[string][]byte
	at, n   int
	err     error
}

func (m *memoryStore) step() error {
	if m.n++; m.n == m.at {
		return m.err
	}
	return nil
}

func tagOf(b []byte) string { return fmt.Sprintf("%d-%x", len(b), bytes.Count(b, []byte("a"))) }

func (m *memoryStore) List(_ context.Context, prefix string) (all []Object, err error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for key, b := range m.objects {
		if strings.HasPrefix(key, prefix) {
			all = append(all, Object{key, int64(len(b)), tagOf(b)})
		}
	}
	return all, m.step()
}

func (m *memoryStore) Stat(_ context.Context, key string) (Object, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	b, ok := m.objects[key]
	if !ok {
		return Object{}, fs.ErrNotExist
	}
	return Object{key, int64(len(b)), tagOf(b)}, m.step()
}

func (m *memoryStore) Open(_ context.Context, o Object, offset int64) (io.ReadCloser, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	b := m.objects[o.Key]
	if tagOf(b) != o.Tag {
		return nil, errors.New("another object")
	}
	b = b[offset:]
	if err := m.step(); err != nil {
		return io.NopCloser(io.MultiReader(bytes.NewReader(b[:len(b)/2]), iotest.ErrReader(err))), nil
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

func (m *memoryStore) Put(_ context.Context, key, path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if err := m.step(); err != nil {
		return err
	}
	m.objects[key] = b
	return nil
}

// TestBucket reads logs from a bucket and writes outputs to one, with each of the operations failing once.
func TestBucket(t *testing.T) {
	for _, set := range []string{"flow-portable/1", "flow-context/1"} {
		d := randomDetector(t, set, 1)
		logs := makeLogs(t, 500)
		want := quickDir(t)
		_, err := runJob(t, d, []string{logs}, want, small())
		require.NoError(t, err)
		golden := outputs(t, want)
		broken := errors.New("network is down")
		for at := 0; ; at++ {
			store := &memoryStore{objects: map[string][]byte{"day/_SUCCESS": nil, "other/x.log": []byte("x")}}
			for name, text := range tree(t, logs) {
				store.objects["day/"+name] = []byte(text)
			}
			work := quickDir(t)
			opts := small()
			opts.Work = work
			opts.Bucket = func(_ context.Context, url string) (Store, error) {
				require.Equal(t, "s3://lake", url)
				return store, nil
			}
			store.at, store.n, store.err = at, 0, broken
			_, err := runJob(t, d, []string{"s3://lake/day/"}, "s3://lake/scored", opts)
			through := store.n < at
			if err != nil { // the first flow of a log may be there ahead of the break
				require.ErrorIs(t, err, broken)
				store.at = 0
				_, err = runJob(t, d, []string{"s3://lake/day/"}, "s3://lake/scored", opts)
			}
			require.NoError(t, err)
			got := map[string]string{}
			for key, b := range store.objects {
				if name, ok := strings.CutPrefix(key, "scored/"); ok {
					got[name] = string(b)
				}
			}
			for name := range golden {
				require.True(t, golden[name] == got[name], "%d: %s: %d bytes, want %d", at, name, len(got[name]), len(golden[name]))
			}
			require.Len(t, got, len(golden))
			for name := range tree(t, work) {
				require.Contains(t, []string{journalName, lockName}, strings.Split(name, ".state-")[0])
			}
			store.at = 0
			j, err := New(context.Background(), d, []string{"s3://lake/day/"}, "s3://lake/scored", opts)
			require.NoError(t, err)
			require.True(t, j.Finished())
			require.NoError(t, j.Close())
			if through {
				require.Greater(t, at, 10)
				break
			}
		}
		store := &memoryStore{objects: map[string][]byte{"a/1.log": nil, "a/2.txt": nil, "a/b/3.log": nil}}
		opts := &Options{Bucket: func(context.Context, string) (Store, error) { return store, nil }}
		for url, n := range map[string]int{"s3://lake/a/*.log": 1, "s3://lake/a": 3, "s3://lake/a/2.txt": 1, "s3://lake/": 3} {
			found, err := find(context.Background(), []string{url}, "", opts)
			require.NoError(t, err)
			require.Len(t, found, n, url)
		}
		_, err = find(context.Background(), []string{"s3://lake/none/"}, "", opts)
		require.ErrorIs(t, err, ErrInputs)
	}
}
