package kernel

import "unsafe"

const (
	// MaxDepth is the depth of the deepest network. Deeper trees are cut into pieces; see [Builder.And].
	MaxDepth = 8

	// MaxPlanes is the number of planes of a tile, the unused plane 0 among them: a reference in a program is planeUnit times a
	// plane's number in 16 bits. The planes of 256 rows then take 512 KB at most. That is all of a common second-level cache, but a model of 16,000 conditions was as
	// fast or faster in one tile than in several of any size.
	MaxPlanes = 1 << 16 / planeUnit
	planeUnit = 4

	// maxRanked is how many thresholds fit in one rank column, as a rank is a byte.
	maxRanked = 255
)

// reference is what names a plane in programs.
func reference(plane int) uint16 { return uint16(planeUnit * plane) }

// Plan is a compiled ensemble. It is immutable and safe for concurrent use; each call brings its own [Scratch].
type Plan struct {
	kind       Kind
	numFeature int
	numGroup   int
	loads      []uint32 // first columns of the groups of four that are read; see transpose
	whole      int      // of these loads, those that are needed where there are windows: the first ones
	windows    []window
	slots      []uint32 // places of the used ones among them: 4*i + c is column loads[i] + c
	shared     []ranked // of columns that several tiles rank, for all of them; see remapped
	tiles      []tile
	small      []byteColumn // what small blocks compare; nil if there are none
	walks      bool         // rows of small blocks walk through the lower levels of some trees
	wide       bool         // the nodes of these have numbers of ranks that take more than a byte
	maxPlanes  int          // of a tile
	bytes      int64
}

// tile is a number of consecutive trees with all that their conditions need.
type tile struct {
	planes  int
	direct  []direct
	whole   int      // of direct, those that windows do not answer: the first ones
	spreads []spread // of windows
	ranked  []ranked
	missing []missing
	derived []derived
	runs    []run
	program []uint16  // references to planes, in post-order, tree after tree
	values  []float32 // leaves as numbers, 1<<depth of each tree
	tables  []byte    // leaves as byte tables, where the kind wants them; see leafTables
	small   []byte    // programs of small blocks; see appendSmall
	conds   []Cond    // in the order of program, until the plan is complete; nil if there is nothing for small blocks
	splits  []split   // by condition, likewise
}

// direct is thresholds of one column that are compared one by one. A missing value is below all of them if missingLeft, else
// above.
type direct struct {
	slot        int
	plane       int // of the first threshold; those of the others follow
	missingLeft bool
	thresholds  []float32
}

// missing tells which rows miss a column, and puts them to the left in conditions that want it.
type missing struct {
	slot    int
	plane   int
	follows bool     // the ranks of the column
	pairs   []uint16 // references: from a plane of ranks to the plane with the missing rows
}

// derived is a plane that is made of others.
type derived struct {
	op      derivedOp
	plane   int
	sources []uint16 // references
	missing uint16   // reference to the plane of missing rows, for opXor and opXnor
	left    bool     // where those rows go
}

type derivedOp uint8

const (
	opXor    derivedOp = iota // an odd number of the sources, but for missing rows
	opXnor                    // an even number of the sources, likewise
	opAnd                     // the first and the second source
	opAndNot                  // the first and not the second source
)

// run is consecutive trees of one group and one depth.
type run struct {
	depth, group, trees     int
	program, values, tables int // where they start
	small                   int
}

// Bytes is the memory that the plan takes.
func (p *Plan) Bytes() int64 { return p.bytes }

// Kind is the implementation that the plan was made for.
func (p *Plan) Kind() Kind { return p.kind }

// Size is what the time of a block depends on.
type Size struct {
	Tiles   int
	Trees   int  // networks
	Columns int  // that are read
	Ranked  int  // rank columns
	Mapped  int  // of these, those that follow from one that tiles share
	Planes  int  // conditions
	Sources int  // planes that others are made of
	Bytes   int  // rank columns of small blocks; 0 if there are none
	Walks   bool // rows of small blocks walk through the lower levels of some trees
}

// Size counts what p has, in all tiles.
func (p *Plan) Size() Size {
	s := Size{Tiles: len(p.tiles), Columns: 4 * len(p.loads), Ranked: len(p.shared), Bytes: len(p.small), Walks: p.walks}
	for i := range p.tiles {
		t := &p.tiles[i]
		s.Ranked += len(t.ranked)
		for j := range t.ranked {
			if t.ranked[j].table != nil {
				s.Mapped++
			}
		}
		s.Planes += t.planes
		for j := range t.derived {
			s.Sources += len(t.derived[j].sources)
		}
		for j := range t.runs {
			s.Trees += t.runs[j].trees
		}
	}
	return s
}

func (p *Plan) countBytes() {
	p.bytes = int64(unsafe.Sizeof(*p)) + 4*int64(len(p.loads)+len(p.slots))
	ranks := func(of []ranked) {
		for i := range of {
			p.bytes += of[i].size()
		}
	}
	ranks(p.shared)
	p.bytes += p.windowBytes()
	for _, c := range p.small {
		p.bytes += int64(unsafe.Sizeof(c)) + 4*int64(len(c.thresholds))
		if c.own {
			p.bytes += c.ranked.size()
		}
	}
	for i := range p.tiles {
		t := &p.tiles[i]
		p.bytes += int64(unsafe.Sizeof(*t)) + 2*int64(len(t.program)) + 4*int64(len(t.values)) + int64(len(t.tables)+len(t.small))
		p.bytes += int64(len(t.runs)) * int64(unsafe.Sizeof(run{}))
		for _, d := range t.direct {
			p.bytes += int64(unsafe.Sizeof(d)) + 4*int64(len(d.thresholds))
		}
		ranks(t.ranked)
		for _, m := range t.missing {
			p.bytes += int64(unsafe.Sizeof(m)) + 2*int64(len(m.pairs))
		}
		for _, d := range t.derived {
			p.bytes += int64(unsafe.Sizeof(d)) + 2*int64(len(d.sources))
		}
	}
}
