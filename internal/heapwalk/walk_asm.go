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
	size, steps := PackTrees<<p.Depth, PackTrees*(p.Depth+1)
	far, wide := p.far(), unsafe.Sizeof(keys[0]) == 8 // known when this is compiled
	from := unsafe.Pointer(unsafe.SliceData(keys))
	for nodes, leaves := p.Nodes, p.Leaves; len(nodes) > 0; {
		n := len(nodes) >> p.Depth / PackTrees
		if n*steps > maxSteps {
			n = min(n, packsPerCall(p, 1))
		}
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
	size := p.Size()
	stride := len(keys) / len(sums)
	most := packsPerCall(p, len(sums))
	for nodes, leaves := p.Nodes, p.Leaves; len(nodes) > 0; {
		n := min(most, len(nodes)/size)
		switch at := any(&nodes[0]).(type) {
		case *uint64:
			sumRows64(&sums[0], len(sums), at, &leaves[0], p.Depth, n, (*uint64)(unsafe.Pointer(unsafe.SliceData(keys))), 8*stride)
		case *uint32:
			sumRows32(&sums[0], len(sums), at, &leaves[0], p.Depth, n, (*uint32)(unsafe.Pointer(unsafe.SliceData(keys))), 4*stride)
		}
		nodes, leaves = nodes[n*size:], leaves[n*size:]
	}
}

func findAssembly[N Node](places []uint32, p *Packs[N], keys []N) {
	size := p.Size()
	most := packsPerCall(p, 1)
	for nodes := p.Nodes; len(nodes) > 0; {
		n := min(most, len(nodes)/size)
		switch at := any(&nodes[0]).(type) {
		case *uint64:
			find64(&places[0], at, p.Depth, n, (*uint64)(unsafe.Pointer(unsafe.SliceData(keys))))
		case *uint32:
			find32(&places[0], at, p.Depth, n, (*uint32)(unsafe.Pointer(unsafe.SliceData(keys))))
		}
		nodes, places = nodes[n*size:], places[n*p.Trees:]
	}
}

func packsPerCall[N Node](p *Packs[N], rows int) int {
	return max(1, maxSteps/(rows*p.Trees*(p.Depth+1)))
}
