package model

import (
	"bytes"
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
