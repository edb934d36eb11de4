package evaluate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"threatdetect/features"
)

// Calibrated is what a calibration does for the probabilities of some flows.
type Calibrated struct {
	Calibration *features.Calibration `json:"calibration"`
	Method      string                `json:"method"` // "isotonic" or "platt"
	// Fitted tells that it was fitted to flows of this report, of which Attacks are attacks; otherwise it is that of the model's contract.
	Fitted  bool `json:"fitted"`
	Flows   int  `json:"flows"`
	Attacks int  `json:"attacks"`
	// HeldOut tells of one that was fitted that Before and After are of flows that a fit did not see: they are what one of the same method,
	// fitted on the earlier half of the attacks and what was before them, does on the flows from Since on; or, where time does not tell
	// two halves apart, on a random half. Text is the same in words.
	HeldOut bool   `json:"held_out"`
	Since   string `json:"since"` // RFC 3339; empty for a random half
	Text    string `json:"text"`
	// Expected is the share of attacks that the probabilities are for, and as if which were attacks the flows are counted; NaN takes the flows as they are.
	Expected Number      `json:"expected_prevalence"`
	Before   Reliability `json:"before"` // of the scores
	After    Reliability `json:"after"`  // of the probabilities
}

// Reliability says how near numbers are to probabilities. All is NaN, and there are no bins, where some are not between 0 and 1.
type Reliability struct {
	Flows            int    `json:"flows"`
	Attacks          int    `json:"attacks"`
	Brier            Number `json:"brier"`
	CalibrationError Number `json:"calibration_error"`
	Bins             []Bin  `json:"bins"`
}

// calibrated fits a calibration, or measures that of the contract. It returns nil if there is none.
func (s *Sample) calibrated(o *Options) (*Calibrated, error) {
	if !o.Calibrate {
		if o.Calibration == nil {
			return nil, nil
		}
		c := *o.Calibration
		r := &Calibrated{Calibration: &c, Method: c.Method(), Text: "Measured on all flows."}
		switch {
		case o.Prevalence != 0 && c.Prevalence == 0:
			r.Text += " It cannot be moved to another share of attacks, as the contract does not say of which share it is."
		case o.Prevalence != 0:
			c.Expected = o.Prevalence
		}
		return r, r.measure(s, &c, o.Objective, nil)
	}
	c, err := Calibrate(s.scores, s.attack, o.Objective)
	if err != nil {
		return nil, err
	}
	c.Expected = o.Prevalence
	r := &Calibrated{Calibration: c, Method: c.Method(), Fitted: true, Flows: s.Len()}
	for _, attack := range s.attack {
		if attack {
			r.Attacks++
		}
	}
	c.Fitted = fmt.Sprintf("%s on %d flows, %d of them attacks", r.Method, r.Flows, r.Attacks)
	if s.timed > 0 {
		c.Fitted += fmt.Sprintf(", %s to %s", clock(s.from), clock(s.to))
	}
	if err := c.Check(); err != nil {
		return nil, err
	}
	fitted, since, reason := s.earlier()
	r.Text = "Measured on the later half of the attacks and the benign flows among them, by a calibration that was fitted on what was before."
	if reason != "" {
		fitted = s.drawn()
		r.Text = "Measured on half of the flows, by a calibration that was fitted on the other half; the halves were drawn, which is kinder than time would be, as " + reason + "."
	}
	half, err := s.fitTo(fitted, o.Objective, r.Method == "isotonic")
	if err != nil {
		r.Text = "Measured on the flows that it was fitted on, which flatters it, as half of them is too little for a calibration."
		return r, r.measure(s, c, o.Objective, nil)
	}
	half.Expected = c.Expected
	r.HeldOut, r.Since = true, since
	return r, r.measure(s, half, o.Objective, fitted)
}

// fitTo fits a calibration to the flows that take names. There are attacks and benign flows besides them, or it is an error.
func (s *Sample) fitTo(take []bool, objective string, isotonic bool) (*features.Calibration, error) {
	var scores []float32
	var attack []bool
	var left [2]int // by class
	for i, in := range take {
		if in {
			scores, attack = append(scores, s.scores[i]), append(attack, s.attack[i])
		} else {
			left[index(s.attack[i])]++
		}
	}
	if left[0] == 0 || left[1] == 0 {
		return nil, ErrSample
	}
	return fitCalibration(scores, attack, objective, isotonic)
}

// drawn names a random half of the flows, always the same.
func (s *Sample) drawn() []bool {
	random := rand.New(rand.NewPCG(4, 5))
	take := make([]bool, s.Len())
	for i := range take {
		take[i] = random.IntN(2) == 0
	}
	return take
}

// earlier tells the flows before the later half of the attacks from those that are measured. reason says why that cannot be done.
func (s *Sample) earlier() (before []bool, since, reason string) {
	if s.timed < s.Len() {
		return nil, "", "not all flows have a time"
	}
	var attacks []int64
	for i, attack := range s.attack {
		if attack {
			attacks = append(attacks, s.start[i])
		}
	}
	slices.Sort(attacks)
	cut := attacks[len(attacks)/2]
	before = make([]bool, s.Len())
	var counts [2][2]int // by part and class
	for i, start := range s.start {
		before[i] = start < cut
		counts[index(before[i])][index(s.attack[i])]++
	}
	for _, n := range counts {
		switch {
		case n[1] == 0:
			return nil, "", "no half of the attacks is earlier than the other"
		case n[0] == 0:
			return nil, "", "one half of the attacks has no benign flows beside it"
		}
	}
	return before, clock(cut), ""
}

func index(is bool) int {
	if is {
		return 1
	}
	return 0
}

// measure fills the figures of the flows that leave does not name, by calibration c.
func (r *Calibrated) measure(s *Sample, c *features.Calibration, objective string, leave []bool) error {
	k, err := c.Calibrator(objective)
	if err != nil {
		return err
	}
	var before, after []float32
	var attack []bool
	attacks := 0
	for i, score := range s.scores {
		if leave != nil && leave[i] {
			continue
		}
		before, after, attack = append(before, score), append(after, k.Probability(score)), append(attack, s.attack[i])
		attacks += index(s.attack[i])
	}
	r.Expected = Number(math.NaN())
	weight := 1.0
	if benign := len(attack) - attacks; c.Expected != 0 && benign > 0 && attacks > 0 {
		r.Expected = Number(c.Expected)
		weight = c.Expected / (1 - c.Expected) * float64(benign) / float64(attacks)
	}
	r.Before, r.After = reliability(before, attack, attacks, weight), reliability(after, attack, attacks, weight)
	return nil
}

// reliability measures numbers, an attack counting as weight benign flows.
func reliability(p []float32, attack []bool, attacks int, weight float64) Reliability {
	nan := Number(math.NaN())
	r := Reliability{Flows: len(p), Attacks: attacks, Brier: nan, CalibrationError: nan, Bins: []Bin{}}
	if slices.ContainsFunc(p, func(x float32) bool { return !(x >= 0 && x <= 1) }) {
		return r
	}
	const n = 10
	r.Bins = make([]Bin, n)
	var weights, sums [n]float64
	brier, total := 0.0, 0.0
	for i, x := range p {
		w, y, b := 1.0, 0.0, min(int(n*float64(x)), n-1)
		if attack[i] {
			w, y = weight, 1
			r.Bins[b].Attacks++
		} else {
			r.Bins[b].Benign++
		}
		d := float64(x) - y
		brier += float64(w * float64(d*d))
		total += w
		weights[b] += w
		sums[b] += float64(w * float64(x))
	}
	shift := func(share Number) Number { return share * Number(weight) / (share*Number(weight) + 1 - share) }
	distance := 0.0
	for i := range r.Bins {
		b := &r.Bins[i]
		b.From, b.To = Number(float64(i)/n), Number(float64(i+1)/n)
		b.Score, b.Share, b.Interval = nan, nan, unknown
		if weights[i] == 0 {
			continue
		}
		b.Score, b.Share = Number(sums[i]/weights[i]), shift(ratio(b.Attacks, b.Attacks+b.Benign))
		i95 := Wilson(b.Attacks, b.Attacks+b.Benign)
		b.Interval = Interval{shift(i95.Low), shift(i95.High)}
		distance += float64(weights[i] * math.Abs(float64(b.Score-b.Share)))
	}
	r.Brier, r.CalibrationError = Number(brier/total), Number(distance/total)
	return r
}

// fewFlows is below how many flows of a class a calibration rests on little.
const fewFlows = 50

// noteCalibrated says what to bear in mind of a calibration.
func (r *Report) noteCalibrated(add func(string, ...any)) {
	c := r.Calibrated
	if c == nil {
		return
	}
	if benign := c.Flows - c.Attacks; c.Fitted && min(benign, c.Attacks) < fewFlows {
		add("The calibration rests on few flows of a class: %d attacks, %d benign.", c.Attacks, benign)
	}
	if c.Fitted && !c.HeldOut {
		add("The calibration was measured on the flows that it was fitted on, which flatters it.")
	}
	if (c.HeldOut || !c.Fitted) && c.After.Brier > c.Before.Brier {
		add("The probabilities of the calibration are no better than the scores themselves: Brier score %s in place of %s.", Short(c.After.Brier), Short(c.Before.Brier))
	}
	if c.Fitted && r.Data.Seen > 0 {
		add("%.1f %% of the flows have a row that the model was trained on: the calibration takes such flows for new ones.", 100*r.Data.Seen)
	}
}

// About is a calibration in a line.
func (c *Calibrated) About() string {
	text := "isotonic, " + fmt.Sprint(len(c.Calibration.Points)) + " points"
	if c.Method == "platt" {
		text = fmt.Sprintf("Platt's, a %.4g, b %.4g", float64(*c.Calibration.A), float64(*c.Calibration.B))
	}
	if c.Fitted {
		text += fmt.Sprintf(", fitted on %d flows, %d of them attacks", c.Flows, c.Attacks)
	} else {
		text += ", of the contract"
	}
	if p := c.Calibration.Prevalence; p != 0 {
		text += fmt.Sprintf("; %.3g %% attacks where it was fitted", 100*p)
	}
	if c.Expected.Known() {
		text += fmt.Sprintf(", %.3g %% expected", 100*float64(c.Expected))
	}
	return text
}
