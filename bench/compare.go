package main

import (
	"errors"
	"fmt"
	"math"
)

// difference says how an engine's outputs differ from those of XGBoost for the same rows.
type difference struct {
	Of       string  // margins or probabilities
	Rows     int     // all
	Differ   int     // rows with other bits
	Greatest float64 // difference
}

// wrong is a difference of margins or probabilities that no rounding explains.
const wrong = 1e-3

func (d *difference) String() string {
	switch {
	case d == nil:
		return "own model"
	case d.Differ == 0:
		return "same bits"
	}
	return fmt.Sprintf("%.3g %%, ≤ %.1e", 100*float64(d.Differ)/float64(d.Rows), d.Greatest)
}

// errOurs ends the run: a kernel of ours that is fast and one bit off is wrong.
var errOurs = errors.New("our results differ from XGBoost's")

// compare holds outputs against XGBoost's margins or, if they are nearer, its probabilities. Engines with models of their own are
// compared with what they should predict where that is known, and outputs that are all the same are an error for everyone: an engine
// that does nothing is fast. So is a number that is far off.
func compare(m *modelFiles, e *engine, got []float32) (*difference, error) {
	margin, err := readFloats(m.file("margin.f32"))
	if err != nil {
		return nil, err
	}
	value, err := readFloats(m.file("value.f32"))
	if err != nil {
		return nil, err
	}
	if len(got) == 0 || len(got) > len(margin) || len(got)%m.Outputs != 0 {
		return nil, fmt.Errorf("%d outputs for rows of %d", len(got), m.Outputs)
	}
	margin, value = margin[:len(got)], value[:len(got)]
	distinct := map[float32]bool{}
	for _, x := range got {
		if math.IsNaN(float64(x)) {
			return nil, fmt.Errorf("some outputs are no numbers")
		}
		distinct[x] = true
	}
	if len(distinct) < 2 {
		return nil, fmt.Errorf("all outputs are %v", got[0])
	}
	if e.Own {
		return nil, e.compareOwn(m, got)
	}
	best := differ("margins", m.Outputs, got, margin)
	if d := differ("probabilities", m.Outputs, got, value); d.Greatest < best.Greatest {
		best = d
	}
	if e.Ours && (best.Differ > 0 || best.Of != "margins") {
		return best, fmt.Errorf("%w: %s", errOurs, best)
	}
	if best.Greatest > wrong {
		return best, fmt.Errorf("wrong results: %s", best)
	}
	return best, nil
}

func differ(of string, outputs int, got, want []float32) *difference {
	d := &difference{Of: of, Rows: len(got) / outputs}
	for row := range d.Rows {
		same := true
		for i := row * outputs; i < (row+1)*outputs; i++ {
			same = same && math.Float32bits(got[i]) == math.Float32bits(want[i])
			d.Greatest = max(d.Greatest, math.Abs(float64(got[i])-float64(want[i])))
		}
		if !same {
			d.Differ++
		}
	}
	return d
}

// compareOwn compares with the outputs of the library that trained the engine's model, if they were kept.
func (e *engine) compareOwn(m *modelFiles, got []float32) error {
	path := m.file(e.Name + ".want")
	if !exists(path) {
		return nil
	}
	want, err := readFloats(path)
	if err != nil {
		return err
	}
	if d := differ("margins", m.Outputs, got, want[:len(got)]); d.Greatest > wrong {
		return fmt.Errorf("wrong results for its own model: %s", d)
	}
	return nil
}
