//go:build amd64 && !purego

package kernel

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// hasAVX512 tells that the processor has all that the assembly for AVX-512 needs, and that for AVX2, which does what fills no block of 512 rows; and hasGFNI that it can transpose bits in one
// instruction, for which the assembly has two forms.
var (
	hasAVX512 = hasAVX2 && cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VBMI
	hasGFNI   = cpu.X86.HasAVX512GFNI
)

// vectors512 and vectors512GFNI are the assembly for AVX-512 without and with GFNI.
var (
	vectors512     = wideVectors([9]treesOfTables{1: trees1x512, 2: trees2x512, 3: trees3x512, 4: trees4x512, 5: trees5x512, 6: trees6x512, 7: trees7x512, 8: trees8x512})
	vectors512GFNI = wideVectors([9]treesOfTables{1: treesGFNI1x512, 2: treesGFNI2x512, 3: treesGFNI3x512, 4: treesGFNI4x512,
		5: treesGFNI5x512, 6: treesGFNI6x512, 7: treesGFNI7x512, 8: treesGFNI8x512})
)

func wideVectors(tables [9]treesOfTables) vectors {
	return vectors{
		rows: 512, transpose: transpose512, below: below512, belowOrMissing: belowOrMissing512, remap: remap512, expand: expand512, missing: missing512, compare: compare512, spread: spread512, collect: collect512,
		search: [9]func(ranks *byte, column, tree *float32, work *byte){
			1: search4x512, 2: search4x512, 3: search4x512, 4: search4x512, 5: search5x512, 6: search6x512, 7: search7x512, 8: search8x512,
		},
		tables: tables,
	}
}

// remap512 is remap256 for each half.
func remap512(ranks, from, table *byte, n uintptr) {
	remap256(ranks, from, table, n)
	remap256((*byte)(unsafe.Add(unsafe.Pointer(ranks), 256)), (*byte)(unsafe.Add(unsafe.Pointer(from), 256)), table, n)
}

// wide is the assembly for AVX-512 that suits this machine. Tests put Go in its place.
var wide = func() *vectors {
	if hasGFNI {
		return &vectors512GFNI
	}
	return &vectors512
}()
