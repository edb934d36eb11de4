//go:build (amd64 || arm64) && !purego

package heapwalk

import "unsafe"

// Assembly tells that the walkers are assembly in this build, which every processor of its kind can run.
const Assembly = true

//go:noescape
func sumRow64(sum float32, nodes *uint64, leaves *float32, depth, packs int, keys *uint64) float32

//go:noescape
func sumRow32(sum float32, nodes *uint32, leaves *float32, depth, packs int, keys *uint32) float32

//go:noescape
func sumRows64(sums *float32, rows int, nodes *uint64, leaves *float32, depth, packs int, keys *uint64, stride int)

//go:noescape
func sumRows32(sums *float32, rows int, nodes *uint32, leaves *float32, depth, packs int, keys *uint32, stride int)

//go:noescape
func find64(places *uint32, nodes *uint64, depth, packs int, keys *uint64)

//go:noescape
func find32(places *uint32, nodes *uint32, depth, packs int, keys *uint32)

func sumRowAssembly[N Node](sum float32, p *Packs[N], keys []N) float32 {
	size, most := PackTrees<<p.Depth, len(p.Nodes)>>p.Depth/PackTrees
	if !p.short(most, len(keys)) {
		_, most = p.calls(1, len(keys))
	}
	far, wide := p.far(), unsafe.Sizeof(keys[0]) == 8 // known when this is compiled
	from := unsafe.Pointer(unsafe.SliceData(keys))
	for nodes, leaves := p.Nodes, p.Leaves; len(nodes) > 0; {
		n := min(most, len(nodes)>>p.Depth/PackTrees)
		at := unsafe.Pointer(&nodes[0])
		switch {
		case wide && far:
			sum = sumRowFar64(sum, (*uint64)(at), &leaves[0], p.Depth, n, (*uint64)(from))
		case wide:
			sum = sumRow64(sum, (*uint64)(at), &leaves[0], p.Depth, n, (*uint64)(from))
		case far:
			sum = sumRowFar32(sum, (*uint32)(at), &leaves[0], p.Depth, n, (*uint32)(from))
		default:
			sum = sumRow32(sum, (*uint32)(at), &leaves[0], p.Depth, n, (*uint32)(from))
		}
		nodes, leaves = nodes[n*size:], leaves[n*size:]
	}
	return sum
}

func sumRowsAssembly[N Node](sums []float32, p *Packs[N], keys []N) {
	size, stride := p.Size(), len(keys)/len(sums)
	p.inCalls(len(sums), stride, func(first, rows, pack, packs int) {
		to, leaves := &sums[first:][:rows][0], &p.Leaves[pack*size]
		from := unsafe.Pointer(unsafe.SliceData(keys[first*stride:]))
		at := unsafe.Pointer(&p.Nodes[pack*size])
		if unsafe.Sizeof(keys[0]) == 8 { // known when this is compiled
			sumRows64(to, rows, (*uint64)(at), leaves, p.Depth, packs, (*uint64)(from), 8*stride)
		} else {
			sumRows32(to, rows, (*uint32)(at), leaves, p.Depth, packs, (*uint32)(from), 4*stride)
		}
	})
}

func findAssembly[N Node](places []uint32, p *Packs[N], keys []N) {
	size, from := p.Size(), unsafe.Pointer(unsafe.SliceData(keys))
	p.inCalls(1, len(keys), func(_, _, pack, packs int) {
		to, at := &places[pack*p.Trees:][:packs*p.Trees][0], unsafe.Pointer(&p.Nodes[pack*size])
		if unsafe.Sizeof(keys[0]) == 8 { // known when this is compiled
			find64(to, (*uint64)(at), p.Depth, packs, (*uint64)(from))
		} else {
			find32(to, (*uint32)(at), p.Depth, packs, (*uint32)(from))
		}
	})
}
