package rowscan

import (
	"bytes"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGuardPages scans texts of every length, and reads their rows, between pages that must not be touched. A touch ends the test program.
func TestGuardPages(t *testing.T) {
	const page = 4096
	m, err := syscall.Mmap(-1, 0, 3*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	require.NoError(t, err)
	defer func() { require.NoError(t, syscall.Munmap(m)) }()
	require.NoError(t, syscall.Mprotect(m[:page], syscall.PROT_NONE))
	require.NoError(t, syscall.Mprotect(m[2*page:], syscall.PROT_NONE))
	block, line, floats := new(Block), bytes.Repeat([]byte{'\t'}, 15), make([]float32, 20)
	for n := 1; n <= page; n++ {
		for _, text := range [][]byte{m[page : page+n : page+n], m[2*page-n : 2*page : 2*page]} {
			clear(text)
			copy(text[max(0, n-16):], line)
			text[n-1] = '\n'
			lines, _ := block.Scan(text, '\t', '\\')
			require.Equal(t, 1, lines)
			var v Values
			_, ok := block.Read(&v, testLayout, 0, '-')
			require.Equal(t, n >= 15+16, ok, n)
			for i := max(0, n-17); i < n-1; i++ {
				text[i] = '1'
			}
			block.Scan(text, '\t', '\\')
			block.Floats(floats, 0, 0)
		}
	}
}
