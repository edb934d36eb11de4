package pickle

import "errors"

// Limits of a pickle. Memory comes on top of the input itself, whose bytes strings of bytes share.
const (
	MaxOpcodes = 10_000_000
	MaxStack   = 1_000_000 // values on the stack
	MaxMemo    = 1_000_000
	MaxNesting = 256 // containers between the outermost value and the innermost one, by the shortest way

	DecodedFactor = 4       // bytes of all strings and arrays, per byte of the input
	DecodedFree   = 1 << 20 // and on top of that
	MemoryFactor  = 16      // bytes of memory taken in all, also for what is dropped again, per byte of the input
	MemoryFree    = 8 << 20
)

// Decode reads the pickle that data begins with and returns its value and its length. The value may share the memory of data, which must
// not be changed as long as the value is in use. Failures are of the type *[Error]; what is inside of it tells the kinds apart: [*GlobalError] and
// [*OpcodeError] for what is refused, [*LimitError], and plain errors for pickles that are broken.
func Decode(data []byte) (Value, int, error) {
	m := newMachine(data)
	v, err := m.run()
	if err != nil {
		return nil, 0, &Error{Offset: int64(m.start), Op: opName(m.data, m.start), Err: err}
	}
	if err := Walk(v, MaxNesting, func(Value) bool { return true }); err != nil {
		return nil, 0, &Error{Offset: int64(m.start), Op: "STOP", Err: err}
	}
	return v, m.pos, nil
}

// opName names the opcode at offset.
func opName(data []byte, offset int) string {
	if offset >= len(data) {
		return ""
	}
	return opNames[data[offset]]
}

// machine is the state of one decoding.
type machine struct {
	data  []byte
	pos   int // next byte
	start int // of the current opcode

	stack []Value
	marks []int32 // lengths of the stack where there are marks
	memo  []Value // nil where nothing was put

	opcodes int64
	nodes   int32 // containers made so far
	decoded budget
	memory  budget

	none *Tuple // the empty tuple
}

func newMachine(data []byte) *machine {
	n := int64(len(data))
	return &machine{
		data:    data,
		decoded: budget{name: "decoded bytes", limit: DecodedFactor*n + DecodedFree},
		memory:  budget{name: "memory of a pickle", limit: MemoryFactor*n + MemoryFree},
		none:    &Tuple{},
	}
}

// budget is an amount of memory that may be spent.
type budget struct {
	name        string
	limit, used int64
}

func (b *budget) spend(n int) error {
	b.used += int64(n)
	if b.used > b.limit {
		return &LimitError{Name: b.name, Limit: b.limit, Got: b.used}
	}
	return nil
}

// Sizes in bytes, rounded up to what Go's allocator takes.
const (
	slotSize   = 16 // of a value in a list
	numberSize = 8
	headerSize = 24 // of a string or of bytes
	nodeSize   = 48 // of a container without its elements
)

// payload pays for n bytes of a string or an array.
func (m *machine) payload(n int) error {
	if err := m.decoded.spend(n); err != nil {
		return err
	}
	return m.memory.spend(n + headerSize)
}

// node pays for a container and numbers it.
func (m *machine) node() (node, error) {
	m.nodes++
	return node{m.nodes}, m.memory.spend(nodeSize)
}

// grow makes room for n more elements in a slice of values.
func (m *machine) grow(s []Value, n int) ([]Value, error) {
	if cap(s)-len(s) >= n {
		return s, nil
	}
	size := max(2*cap(s), len(s)+n)
	if err := m.memory.spend(size * slotSize); err != nil {
		return s, err
	}
	return append(make([]Value, 0, size), s...), nil
}

// run executes opcodes up to STOP and returns what is then on the stack.
func (m *machine) run() (Value, error) {
	for {
		m.start = m.pos
		if m.pos >= len(m.data) {
			return nil, errEnd
		}
		if m.opcodes++; m.opcodes > MaxOpcodes {
			return nil, &LimitError{Name: "opcodes", Limit: MaxOpcodes, Got: m.opcodes}
		}
		op := m.data[m.pos]
		m.pos++
		if op == opStop {
			return m.result()
		}
		if err := m.execute(op); err != nil {
			return nil, err
		}
	}
}

func (m *machine) result() (Value, error) {
	v, err := m.pop()
	if err == nil && len(m.stack)+len(m.marks) > 0 {
		err = errors.New("more than one value is left on the stack")
	}
	return v, err
}

// execute does what one opcode asks for; its argument follows.
func (m *machine) execute(op byte) error {
	switch op {
	case opProto:
		version, err := m.number(1)
		if err == nil && version > 5 {
			return errors.New("a protocol later than 5")
		}
		return err
	case opFrame:
		_, err := m.length(8)
		return err
	case opMark:
		return m.mark()
	case opPop:
		return m.drop()
	case opPopMark:
		_, err := m.popMark()
		return err
	case opDup:
		v, err := m.top()
		return m.pushIf(v, err)
	case opPut, opBinPut, opLongBinPut, opMemoize:
		return m.put(op)
	case opGet, opBinGet, opLongBinGet:
		return m.get(op)
	case opGlobal, opStackGlobal:
		return m.global(op)
	case opReduce:
		return m.reduce()
	case opNewObj, opNewObjEx:
		return m.newObject(op)
	case opBuild:
		return m.build()
	case opEmptyTuple, opTuple, opTuple1, opTuple2, opTuple3, opEmptyList, opList, opAppend, opAppends,
		opEmptyDict, opDict, opSetItem, opSetItems, opEmptySet, opAddItems, opFrozenSet:
		return m.container(op)
	case 'P', 'Q', 'i', 'o', 0x82, 0x83, 0x84, 0x97, 0x98:
		return &OpcodeError{Code: op, Known: true}
	}
	v, err := m.scalar(op)
	return m.pushIf(v, err)
}
