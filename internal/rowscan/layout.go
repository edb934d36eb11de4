package rowscan

import (
	"encoding/binary"

	"threatdetect/internal/decimal"
)

const (
	// MaxNumbers is how many numbers of a row are read together.
	MaxNumbers = 12
	// MaxAddresses is how many addresses are.
	MaxAddresses = 2
	// maxBack is the most that digits are ahead of the end of their field.
	maxBack = 8
	// So many bytes of the text have to be ahead of the end of each field in which there is a number, and an address.
	aheadOfNumber, aheadOfAddress = 8 + maxBack, 16
)

// Number says where up to eight digits are.
type Number struct {
	Field int
	Back  int // bytes from their end to that of the field, at most 8
	Most  int // only the last so many of them; 0: all that the field has
}

// Layout says in which fields of a row numbers and addresses are. [NewLayout] makes one. The assembly knows where its first three fields are, and all of Values.
type Layout struct {
	back, most [MaxNumbers]int64                 // of numbers
	entries    [MaxNumbers + MaxAddresses]uint16 // where the entry ahead of the field is in a Row, in bytes
	fields     int                               // of a row
	number     int                               // the first field in which there is one
	address    int                               // and an address
}

// NewLayout returns the layout of rows with so many fields, at most [MaxFields]. There are at most [MaxNumbers] numbers; those that are left out are never known.
func NewLayout(fields int, numbers []Number, addresses [MaxAddresses]int) *Layout {
	l := &Layout{fields: fields, number: fields - 1, address: fields - 1}
	place := func(field int) uint16 {
		if field < 0 || field >= fields || fields > MaxFields {
			panic("rowscan: no such field")
		}
		return uint16(2 * field)
	}
	for i, field := range addresses {
		l.entries[MaxNumbers+i] = place(field)
		l.address = min(l.address, field)
	}
	for i := range l.most {
		if i >= len(numbers) {
			l.entries[i] = l.entries[MaxNumbers] // no digits of it are looked at
			continue
		}
		n := numbers[i]
		if uint(n.Back) > maxBack {
			panic("rowscan: digits too far ahead of the end of the field")
		}
		l.entries[i] = place(n.Field)
		l.number = min(l.number, n.Field)
		if l.back[i], l.most[i] = int64(n.Back), int64(n.Most); n.Most == 0 {
			l.most[i] = MaxText
		}
	}
	return l
}

// Values are what was read of a row. A number is 0 if it is not known, and an address means nothing then.
type Values struct {
	Numbers   [MaxNumbers]uint64
	Addresses [MaxAddresses][4]byte
	Known     uint32 // bit i: number i is one to eight digits
	Unset     uint32 // bit i: number i is only the byte that says that there is none
	IPv4      uint32 // bit i: address i is an IPv4 address; without the assembly none is read
}

// Read reads line i, and reports whether it could: it has as many fields as the layout, and is not too near to the beginning of the text.
func (b *Block) Read(v *Values, l *Layout, i int, unset byte) (row *Row, ok bool) {
	first := b.first(i)
	if int(b.lines[i+1])-first+1 != l.fields {
		return nil, false
	}
	row = (*Row)(b.ends[first:])
	if row[(l.number+1)&MaxFields] < aheadOfNumber || row[(l.address+1)&MaxFields] < aheadOfAddress {
		return nil, false
	}
	if hasAVX2 {
		readAVX2(&v.Numbers[0], &l.back[0], &b.text[0], &row[0], unset)
	} else {
		readGeneric(v, l, b.text, row, unset)
	}
	return row, true
}

// readGeneric is readAVX2 but for addresses: in Go a cache of them is faster than to read each.
func readGeneric(v *Values, l *Layout, text []byte, row *Row, unset byte) {
	var known, none uint32
	for i := range v.Numbers {
		start, end := row.Field(int(l.entries[i] >> 1))
		end -= int(l.back[i])
		n := min(end-start, int(l.most[i]))
		digits := binary.LittleEndian.Uint64(text[end-8:])
		v.Numbers[i] = 0
		if uint(n-1) >= 8 {
			continue
		}
		if value, ok := decimal.Last(digits, n); ok {
			v.Numbers[i] = value
			known |= 1 << i
		}
		if n == 1 && byte(digits>>56) == unset {
			none |= 1 << i
		}
	}
	v.Known, v.Unset, v.IPv4 = known, none, 0
}
