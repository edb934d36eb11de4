package gunzip

// block reads the header of a block.
func (z *Reader) block() error {
	if z.last {
		z.last = false
		z.step = (*Reader).trailer
		return nil
	}
	v, err := z.take(3)
	if err != nil {
		return err
	}
	z.last = v&1 == 1
	switch v >> 1 {
	case 0:
		z.b >>= z.nb & 7
		z.nb &^= 7
		v, err := z.take(32)
		if err != nil {
			return err
		}
		if v&0xffff != ^v>>16 {
			return ErrCorrupt
		}
		z.rest = int(v & 0xffff)
		z.step = (*Reader).stored
		return nil
	case 1:
		z.litlen, z.dist = &fixedLitlen, &fixedDist
	case 2:
		if err := z.tables(); err != nil {
			return err
		}
	default:
		return ErrCorrupt
	}
	z.step = (*Reader).symbols
	return nil
}

// stored copies bytes that are not packed.
func (z *Reader) stored() error {
	for ; z.rest > 0 && z.nb > 0; z.rest-- {
		v, err := z.take(8)
		if err != nil {
			return err
		}
		z.window[z.w] = byte(v)
		z.w++
	}
	if z.rest == 0 {
		z.step = (*Reader).block
		return nil
	}
	z.b = 0 // what is above nb comes from in once more
	if z.pos == len(z.in) && !z.more() {
		return z.cut()
	}
	n := copy(z.window[z.w:], z.in[z.pos:min(len(z.in), z.pos+z.rest)])
	z.pos += n
	z.w += n
	z.rest -= n
	return nil
}

// codeOrder is the order in which a block gives the lengths of the codes for lengths.
var codeOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// tables reads the codes of a block.
func (z *Reader) tables() error {
	v, err := z.take(14)
	if err != nil {
		return err
	}
	nlit, ndist, ncode := int(v&31)+257, int(v>>5&31)+1, int(v>>10)+4
	if nlit > 286 || ndist > 30 {
		return ErrCorrupt
	}
	var lengths [286 + 30]uint8
	for _, symbol := range codeOrder[:ncode] {
		v, err := z.take(3)
		if err != nil {
			return err
		}
		lengths[symbol] = uint8(v)
	}
	z.litlen, z.dist = &z.own[0], &z.own[1]
	if !z.litlen.build(lengths[:19], codeSymbols) {
		return ErrCorrupt
	}
	clear(lengths[:19])
	for i := 0; i < nlit+ndist; {
		z.fill()
		e := z.litlen.lookup(z.b)
		n := uint(e & lengthMask)
		switch {
		case n > z.nb:
			return z.cut()
		case n == 0:
			return ErrCorrupt
		}
		z.b >>= n
		z.nb -= n
		symbol := e >> valueShift
		if symbol < 16 {
			lengths[i] = uint8(symbol)
			i++
			continue
		}
		var repeat uint32
		length := uint8(0)
		switch symbol {
		case 16:
			if i == 0 {
				return ErrCorrupt
			}
			length = lengths[i-1]
			repeat, err = z.take(2)
			repeat += 3
		case 17:
			repeat, err = z.take(3)
			repeat += 3
		default:
			repeat, err = z.take(7)
			repeat += 11
		}
		if err != nil {
			return err
		}
		if i+int(repeat) > nlit+ndist {
			return ErrCorrupt
		}
		for ; repeat > 0; repeat-- {
			lengths[i] = length
			i++
		}
	}
	if lengths[256] == 0 || !z.litlen.build(lengths[:nlit], litlenSymbols) || !z.dist.build(lengths[nlit:nlit+ndist], distSymbols) {
		return ErrCorrupt
	}
	return nil
}

// symbols decodes until the block ends or the window is full.
func (z *Reader) symbols() error {
	window, w := z.window, z.w
	limit := len(window) - 2*longest
	for w <= limit {
		// A literal or a match takes at most 15+5+15+13 bits, so one filling is enough for any.
		if z.nb < 48 {
			z.fill()
		}
		b, nb := z.b, z.nb
		e := z.litlen.lookup(b)
		n := uint(e & lengthMask)
		if n > nb {
			z.w = w
			return z.cut()
		}
		b >>= n
		nb -= n
		if e&literal != 0 {
			window[w] = byte(e >> valueShift)
			w++
			z.b, z.nb = b, nb
			continue
		}
		if e&special != 0 {
			z.w = w
			if e != endOfBlock|uint32(n) || n == 0 {
				return ErrCorrupt
			}
			z.b, z.nb = b, nb
			z.step = (*Reader).block
			return nil
		}
		extra := uint(e >> extraShift & extraMask)
		length := int(e>>valueShift) + int(b&(1<<extra-1))
		if extra > nb {
			z.w = w
			return z.cut()
		}
		b >>= extra
		nb -= extra

		e = z.dist.lookup(b)
		n = uint(e & lengthMask)
		extra = uint(e >> extraShift & extraMask)
		if n+extra > nb {
			z.w = w
			return z.cut()
		}
		b >>= n
		distance := int(e>>valueShift) + int(b&(1<<extra-1))
		if n == 0 || e&special != 0 || distance > w-z.begin {
			z.w = w
			return ErrCorrupt
		}
		z.b, z.nb = b>>extra, nb-n-extra
		for from := w - distance; length > 0; {
			// What was copied can be copied again where the match overlaps itself.
			n := copy(window[w:w+length], window[from:w])
			w += n
			length -= n
		}
	}
	z.w = w
	return nil
}
