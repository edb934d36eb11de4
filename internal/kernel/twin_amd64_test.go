//go:build !purego

package kernel

import (
	"encoding/binary"
	"math"
	"unsafe"
)

// twin is what the assembly for AVX-512 has to do, in plain Go: it stands in for it on machines that have no AVX-512, and says what an
// emulator has to find.
var twin = vectors{
	rows: 512,
	transpose: func(columns, rows *float32, stride uintptr, loads *uint32, n uintptr) {
		for i, first := range unsafe.Slice(loads, n) {
			for r := range 512 {
				values := unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(rows), uintptr(r)*stride+4*uintptr(first))), 4)
				for c, x := range values {
					unsafe.Slice(columns, (4*int(n))*columnStride(512))[(4*i+c)*columnStride(512)+r] = x
				}
			}
		}
	},
	below: func(planes *uint64, column, thresholds *float32, n uintptr) {
		for k, t := range unsafe.Slice(thresholds, n) {
			planeOf(planes, k, func(r int) bool { return unsafe.Slice(column, 512)[r] < t })
		}
	},
	belowOrMissing: func(planes *uint64, column, thresholds *float32, n uintptr) {
		for k, t := range unsafe.Slice(thresholds, n) {
			planeOf(planes, k, func(r int) bool { return !(unsafe.Slice(column, 512)[r] >= t) })
		}
	},
	remap: func(ranks, from, table *byte, n uintptr) {
		for r, x := range unsafe.Slice(from, 512) {
			unsafe.Slice(ranks, 512)[r] = unsafe.Slice(table, 16*n)[x]
		}
	},
	search: [9]func(ranks *byte, column, tree *float32, work *byte){
		1: searchTwin(4), 2: searchTwin(4), 3: searchTwin(4), 4: searchTwin(4), 5: searchTwin(5), 6: searchTwin(6), 7: searchTwin(7), 8: searchTwin(8),
	},
	expand: func(planes *uint64, ranks *byte, bits, n uintptr, _ *byte) {
		for k := range int(n) {
			planeOf(planes, k, func(r int) bool { return int(unsafe.Slice(ranks, 512)[r])&(1<<bits-1) <= k })
		}
	},
	missing: func(planes, plane *uint64, column *float32, pairs *uint16, n uintptr) {
		planeOf(plane, 0, func(r int) bool { x := unsafe.Slice(column, 512)[r]; return x != x })
		missed := *(*[8]uint64)(unsafe.Pointer(plane))
		for _, p := range unsafe.Slice((*[2]uint16)(unsafe.Pointer(pairs)), n) {
			from := *(*[8]uint64)(unsafe.Add(unsafe.Pointer(planes), 16*int(p[0])))
			for w := range from {
				from[w] |= missed[w]
			}
			*(*[8]uint64)(unsafe.Add(unsafe.Pointer(planes), 16*int(p[1]))) = from
		}
	},
	compare: func(answers *byte, rows *float32, stride uintptr, windows *byte, n uintptr) {
		for i, w := range unsafe.Slice((*window)(unsafe.Pointer(windows)), n) {
			for r := range 512 {
				answer := &unsafe.Slice(answers, 512*int(n))[512*i+r]
				*answer = 0
				for lane, x := range unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(rows), uintptr(r)*stride+4*uintptr(w.first))), windowColumns) {
					if math.Float32frombits(math.Float32bits(x)^w.signs[lane]) < w.thresholds[lane] {
						*answer |= 1 << lane
					}
				}
			}
		}
	},
	spread: func(planes *uint64, answers, spreads *byte, n uintptr) {
		for _, s := range unsafe.Slice((*spread)(unsafe.Pointer(spreads)), n) {
			for lane := 7; lane >= 0; lane-- { // in this order, as several may have the plane that nobody needs
				planeOf(planes, int(s.to[lane])/planeUnit, func(r int) bool {
					return (unsafe.Slice(answers, 512*(s.from+1))[512*int(s.from)+r]^byte(s.invert))>>lane&1 == 1
				})
			}
		}
	},
	collect: func(answers, rows *byte, stride uintptr, places *uint32, n uintptr) {
		for i, place := range unsafe.Slice(places, n) {
			for r := range 512 {
				unsafe.Slice(answers, 512*int(n))[512*i+r] = *(*byte)(unsafe.Add(unsafe.Pointer(rows), uintptr(r)*stride+uintptr(place)))
			}
		}
	},
	tables: [MaxDepth + 1]treesOfTables{1: treesTwin(1), 2: treesTwin(2), 3: treesTwin(3), 4: treesTwin(4), 5: treesTwin(5), 6: treesTwin(6), 7: treesTwin(7), 8: treesTwin(8)},
}

// planeOf writes plane k of those from a place on.
func planeOf(planes *uint64, k int, holds func(r int) bool) {
	plane := unsafe.Slice(planes, 8*(k+1))[8*k:]
	clear(plane)
	for r := range 512 {
		if holds(r) {
			plane[r/64] |= 1 << (r % 64)
		}
	}
}

func searchTwin(levels int) func(ranks *byte, column, tree *float32, work *byte) {
	return func(ranks *byte, column, tree *float32, _ *byte) {
		for r, x := range unsafe.Slice(column, 512) {
			i := 1
			for range levels {
				i *= 2
				if !(x < unsafe.Slice(tree, 1<<levels)[i/2]) {
					i++
				}
			}
			unsafe.Slice(ranks, 512)[r] = byte(i - 1<<levels)
		}
	}
}

func treesTwin(depth int) treesOfTables {
	return func(planes *uint64, program *uint16, leaves *byte, sums *float32, n uintptr, _ *byte) {
		nodes, size := 1<<depth-1, tableBytes(depth)
		for t := range int(n) {
			p, table := unsafe.Slice(program, (t+1)*nodes)[t*nodes:], unsafe.Slice(leaves, (t+1)*size)[t*size:]
			for r := range 512 {
				code := codeOf(p, func(reference uint16) bool {
					return *(*uint64)(unsafe.Add(unsafe.Pointer(planes), 16*int(reference)+r/64*8))>>(r%64)&1 == 1
				})
				var leaf [4]byte
				for b := range leaf {
					leaf[b] = table[b*size/4+code]
				}
				unsafe.Slice(sums, 512)[positionsAVX512[r]] += math.Float32frombits(binary.LittleEndian.Uint32(leaf[:]))
			}
		}
	}
}
