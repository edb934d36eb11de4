//go:build (!amd64 && !arm64) || purego

package kernel

const hasAVX2, hasAVX512, hasNEON = false, false, false

func (p *Plan) sumVectors(source, int, int, *Scratch) { panic("kernel: no assembly in this build") }

func (p *Plan) addTrees(t *tile, _ int, s *Scratch) {
	for j := range t.runs {
		t.runs[j].addGeneric(t, s)
	}
}

const workBytes = 0
