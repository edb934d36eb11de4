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
	size, work := PackTrees<<p.Depth, p.work()
	far, wide := p.far(), unsafe.Sizeof(keys[0]) == 8 // known when this is compiled
	from := unsafe.Pointer(unsafe.SliceData(keys))
	for nodes, leaves := p.Nodes, p.Leaves; len(nodes) > 0; {
		n := len(nodes) >> p.Depth / PackTrees
		if n*work > maxWork {
			n = maxWork / work
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
	share := maxWork / p.work()
	if len(sums) >= manyRows {
		share *= 2
	}
	rows := min(len(sums), max(share, 1))
	most := 1 // all rows go through a pack before the next one
	if rows == len(sums) {
		most = share / rows
	}
	for nodes, leaves := p.Nodes, p.Leaves; len(nodes) > 0; {
		n := min(most, len(nodes)/size)
		for first := 0; first < len(sums); first += rows {
			some := sums[first:min(first+rows, len(sums))]
			from := unsafe.Pointer(unsafe.SliceData(keys[first*stride:]))
			switch at := any(&nodes[0]).(type) {
			case *uint64:
				sumRows64(&some[0], len(some), at, &leaves[0], p.Depth, n, (*uint64)(from), 8*stride)
			case *uint32:
				sumRows32(&some[0], len(some), at, &leaves[0], p.Depth, n, (*uint32)(from), 4*stride)
			}
		}
		nodes, leaves = nodes[n*size:], leaves[n*size:]
	}
}

// manyRows share so many lines of a pack that they take half of the time that as many take one after the other.
const manyRows = 8

func findAssembly[N Node](places []uint32, p *Packs[N], keys []N) {
	size := p.Size()
	most := maxWork / p.work()
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
