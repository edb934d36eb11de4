package sketch

import (
	"math"
	"math/bits"
)

const (
	precision = 12
	// Registers is the number of registers of a Distinct. Its standard error is 1.04 / sqrt(Registers) = 1.6 %.
	Registers = 1 << precision
	ranks     = 32 - precision // that the rest of a hash can have, besides none
)

// Distinct estimates how many different hashes it was given in this half of a window and the one before it: HyperLogLog with
// Ertl's estimator, which needs no correction for small numbers.
type Distinct struct {
	now, before [Registers]uint8
	counts      [ranks + 2]uint16 // registers by the greater value of the two halves
	begun       bool
}

// Reset empties d.
func (d *Distinct) Reset() {
	*d = Distinct{begun: true}
	d.counts[0] = Registers
}

// Add puts a hash into the present half.
func (d *Distinct) Add(h uint32) {
	i, rank := h>>(32-precision), uint8(bits.LeadingZeros32(h<<precision|1<<(precision-1)))+1
	if rank <= d.now[i] {
		return
	}
	if was := max(d.now[i], d.before[i]); rank > was {
		d.counts[was]--
		d.counts[rank]++
	}
	d.now[i] = rank
}

// Turn begins a new half.
func (d *Distinct) Turn() {
	d.before, d.now = d.now, [Registers]uint8{}
	d.recount()
}

func (d *Distinct) recount() {
	d.counts = [ranks + 2]uint16{}
	for i, v := range d.now {
		d.counts[max(v, d.before[i])]++
	}
}

// Estimate returns about how many different hashes were added in the two halves.
func (d *Distinct) Estimate() float64 {
	const m = Registers
	z := m * tau(1-float64(d.counts[ranks+1])/m)
	for k := ranks; k >= 1; k-- {
		z = 0.5 * (z + float64(d.counts[k]))
	}
	z += float64(m * sigma(float64(d.counts[0])/m))
	return float64(0.5/math.Ln2*m) * m / z // z is infinite if all registers are empty
}

// sigma is the sum of x^(2^k) * 2^(k-1) over k >= 0, plus x/2.
func sigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	y, z := 1.0, x
	for {
		x *= x
		was := z
		z += float64(x * y)
		y += y
		if z == was {
			return z
		}
	}
}

// tau is one third of 1 - x - the sum of (1 - x^(2^-k))^2 * 2^-k over k >= 1.
func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	y, z := 1.0, 1-x
	for {
		x = math.Sqrt(x)
		was := z
		y *= 0.5
		d := 1 - x
		z -= float64(float64(d*d) * y)
		if z == was {
			return z / 3
		}
	}
}

// AppendTo appends the registers to b, and Load takes them back; it returns false if a value is none of a register.
func (d *Distinct) AppendTo(b []byte) []byte {
	return append(append(b, d.now[:]...), d.before[:]...)
}

// SavedDistinct is how many bytes AppendTo appends.
const SavedDistinct = 2 * Registers

// Load sets d to what AppendTo wrote, which is SavedDistinct bytes.
func (d *Distinct) Load(b []byte) bool {
	d.Reset()
	copy(d.now[:], b)
	copy(d.before[:], b[Registers:])
	for i := range d.now {
		if max(d.now[i], d.before[i]) > ranks+1 {
			return false
		}
	}
	d.recount()
	return true
}
