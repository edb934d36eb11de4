package kernel

// Kind is an implementation of the block kernel.
type Kind uint8

const (
	Generic Kind = iota // Go, blocks of 64 rows
	AVX2                // amd64 with AVX2, blocks of 256 rows, or 128 for the rest
	AVX512              // amd64 with AVX-512 F, BW and VBMI, faster with GFNI; blocks of 512 rows
)

// String returns the name in lower case.
func (k Kind) String() string { return [...]string{"generic", "avx2", "avx512"}[k] }

// Available tells whether this machine and this build have an implementation.
func (k Kind) Available() bool {
	return k == Generic || k == AVX2 && hasAVX2 || k == AVX512 && hasAVX512
}

// Best is the fastest kind that is available.
func Best() Kind {
	switch {
	case hasAVX512:
		return AVX512
	case hasAVX2:
		return AVX2
	}
	return Generic
}

// Rows is the number of rows of a block.
func (k Kind) Rows() int { return [...]int{64, 256, 512}[k] }

// blockRows is the number of rows of a block for k of them.
func (p *Plan) blockRows(k int) int {
	if p.kind == AVX2 && k <= 128 {
		return 128
	}
	return p.kind.Rows()
}

// tables tells that the leaves of trees of a depth are byte tables.
func (k Kind) tables(depth int) bool { return k == AVX512 || k == AVX2 && depth <= 6 }

// positions tells where the sums of the rows of a block are while trees add to them: nil, if they are in order.
func (k Kind) positions() *[512]uint16 {
	if k == AVX512 {
		return &positionsAVX512
	}
	return nil
}

// positionsAVX512 follows from the ways that bytes and words are interleaved in: each lane of four rows of a vector is from another quarter
// of the block.
var positionsAVX512 = func() (at [512]uint16) {
	for r := range at {
		lane, vector := r/128, r%128/4
		at[r] = uint16(16*vector + 4*lane + r%4)
	}
	return at
}()

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
