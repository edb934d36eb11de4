//go:build (amd64 || arm64) && !purego

package heapwalk

import "unsafe"

// A goroutine cannot be stopped in assembly, and a garbage collection has to wait for it. So one call walks so few rows through so few packs that it takes less than
// maxCall nanoseconds even if no cache has anything of them, and 1 to 4 microseconds if the nearest one has all.
const (
	maxCall  = 34_000
	lineTime = 25  // that a line of a cache takes to come from memory while others come as well
	waitTime = 100 // that it takes by itself, where nothing can be done before it is there
	pageTime = 80  // that it takes longer if it is in a page that nothing else of the walk is in
	stepTime = 1   // that a step of one tree takes if it need not wait
	lineSize = 64

	pagedDepth = 9       // from this depth on nodes are in pages of their own
	pagedKeys  = 1 << 15 // bytes of keys that are in so many pages that a step may ask for another one
)

// packTime is about how many nanoseconds it takes to walk rows through one pack that no cache has, if one has the keys: what is touched of it, at most.
//
// The nodes of the upper levels are so near to each other that those of a tree on a level share a line. Of each level below, and of the leaves, a row touches a line of each
// tree, and goes no further before the ten lines are there.
func (p *Packs[N]) packTime(rows int) int {
	size := int(unsafe.Sizeof(N(0)))
	upper := 5
	if size == 8 {
		upper = 4
	}
	low := max(p.Depth-upper, 0) + 1
	paged := 0
	if p.Depth > pagedDepth {
		paged = p.Depth - pagedDepth + 1 // levels, that of the leaves among them
	}
	all := p.Size()*(size+4)/lineSize + 4
	lines := min(PackTrees*(3+rows*low), all)
	waits := min(p.Depth+1+(rows-1)*low, all)
	return lines*lineTime + waits*waitTime + rows*PackTrees*(paged*pageTime+(p.Depth+1)*stepTime)
}

// keyTime is about what the keys of a row take beyond that: all of them, or for each pack those that its steps ask for.
func (p *Packs[N]) keyTime(keys int) (all, each int) {
	bytes, line := keys*int(unsafe.Sizeof(N(0))), lineTime
	if bytes > pagedKeys {
		line += pageTime
	}
	return (bytes/lineSize + 2) * (lineTime + waitTime), p.Depth * (PackTrees*line + waitTime)
}

// short tells, for packs that are not deep, that one call may walk a row through so many of them. It takes less time than calls, which may allow some more.
func (p *Packs[N]) short(packs, keys int) bool {
	low, lines := max(p.Depth-3, 1), keys*int(unsafe.Sizeof(N(0)))/lineSize+2 // low is what it is for wide splits
	time := PackTrees*(3+low)*lineTime + (p.Depth+1)*(waitTime+PackTrees*stepTime)
	return p.Depth <= pagedDepth && packs*time+lines*(lineTime+waitTime) <= maxCall
}

// calls is how many of some rows, which have so many keys each, one call walks, and through how many packs.
func (p *Packs[N]) calls(rows, keys int) (some, packs int) {
	all, each := p.keyTime(keys)
	for some = rows; ; some = (some + 1) / 2 {
		time := p.packTime(some)
		packs = max(maxCall/(time+some*each), (maxCall-some*all)/time)
		if packs > 0 || some == 1 {
			return some, max(packs, 1)
		}
	}
}

// inCalls splits a walk of rows through all packs into calls: of some rows from first on, through the packs from a number on. All rows go through a pack before the
// next one.
func (p *Packs[N]) inCalls(rows, keys int, call func(first, rows, pack, packs int)) {
	some, most := p.calls(rows, keys)
	if some < rows {
		most = 1
	}
	count := p.Count()
	for pack := 0; pack < count; pack += most {
		for first := 0; first < rows; first += some {
			call(first, min(some, rows-first), pack, min(most, count-pack))
		}
	}
}
