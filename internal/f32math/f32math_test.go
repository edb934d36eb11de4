package f32math

import (
	"math"
	"testing"
)

func bits(b uint32) float32 { return math.Float32frombits(b) }

func wantBits(t *testing.T, name string, x, got float32, want uint32) {
	t.Helper()
	if math.Float32bits(got) != want {
		t.Errorf("%s(%v) = %#08x, want %#08x", name, x, math.Float32bits(got), want)
	}
}

// TestGolden compares with values printed by C programs on glibc 2.36.
func TestGolden(t *testing.T) {
	for _, c := range []struct {
		x            float32
		exp, sigmoid uint32
	}{
		{-200, 0x00000000, 0x0020BD47},
		{-88.7, 0x0020BD47, 0x0020BD47},
		{-20, 0x310DA433, 0x310DA433},
		{-10, 0x383E6BCE, 0x383E6998},
		{-5.5, 0x3B85EA53, 0x3B855ECA},
		{-1, 0x3EBC5AB2, 0x3E89B2B1},
		{-0.1, 0x3F67A36D, 0x3EF335ED},
		{bits(1 << 31), 0x3F800000, 0x3F000000},
		{0, 0x3F800000, 0x3F000000},
		{0.1, 0x3F8D763E, 0x3F066509},
		{0.5, 0x3FD3094C, 0x3F1F597F},
		{1, 0x402DF854, 0x3F3B26A8},
		{2.5, 0x4142EB7F, 0x3F6C948F},
		{5.5, 0x4374B122, 0x3F7EF543},
		{10, 0x46AC14EE, 0x3F7FFD06},
		{17, 0x4BB849A4, 0x3F800000},
		{100, 0x7F800000, 0x3F800000},
		{float32(math.Inf(1)), 0x7F800000, 0x3F800000},
		{float32(math.Inf(-1)), 0x00000000, 0x0020BD47},
	} {
		wantBits(t, "Exp", c.x, Exp(c.x), c.exp)
		wantBits(t, "Sigmoid", c.x, Sigmoid(c.x), c.sigmoid)
	}
	// Inputs for which a float64 exponential, rounded, is one unit off.
	for x, want := range map[uint32]uint32{
		0x3F001569: 0x3FD31AF4, 0x3F00243B: 0x3FD3272D, 0x3F0037EF: 0x3FD3376E, 0x3F003946: 0x3FD33889,
	} {
		wantBits(t, "Exp", bits(x), Exp(bits(x)), want)
		if math.Float32bits(float32(math.Exp(float64(bits(x))))) == want {
			t.Errorf("%#08x does not show the difference to float64 any more", x)
		}
	}
	for _, c := range []struct {
		p          float32
		logit, log uint32
	}{
		{0.1, 0xC00C9F54, 0xC0135D8E},
		{0.25, 0xBF8C9F54, 0xBFB17218},
		{0.5, 0x80000000, 0xBF317218},
		{0.7, 0x3F58E882, 0xBEB69E1A},
		{0.9, 0x400C9F52, 0xBDD7C745},
		{0.999, 0x40DD0424, 0xBA8322CA},
	} {
		wantBits(t, "Logit", c.p, Logit(c.p), c.logit)
		wantBits(t, "Log", c.p, Log(c.p), c.log)
	}
}

func TestEdges(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for name, f := range map[string]func(float32) float32{
		"Exp": Exp, "Log": Log, "Sigmoid": Sigmoid, "SigmoidUnclamped": SigmoidUnclamped, "Logit": Logit,
	} {
		for _, x := range []float32{nan, -nan, bits(0x7F800001), bits(0xFFFFFFFF)} {
			if y := f(x); y == y {
				t.Errorf("%s(NaN) = %v", name, y)
			}
		}
	}
	if y := Log(-1); y == y {
		t.Errorf("Log(-1) = %v", y)
	}
	wantBits(t, "Log", 0, Log(0), 0xFF800000)
	wantBits(t, "Log", bits(1<<31), Log(bits(1<<31)), 0xFF800000)
	wantBits(t, "Log", 1, Log(1), 0)
	wantBits(t, "Log", inf, Log(inf), 0x7F800000)
	wantBits(t, "SigmoidUnclamped", -200, SigmoidUnclamped(-200), 0)
	wantBits(t, "SigmoidUnclamped", -20, SigmoidUnclamped(-20), 0x310DA433)
}

func TestSoftmax(t *testing.T) {
	x := []float32{3}
	Softmax(x)
	wantBits(t, "Softmax", 3, x[0], 0x3F800000)

	x = []float32{1, 1, 1, 1}
	Softmax(x)
	for _, v := range x {
		wantBits(t, "Softmax", 1, v, 0x3E800000)
	}

	for i := range 3 { // wherever the NaN is
		x = []float32{1, 2, 3}
		x[i] = float32(math.NaN())
		Softmax(x)
		for j, v := range x {
			if v == v {
				t.Errorf("NaN at %d: output %d is %v", i, j, v)
			}
		}
	}

	x = []float32{-200, 200, 0}
	Softmax(x)
	for i, want := range []uint32{0, 0x3F800000, 0} {
		wantBits(t, "Softmax", 0, x[i], want)
	}
}

func BenchmarkExp(b *testing.B) {
	x := float32(-8)
	for b.Loop() {
		x = -8 + Exp(x)*1e-9
	}
}

// TestSoftplus has results of C programs with glibc 2.36.
func TestSoftplus(t *testing.T) {
	for _, c := range []struct {
		x                 float32
		softplus, inverse uint32
	}{
		{-200, 0x00000000, 0xC15D0C54},
		{-20, 0x310DA433, 0xC15D0C54},
		{-1, 0x3EA063D6, 0xC15D0C54},
		{-0.001, 0x3F315155, 0xC15D0C54},
		{0, 0x3F317218, 0xC15D0C54},
		{0.001, 0x3F3192DE, 0xC0DD083C},
		{1, 0x3FA818F6, 0x3F0A9444},
		{5.5, 0x40B02169, 0x40AFDE74},
		{20, 0x41A00000, 0x41A00000},
		{200, 0x43480000, 0x43480000},
	} {
		wantBits(t, "Softplus", c.x, Softplus(c.x), c.softplus)
		wantBits(t, "SoftplusInverse", c.x, SoftplusInverse(c.x), c.inverse)
	}
}
