package kernel

import "slices"

// Kind is an implementation of the block kernel.
type Kind uint8

const (
	Generic Kind = iota // Go, blocks of 64 rows
	AVX2                // amd64 with AVX2, blocks of 256 rows, or 32, 64 or 128 for the rest
	AVX512              // amd64 with AVX-512 F, BW and VBMI, faster with GFNI; blocks of 512 rows, and those of AVX2 for the rest
	NEON                // arm64, blocks of 128 rows
)

// String returns the name in lower case.
func (k Kind) String() string { return [...]string{"generic", "avx2", "avx512", "neon"}[k] }

// Available tells whether this machine and this build have an implementation.
func (k Kind) Available() bool { return [...]bool{true, hasAVX2, hasAVX512, hasNEON}[k] }

// Best is the fastest kind that is available.
func Best() Kind {
	for _, k := range []Kind{NEON, AVX512, AVX2} {
		if k.Available() {
			return k
		}
	}
	return Generic
}

// Rows is the number of rows of a block of those that are full.
func (k Kind) Rows() int { return [...]int{64, 256, 512, 128}[k] }

// blockRows is the number of rows of a block for k of them, which may be a small one or not.
func (p *Plan) blockRows(k int, small bool) int {
	switch {
	case small && k <= SmallestRows:
		return SmallestRows
	case small && k <= SmallRows:
		return SmallRows
	case p.kind.amd64() && k <= 128:
		return 128
	case p.kind == AVX512 && k <= 256:
		return 256
	}
	return p.kind.Rows()
}

// next is how many of n rows the next block takes.
func (p *Plan) next(n int, small bool) int {
	if small && n <= mostSmall {
		return min(n, SmallRows)
	}
	return min(n, p.kind.Rows())
}

// amd64 tells that k is of amd64, whose plans have small blocks, windows, and ranks that tiles share.
func (k Kind) amd64() bool { return k == AVX2 || k == AVX512 }

// keys tells that conditions are answered in Go, from keys.
func (k Kind) keys() bool { return k == Generic || k == NEON }

// tables tells that there are byte tables of the leaves of trees of a depth, and numbers that there are the leaves as numbers. Blocks of 512 rows
// want the first, and those of AVX2 beside them want the second of deep trees.
func (k Kind) tables(depth int) bool { return k == AVX512 || k == NEON || k == AVX2 && depth <= 6 }

func (k Kind) numbers(depth int) bool { return !k.tables(depth) || k == AVX512 && depth > 6 }

// tableBytes is the size of the byte tables of a tree.
func tableBytes(depth int) int { return 4 * max(16, 1<<depth) }

// treesOfTables adds n trees, whose leaves are byte tables, to the sums of a block.
type treesOfTables func(planes *uint64, program *uint16, leaves *byte, sums *float32, n uintptr, work *byte)

// positions tells where the sums of the rows of a block of so many are while trees add to them: nil, if they are in order. It follows from the ways
// that bits, bytes and words of codes and leaves are interleaved in.
func (k Kind) positions(rows int) []uint16 {
	switch {
	case rows == 512:
		return positionsAVX512[:]
	case k == NEON:
		return positionsNEON[:]
	}
	return nil
}

var (
	// Each lane of four rows of a vector is from another quarter of the block.
	positionsAVX512 = func() (at [512]uint16) {
		for r := range at {
			lane, vector := r/128, r%128/4
			at[r] = uint16(16*vector + 4*lane + r%4)
		}
		return at
	}()

	// Every eighth row is next to each other.
	positionsNEON = func() (at [128]uint16) {
		for r := range at {
			at[r] = uint16(r%8*16 + r/8)
		}
		return at
	}()
)

// appendTables appends leaves as four tables of 16 bytes or one byte for each leaf, whichever is more: the lowest bytes of
// all leaves, then the second ones, and so on.
func appendTables(to []byte, leaves []float32) []byte {
	n := max(16, len(leaves))
	first := len(to)
	to = slices.Grow(to, 4*n)[:first+4*n]
	bytes := to[first:]
	for i := range n {
		bits := float32bits(leaves[i&(len(leaves)-1)]) // their number is a power of two
		bytes[i], bytes[n+i], bytes[2*n+i], bytes[3*n+i] = byte(bits), byte(bits>>8), byte(bits>>16), byte(bits>>24)
	}
	return to
}
