package pickle

import (
	"errors"
	"strconv"
)

func (m *machine) push(v Value) error {
	if len(m.stack) >= MaxStack {
		return &LimitError{Name: "stack", Limit: MaxStack, Got: int64(len(m.stack)) + 1}
	}
	var err error
	if m.stack, err = m.grow(m.stack, 1); err != nil {
		return err
	}
	m.stack = append(m.stack, v)
	return nil
}

// pushIf pushes v unless making it has failed.
func (m *machine) pushIf(v Value, err error) error {
	if err != nil {
		return err
	}
	return m.push(v)
}

// floor is the length of the stack at the innermost mark, below which nothing may be taken.
func (m *machine) floor() int {
	if len(m.marks) == 0 {
		return 0
	}
	return int(m.marks[len(m.marks)-1])
}

func (m *machine) top() (Value, error) {
	if len(m.stack) <= m.floor() {
		return nil, errUnderflow
	}
	return m.stack[len(m.stack)-1], nil
}

func (m *machine) pop() (Value, error) {
	v, err := m.top()
	if err == nil {
		m.stack = m.stack[:len(m.stack)-1]
	}
	return v, err
}

// popN takes the uppermost n values off. They are valid until the next push.
func (m *machine) popN(n int) ([]Value, error) {
	keep := len(m.stack) - n
	if keep < m.floor() {
		return nil, errUnderflow
	}
	values := m.stack[keep:]
	m.stack = m.stack[:keep]
	return values, nil
}

// drop is POP, which takes a mark if that is the uppermost thing.
func (m *machine) drop() error {
	if n := len(m.marks); n > 0 && len(m.stack) == m.floor() {
		m.marks = m.marks[:n-1]
		return nil
	}
	_, err := m.pop()
	return err
}

func (m *machine) mark() error {
	if len(m.marks) >= MaxStack {
		return &LimitError{Name: "stack", Limit: MaxStack, Got: int64(len(m.marks)) + 1}
	}
	if len(m.marks) == cap(m.marks) {
		size := max(2*cap(m.marks), 16)
		if err := m.memory.spend(4 * size); err != nil {
			return err
		}
		m.marks = append(make([]int32, 0, size), m.marks...)
	}
	m.marks = append(m.marks, int32(len(m.stack)))
	return nil
}

// popMark takes everything above the innermost mark off, and the mark. The values are valid until the next push.
func (m *machine) popMark() ([]Value, error) {
	if len(m.marks) == 0 {
		return nil, errNoMark
	}
	values, err := m.popN(len(m.stack) - m.floor())
	m.marks = m.marks[:len(m.marks)-1]
	return values, err
}

// put remembers the uppermost value. Writers number what they remember one by one, so no number is above that of the opcodes so far.
func (m *machine) put(op byte) error {
	at, err := m.memoIndex(op)
	if err != nil {
		return err
	}
	v, err := m.top()
	if err != nil {
		return err
	}
	if at >= MaxMemo {
		return &LimitError{Name: "memo", Limit: MaxMemo, Got: at + 1}
	}
	if at > m.opcodes {
		return errors.New("number " + strconv.FormatInt(at, 10) + " of the memo is ahead of the opcodes")
	}
	if n := int(at) + 1 - len(m.memo); n > 0 {
		if m.memo, err = m.grow(m.memo, n); err != nil {
			return err
		}
		m.memo = m.memo[:at+1]
	}
	m.memo[at] = v
	return nil
}

func (m *machine) get(op byte) error {
	at, err := m.memoIndex(op)
	if err != nil {
		return err
	}
	if at >= int64(len(m.memo)) || m.memo[at] == nil {
		return errors.New("number " + strconv.FormatInt(at, 10) + " of the memo was never put there")
	}
	return m.push(m.memo[at])
}

// memoIndex reads the argument of the opcodes of the memo.
func (m *machine) memoIndex(op byte) (int64, error) {
	switch op {
	case opMemoize:
		return int64(len(m.memo)), nil
	case opBinPut, opBinGet:
		n, err := m.number(1)
		return int64(n), err
	case opLongBinPut, opLongBinGet:
		n, err := m.number(4)
		return int64(n), err
	}
	line, err := m.line()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(string(line), 10, 32)
	if err != nil {
		return 0, errors.New("expected a number of the memo, found " + quote(string(line)))
	}
	return int64(n), nil
}
