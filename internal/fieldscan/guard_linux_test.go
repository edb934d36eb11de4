package fieldscan

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGuardPages scans lines of every length between pages that must not be touched. A touch ends the test program.
func TestGuardPages(t *testing.T) {
	const page = 4096
	m, err := syscall.Mmap(-1, 0, 3*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	require.NoError(t, err)
	defer func() { require.NoError(t, syscall.Munmap(m)) }()
	require.NoError(t, syscall.Mprotect(m[:page], syscall.PROT_NONE))
	require.NoError(t, syscall.Mprotect(m[2*page:], syscall.PROT_NONE))
	var table Table
	for n := range page + 1 {
		first, last := m[page:page+n:page+n], m[2*page-n:2*page]
		for _, line := range [][]byte{first, last} {
			fields, _ := table.Scan(line, '\t', '\\')
			require.Equal(t, 1, fields)
		}
	}
}
