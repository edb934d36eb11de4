package detect

import (
	"fmt"
	"math"
	"strings"

	"threatdetect/features"
	"threatdetect/features/auto"
	"threatdetect/inference"
	"threatdetect/model"
)

// CheckGolden reads the golden records of a contract, makes their rows and scores them with the model. Every number must
// have the bits that the contract holds; the first that has not is reported as an error that answers errors.Is for
// features.ErrContract. It is how a program proves, on its own machine, that nothing between log and score has drifted.
func CheckGolden(b *model.Booster, c *features.Contract) error {
	p, err := inference.New(b, nil)
	if err != nil {
		return err
	}
	return checkGolden(b, c, p, nil)
}

// checkGolden is CheckGolden with a predictor of the model that is there already.
func checkGolden(b *model.Booster, c *features.Contract, p *inference.Predictor, pauser model.Pauser) error {
	check, err := newGoldenCheck(b, c, p, pauser)
	if err != nil {
		return err
	}
	for i := range c.Golden {
		if pauser != nil {
			pauser.Pause()
		}
		if err := check.record(&c.Golden[i]); err != nil {
			return fmt.Errorf("%w: golden[%d]: %w", features.ErrContract, i, err)
		}
	}
	return nil
}

type goldenCheck struct {
	contract   *features.Contract
	pipeline   *features.Pipeline
	predictors []*inference.Predictor // of the score and the margin
	row        []float32
}

// newGoldenCheck prepares what makes rows and scores of golden records; p is the predictor of the scores.
func newGoldenCheck(b *model.Booster, c *features.Contract, p *inference.Predictor, pauser model.Pauser) (*goldenCheck, error) {
	pipeline, err := c.Pipeline()
	if err != nil {
		return nil, err
	}
	check := &goldenCheck{contract: c, pipeline: pipeline}
	if b.NumGroup() == 1 { // golden scores are those of one output
		margins, err := inference.New(b, &inference.Options{Output: inference.Margin, Pauser: pauser})
		if err != nil {
			return nil, err
		}
		check.predictors = []*inference.Predictor{p, margins}
	}
	return check, nil
}

// GoldenRows makes the rows of the golden records of a contract, one after the other, as its set makes them now.
func GoldenRows(c *features.Contract) ([]float32, error) {
	pipeline, err := c.Pipeline()
	if err != nil {
		return nil, err
	}
	check := goldenCheck{contract: c, pipeline: pipeline}
	var rows []float32
	for i := range c.Golden {
		if err := check.read(&c.Golden[i]); err != nil {
			return nil, fmt.Errorf("%w: golden[%d]: %w", features.ErrContract, i, err)
		}
		rows = append(rows, check.row...)
	}
	return rows, nil
}

// smallState is memory enough for the few flows of a golden record, and not taken long.
var smallState = features.StateOptions{Budget: features.MinBudget}

// read makes the row of a golden record: of its log's only flow or, where the set remembers flows, of the last of them that
// comes out.
func (c *goldenCheck) read(g *features.Golden) error {
	rows := 0
	for row, err := range c.pipeline.ExtractorWith(&smallState).Rows(auto.Read(strings.NewReader(g.Log), nil)) {
		if err != nil {
			return err
		}
		c.row = append(c.row[:0], row.Values...)
		rows++
	}
	if rows == 0 || rows > 1 && !c.pipeline.Stateful() {
		return fmt.Errorf("its log holds %d records, want 1", rows)
	}
	return nil
}

func (c *goldenCheck) record(g *features.Golden) error {
	if err := c.read(g); err != nil {
		return err
	}
	for k, want := range g.Row {
		name := c.contract.Columns[k].Name
		switch got := c.row[k]; {
		case want == nil && got == got:
			return fmt.Errorf("column %q is %v, want missing", name, got)
		case want != nil && math.Float32bits(got) != math.Float32bits(*want):
			return fmt.Errorf("column %q is %v, want %v", name, got, *want)
		}
	}
	for i, p := range c.predictors {
		var got [1]float32
		if err := p.Predict(got[:], c.row); err != nil {
			return err
		}
		what, want := [...]string{"score", "margin"}[i], [...]float32{g.Score, g.Margin}[i]
		if math.Float32bits(got[0]) != math.Float32bits(want) {
			return fmt.Errorf("%s is %v, want %v", what, got[0], want)
		}
	}
	return nil
}
