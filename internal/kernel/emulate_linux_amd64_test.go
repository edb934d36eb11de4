//go:build !purego

package kernel

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// TestTwin scores whole plans with the twin of the assembly for AVX-512.
func TestTwin(t *testing.T) {
	useTwin(t, &twin)
	for seed := range uint64(4) {
		compareKinds(t, AVX512, seed, 60, 1, 127, 511, 513)
	}
	compareFlags(t, AVX512, 8)
}

// useTwin puts a twin in the place of the assembly for AVX-512 for a test.
func useTwin(t *testing.T, v *vectors) {
	before, had := wide, hasAVX512
	wide, hasAVX512 = v, true
	t.Cleanup(func() { wide, hasAVX512 = before, had })
}

// TestEmulated writes what emulate.sh runs on an emulated processor to the folder THREATDETECT_EMULATE: the code of this program, and calls of the assembly for
// AVX-512, each with the memory that it finds and the memory that the twin leaves.
func TestEmulated(t *testing.T) {
	dir := os.Getenv("THREATDETECT_EMULATE")
	if dir == "" {
		t.Skip("THREATDETECT_EMULATE is not set")
	}
	m := &recorder{t: t, symbols: map[string]uint64{}}
	memory := m.program()
	v := m.vectors()
	r := rand.New(rand.NewPCG(5, 6))
	testPlanes(t, r, &v)
	testTrees(t, r, &v)
	testTranspose(t, r, &v)
	testMissing(t, r, &v)
	testWindows(t, r, &v)
	testCollect(t, r, &v)
	useTwin(t, &v)
	for seed := range uint64(3) {
		values, sums := hardValues(r, hardThresholds(r, 300), 7*513), make([]float32, 3*513)
		plan := randomPlan(AVX512, seed, 100)
		plan.Margins(sums, make([]float32, 3), Matrix{values, 7, 1}, 513, false, plan.NewScratch())
	}
	var file bytes.Buffer
	require.NoError(t, binary.Write(&file, binary.LittleEndian, uint64(len(m.records))))
	size := 8
	for _, rec := range m.records {
		size += 64 + 32*len(rec.regions)
	}
	data := make([]byte, 0, 1<<20)
	place := func(b []byte) uint64 {
		data = append(data, b...)
		return uint64(recordsAt + size + len(data) - len(b))
	}
	for _, rec := range m.records {
		write := func(x ...uint64) { require.NoError(t, binary.Write(&file, binary.LittleEndian, x)) }
		write(rec.function)
		write(rec.args[:]...)
		write(uint64(len(rec.regions)))
		for _, g := range rec.regions {
			before := place(g.before)
			after := before
			if !bytes.Equal(g.before, g.after) {
				after = place(g.after)
			}
			write(g.at, uint64(len(g.before)), before, after)
		}
	}
	require.Less(t, recordsAt+file.Len()+len(data), workAt)
	memory = append(memory, make([]byte, recordsAt-programAt-len(memory))...)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "memory"), slices.Concat(memory, file.Bytes(), data), 0o644))
	for name, n := range m.count {
		fmt.Printf("%s %d\n", name, n)
	}
	fmt.Printf("calls %d\n", len(m.records))
}

// Where the memory of the emulated machine has what; boot.S knows them, too.
const (
	programAt = 0x400000
	recordsAt = 0x1000000
	workAt    = 0x30000000
)

// recorder writes down the calls of a twin.
type recorder struct {
	t       *testing.T
	symbols map[string]uint64
	records []record
	count   map[string]int
}

// record is a call: its arguments, and the memory behind them.
type record struct {
	function uint64
	args     [6]uint64
	regions  []region
}

type region struct {
	at            uint64
	before, after []byte
}

// program returns the memory of this program from programAt on, as it is linked, and learns where its functions are.
func (m *recorder) program() (image []byte) {
	m.count = map[string]int{}
	path, err := os.Executable()
	require.NoError(m.t, err)
	f, err := elf.Open(path)
	require.NoError(m.t, err)
	defer f.Close()
	symbols, err := f.Symbols()
	require.NoError(m.t, err, "build with go test -c, which keeps symbols")
	for _, s := range symbols {
		m.symbols[s.Name] = s.Value
	}
	for _, p := range f.Progs {
		if p.Type != elf.PT_LOAD || p.Flags&elf.PF_W != 0 {
			continue
		}
		require.GreaterOrEqual(m.t, p.Vaddr, uint64(programAt))
		end := int(p.Vaddr + p.Filesz - programAt)
		image = append(image, make([]byte, max(0, end-len(image)))...)
		_, err := p.ReadAt(image[p.Vaddr-programAt:][:p.Filesz], 0)
		require.NoError(m.t, err)
	}
	return image
}

// call records one call: memory gives the parts behind the first arguments, and how many bytes of each; those that are scratch have no
// value afterwards. numbers are the other arguments.
func (m *recorder) call(names []string, order func(at []uint64) [6]uint64, memory []part, run func()) {
	const guard = 64
	pattern := bytes.Repeat([]byte{0xA5}, guard)
	var at []uint64
	var regions []region
	next := uint64(workAt)
	for _, p := range memory {
		at = append(at, next+guard)
		before := slices.Concat(pattern, p.bytes(), pattern)
		if p.scratch {
			n := uint64(len(p.bytes()))
			regions = append(regions, region{next, pattern, pattern}, region{next + guard + n, pattern, pattern})
		} else {
			regions = append(regions, region{next, before, before})
		}
		next += (uint64(len(before)) + 127) &^ 63
	}
	run()
	i := 0
	for _, p := range memory {
		if p.scratch {
			i += 2
			continue
		}
		regions[i].after = slices.Concat(pattern, p.bytes(), pattern)
		i++
	}
	for _, name := range names {
		address, ok := m.symbols["threatdetect/internal/kernel."+name+".abi0"]
		if !ok {
			address = m.symbols["threatdetect/internal/kernel."+name]
		}
		require.NotZero(m.t, address, name)
		m.records = append(m.records, record{address, order(at), regions})
		m.count[name]++
	}
}

// part is memory behind a pointer.
type part struct {
	pointer unsafe.Pointer
	size    int
	scratch bool
}

func (p *part) bytes() []byte { return unsafe.Slice((*byte)(p.pointer), p.size) }

func of[T any](p *T, size int) part { return part{unsafe.Pointer(p), size, false} }

// vectors is the twin with each call recorded.
func (m *recorder) vectors() vectors {
	v := twin
	v.transpose = func(columns, rows *float32, stride uintptr, loads *uint32, n uintptr) {
		width := 4 * (int(slices.Max(unsafe.Slice(loads, n))) + 4)
		m.call([]string{"transpose512"}, func(at []uint64) [6]uint64 {
			return [6]uint64{at[0], at[1], uint64(stride), at[2], uint64(n)}
		}, []part{of(columns, int(n)*16*columnStride(512)-64), of(rows, 511*int(stride)+width), of(loads, 4*int(n))},
			func() { twin.transpose(columns, rows, stride, loads, n) })
	}
	compare := func(name string, run func(planes *uint64, column, thresholds *float32, n uintptr)) func(planes *uint64, column, thresholds *float32, n uintptr) {
		return func(planes *uint64, column, thresholds *float32, n uintptr) {
			m.call([]string{name}, func(at []uint64) [6]uint64 {
				return [6]uint64{at[0], at[1], at[2], uint64(n)}
			}, []part{of(planes, 64*int(n)), of(column, 4*512), of(thresholds, 4*int(n))}, func() { run(planes, column, thresholds, n) })
		}
	}
	v.below = compare("below512", twin.below)
	v.belowOrMissing = compare("belowOrMissing512", twin.belowOrMissing)
	for bits := 1; bits <= 8; bits++ {
		levels := max(bits, 4)
		v.search[bits] = func(ranks *byte, column, tree *float32, work *byte) {
			m.call([]string{fmt.Sprintf("search%dx512", levels)}, func(at []uint64) [6]uint64 {
				return [6]uint64{at[0], at[1], at[2], at[3]}
			}, []part{of(ranks, 512), of(column, 4*512), of(tree, 4<<levels), {unsafe.Pointer(work), workBytes, true}}, func() { twin.search[bits](ranks, column, tree, work) })
		}
	}
	v.expand = func(planes *uint64, ranks *byte, bits, n uintptr, work *byte) {
		m.call([]string{"expand512"}, func(at []uint64) [6]uint64 {
			return [6]uint64{at[0], at[1], uint64(bits), uint64(n), at[2]}
		}, []part{of(planes, 64*int(n)), of(ranks, 512), {unsafe.Pointer(work), workBytes, true}}, func() { twin.expand(planes, ranks, bits, n, work) })
	}
	v.missing = func(planes, plane *uint64, column *float32, pairs *uint16, n uintptr) {
		size := 64
		for _, reference := range unsafe.Slice(pairs, 2*n) {
			size = max(size, 16*int(reference)+64)
		}
		m.call([]string{"missing512"}, func(at []uint64) [6]uint64 {
			return [6]uint64{at[0], at[1], at[2], at[3], uint64(n)}
		}, []part{of(planes, size), of(plane, 64), of(column, 4*512), of(pairs, 4*int(n))}, func() { twin.missing(planes, plane, column, pairs, n) })
	}
	v.compare = func(answers *byte, rows *float32, stride uintptr, windows *byte, n uintptr) {
		width := 0
		for _, w := range unsafe.Slice((*window)(unsafe.Pointer(windows)), n) {
			width = max(width, 4*(int(w.first)+windowColumns))
		}
		m.call([]string{"compare512"}, func(at []uint64) [6]uint64 {
			return [6]uint64{at[0], at[1], uint64(stride), at[2], uint64(n)}
		}, []part{of(answers, 512*int(n)), of(rows, 511*int(stride)+width), of(windows, int(n)*int(unsafe.Sizeof(window{})))},
			func() { twin.compare(answers, rows, stride, windows, n) })
	}
	v.spread = func(planes *uint64, answers, spreads *byte, n uintptr) {
		size, sets := 64, 1
		for _, s := range unsafe.Slice((*spread)(unsafe.Pointer(spreads)), n) {
			sets = max(sets, int(s.from)+1)
			for _, to := range s.to {
				size = max(size, 16*int(to)+64)
			}
		}
		m.call([]string{"spread512"}, func(at []uint64) [6]uint64 {
			return [6]uint64{at[0], at[1], at[2], uint64(n)}
		}, []part{of(planes, size), of(answers, 512*sets), of(spreads, int(n)*int(unsafe.Sizeof(spread{})))}, func() { twin.spread(planes, answers, spreads, n) })
	}
	v.collect = func(answers, rows *byte, stride uintptr, places *uint32, n uintptr) {
		width := int(slices.Max(unsafe.Slice(places, n))) + 1
		m.call([]string{"collect512"}, func(at []uint64) [6]uint64 {
			return [6]uint64{at[0], at[1], uint64(stride), at[2], uint64(n)}
		}, []part{of(answers, 512*int(n)), of(rows, 511*int(stride)+width), of(places, 4*int(n))}, func() { twin.collect(answers, rows, stride, places, n) })
	}
	for depth := 1; depth <= MaxDepth; depth++ {
		v.tables[depth] = func(planes *uint64, program *uint16, leaves *byte, sums *float32, n uintptr, work *byte) {
			length, size := int(n)*(1<<depth-1), 64
			for _, reference := range unsafe.Slice(program, length) {
				size = max(size, 16*int(reference)+64)
			}
			m.call([]string{fmt.Sprintf("trees%dx512", depth), fmt.Sprintf("treesGFNI%dx512", depth)}, func(at []uint64) [6]uint64 {
				return [6]uint64{at[0], at[1], at[2], at[3], uint64(n), at[4]}
			}, []part{of(planes, size), of(program, 2*length), of(leaves, int(n)*tableBytes(depth)), of(sums, 4*512), {unsafe.Pointer(work), workBytes, true}},
				func() { twin.tables[depth](planes, program, leaves, sums, n, work) })
		}
	}
	return v
}
