package kernel

// Kind is an implementation of the block kernel.
type Kind uint8

const (
	Generic Kind = iota // Go, blocks of 64 rows
	AVX2                // amd64 with AVX2, blocks of 256 rows, or 128 for the rest
)

// String returns the name in lower case.
func (k Kind) String() string {
	if k == AVX2 {
		return "avx2"
	}
	return "generic"
}

// Available tells whether this machine and this build have an implementation.
func (k Kind) Available() bool { return k == Generic || k == AVX2 && hasAVX2 }

// Best is the fastest kind that is available.
func Best() Kind {
	if hasAVX2 {
		return AVX2
	}
	return Generic
}

// Rows is the number of rows of a block.
func (k Kind) Rows() int {
	if k == AVX2 {
		return 256
	}
	return 64
}

// blockRows is the number of rows of a block for k of them.
func (p *Plan) blockRows(k int) int {
	if p.kind == AVX2 && k <= 128 {
		return 128
	}
	return p.kind.Rows()
}

// tables tells that the leaves of trees of a depth are byte tables.
func (k Kind) tables(depth int) bool { return k == AVX2 && depth <= 6 }

// appendTables appends leaves as four tables of 16 bytes or one byte for each leaf, whichever is more: the lowest bytes of
// all leaves, then the second ones, and so on.
func appendTables(to []byte, leaves []float32) []byte {
	for shift := 0; shift < 32; shift += 8 {
		for i := range max(16, len(leaves)) {
			to = append(to, byte(float32bits(leaves[i%len(leaves)])>>shift))
		}
	}
	return to
}
