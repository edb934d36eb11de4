package model

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// closing closes a channel when so many bytes were read.
type closing struct {
	r    io.Reader
	left int
	done chan struct{}
}

func (c *closing) Read(p []byte) (int, error) {
	n, err := c.r.Read(p[:min(len(p), 100)])
	if c.left -= n; c.left <= 0 && c.done != nil {
		close(c.done)
		c.done = nil
	}
	return n, err
}

func TestLoadIsStopped(t *testing.T) {
	for _, file := range [][]byte{toLegacy(tiny()), toJSON(documentOf(tiny())), toUBJSON(documentOf(tiny()), true)} {
		for _, left := range []int{1, 200, len(file)} {
			done := make(chan struct{})
			_, err := Load(&closing{bytes.NewReader(file), left, done}, &LoadOptions{Done: done})
			require.ErrorIs(t, err, ErrStopped, "after %d of %d bytes", left, len(file))
		}
		b, err := Load(bytes.NewReader(file), &LoadOptions{Done: make(chan struct{})})
		require.NoError(t, err)
		require.NoError(t, b.Validate())
	}
}

// paced counts pauses, and closes a channel in one of them.
type paced struct {
	pauses, last int
	done         chan struct{}
}

func (p *paced) Pause() {
	if p.pauses++; p.pauses == p.last {
		close(p.done)
	}
}

// A load with pauses gives what one without them does, and the digest of all bytes, whatever the file system says of the size; and it can be stopped in each of them.
func TestLoadWithPauses(t *testing.T) {
	text := toJSON(documentOf(tiny()))
	text = append(bytes.Repeat([]byte(" \n\t "), 100_000), text...) // which is more than is read at a time
	archive := tarOf(t, entry{name: "xgboost-model", body: string(text)})
	for name, file := range map[string][]byte{"file": text, "gzip": gzipped(t, text), "tar": archive, "tar.gz": gzipped(t, archive), "cut": text[:len(text)-100], "cut tar.gz": gzipped(t, archive)[:500], "empty": nil} {
		size := int64(len(file))
		for _, hint := range []int64{0, size, size / 2, size + 1000, 2 * size} {
			load := func(o *LoadOptions) (*Bundle, error) {
				s, err := readSource(bytes.NewReader(file), hint, o.resolved())
				if err != nil {
					return nil, err
				}
				return s.bundle("", o.resolved())
			}
			want, wantErr := load(&LoadOptions{})
			pauser := &paced{}
			got, err := load(&LoadOptions{Pauser: pauser})
			require.Equal(t, wantErr, err, name)
			require.Equal(t, want, got, name)
			if err == nil {
				sum := sha256.Sum256(file)
				require.Equal(t, hex.EncodeToString(sum[:]), got.Digest, name)
				require.Equal(t, text, got.Artifact, name)
			}
			for last := 1; last <= min(pauser.pauses, 8); last++ {
				done := make(chan struct{})
				_, err = load(&LoadOptions{Pauser: &paced{last: last, done: done}, Done: done})
				require.ErrorIs(t, err, ErrStopped, name)
			}
		}
	}
}

func TestCost(t *testing.T) {
	tree := Tree{ // a chain of two splits
		Left: []int32{1, -1, 3, -1, -1}, Right: []int32{2, -1, 4, -1, -1}, Feature: make([]int32, 5), Value: make([]float32, 5),
		DefaultLeft: make([]bool, 5),
	}
	b := &Booster{Trees: []Tree{tree}}
	require.InDelta(t, (1+2+2)/3., b.Cost(), 1e-12)
	b.Trees[0].SumHessian = []float32{10, 8, 2, 1, 1}
	b.Trees = append(b.Trees, Tree{Left: []int32{-1}})
	require.InDelta(t, 0.8*1+0.2*2, b.Cost(), 1e-12)

	file := toJSON(documentOf(tiny()))
	m, err := Load(bytes.NewReader(file), nil)
	require.NoError(t, err)
	_, err = Load(bytes.NewReader(file), &LoadOptions{MaxCost: m.Cost()})
	require.NoError(t, err)
	_, err = Load(bytes.NewReader(file), &LoadOptions{MaxCost: m.Cost() / 2})
	require.ErrorIs(t, err, ErrTooLarge)
	require.ErrorContains(t, err, "splits that a row meets on average")
}
