package evaluate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"threatdetect/features"
)

// ReportVersion is the version of the report's JSON form. Keys may be added to a version; none is changed or taken away.
const ReportVersion = 1

// Options say what is measured against. The zero value is good.
type Options struct {
	Threshold float32
	// AlertsPerDay is the budget of false alarms; 0 is 20.
	AlertsPerDay float64
	// Days is how long the flows were collected; 0 takes the time from the first to the last flow.
	Days float64
	// Prevalence is the share of attacks that is expected where the model will work; 0 is none, or that of Calibration.
	Prevalence float64
	// Calibrate fits a calibration to the flows; see [Calibrate]. Calibration is the one that the model's contract has, which is
	// measured if none is fitted; nil is none. Both are of scores of Objective.
	Calibrate   bool
	Calibration *features.Calibration
	Objective   string
	// Columns are the names of the columns of the rows; nil leaves them without names.
	Columns []string
	// Classes are the names of the classes that the model tells apart, the benign one first; see [Sample.Called]. Nil if there are no others.
	Classes []string
}

// Report is what a model is worth on some flows.
type Report struct {
	Version int    `json:"version"`
	Created string `json:"created"` // RFC 3339; empty unless the caller says so
	Title   string `json:"title"`
	Model   Model  `json:"model"`
	Data    Data   `json:"data"`

	Threshold Number    `json:"threshold"`
	All       *Measures `json:"all"`      // of all labelled flows
	Distinct  *Measures `json:"distinct"` // without flows whose row is equal to an earlier one
	// Unseen also leaves out rows that the model was trained on; nil if these are not known.
	Unseen    *Measures   `json:"unseen"`
	Resampled Resampled   `json:"resampled"` // how the intervals of All, Distinct and Unseen were found
	Kinds     []Kind      `json:"kinds"`     // recall of the kinds of attack at the threshold, most flows first
	Classes   *Classes    `json:"classes"`   // how kinds of attack are named; nil unless the model tells them apart
	Budget    Budget      `json:"budget"`
	Precision []Reweighed `json:"precision_at_prevalence"`
	Baselines []Baseline  `json:"baselines"` // always the same four

	Curve       []CurvePoint `json:"curve"`
	Calibration []Bin        `json:"calibration"` // ten bins; empty if scores are no probabilities
	Histogram   []Bin        `json:"histogram"`
	Calibrated  *Calibrated  `json:"calibrated"` // nil without a calibration

	Contributions *Contributions `json:"contributions"` // nil if the model cannot explain itself
	Drift         *Drift         `json:"drift"`         // nil without a reference
	Compare       *Compare       `json:"compare"`       // nil without another model
	Notes         []string       `json:"notes"`         // what to bear in mind when reading the figures
}

// Model says what was evaluated.
type Model struct {
	Name      string `json:"name"`
	Digest    string `json:"digest"`
	Set       string `json:"set"`
	Objective string `json:"objective"`
	Split     string `json:"split"` // how its training data was told from the rest, if the contract says so
}

// Data says what it was evaluated on.
type Data struct {
	Files      []string `json:"files"`
	Flows      int      `json:"flows"` // labelled ones
	Benign     int      `json:"benign"`
	Attacks    int      `json:"attacks"`
	Unlabelled int      `json:"unlabelled"`
	From       string   `json:"from"` // RFC 3339; empty if the flows have no time
	To         string   `json:"to"`
	Days       Number   `json:"days"`
	Hosts      int      `json:"hosts"`    // different source addresses
	Repeated   Number   `json:"repeated"` // share of flows whose row is equal to an earlier one
	Seen       Number   `json:"seen"`     // share of flows whose row is one that the model was trained on; NaN if not known
}

// Kind is how much of one kind of attack is found.
type Kind struct {
	Kind     string   `json:"kind"`
	Flows    int      `json:"flows"`
	Found    int      `json:"found"`
	Recall   Number   `json:"recall"`
	Interval Interval `json:"interval"` // Wilson's
}

// Reweighed is the precision where attacks are as rare as Prevalence says.
type Reweighed struct {
	Prevalence float64 `json:"prevalence"`
	Precision  Number  `json:"precision"`
	PerMillion Number  `json:"alerts_per_million"` // of flows
}

// New measures the flows of s.
func New(s *Sample, opts *Options) (*Report, error) {
	o := Options{}
	if opts != nil {
		o = *opts
	}
	if o.AlertsPerDay == 0 {
		o.AlertsPerDay = 20
	}
	if s.Len() == 0 {
		return nil, fmt.Errorf("%w: no labelled flow", ErrSample)
	}
	all := s.view(nil)
	r := &Report{Version: ReportVersion, Threshold: Number(o.Threshold), All: all.measure(o.Threshold), Notes: []string{},
		Curve: all.curve(), Histogram: all.histogram(), Calibration: []Bin{}, Kinds: s.byKind(o.Threshold)}
	r.Data = s.data(o.Days)
	r.Classes = s.classes(o.Classes)
	r.Resampled = all.bootstrap(r.All)
	distinct := s.view(func(i int) bool { return !s.repeat[i] })
	r.Distinct = distinct.measure(o.Threshold)
	distinct.bootstrap(r.Distinct)
	if s.excluded != nil {
		unseen := s.view(func(i int) bool { return !s.repeat[i] && !s.seen[i] })
		r.Unseen = unseen.measure(o.Threshold)
		if r.Unseen.Flows > 0 {
			unseen.bootstrap(r.Unseen)
		}
	}
	if r.All.Brier.Known() {
		r.Calibration = all.calibration()
	}
	r.Budget = all.budget(o.AlertsPerDay, float64(r.Data.Days), s)
	r.Precision = reweigh(r.All, o.Prevalence)
	r.Baselines = s.baselines(r.All, o.Columns)
	var err error
	if r.Calibrated, err = s.calibrated(&o); err != nil {
		return nil, err
	}
	r.note(o)
	if !slices.ContainsFunc(s.scores, func(v float32) bool { return v != 0 && v != 1 }) {
		r.Notes = append(r.Notes, "All scores are 0 or 1, verdicts without a probability: the curves have one point, and there is no other threshold to choose.")
	}
	return r, nil
}

func (s *Sample) data(days float64) Data {
	d := Data{Files: []string{}, Flows: s.Len(), Unlabelled: s.Unlabelled, Hosts: len(s.hosts), Days: Number(days), Seen: Number(math.NaN())}
	repeated, seen := 0, 0
	for i, attack := range s.attack {
		if attack {
			d.Attacks++
		}
		if s.repeat[i] {
			repeated++
		}
		if s.seen[i] {
			seen++
		}
	}
	d.Benign = d.Flows - d.Attacks
	d.Repeated = ratio(repeated, d.Flows)
	if s.excluded != nil {
		d.Seen = ratio(seen, d.Flows)
	}
	if s.timed > 0 {
		d.From, d.To = clock(s.from), clock(s.to)
	}
	if days == 0 {
		d.Days = Number(math.NaN())
		if s.timed == s.Len() && s.to > s.from {
			d.Days = Number(float64(s.to-s.from) / 86400e9)
		}
	}
	return d
}

func clock(ns int64) string { return time.Unix(0, ns).UTC().Format("2006-01-02T15:04:05Z") }

// byKind counts what is found of each kind of attack.
func (s *Sample) byKind(threshold float32) []Kind {
	kinds := make([]Kind, len(s.kinds))
	for i, attack := range s.attack {
		if !attack {
			continue
		}
		k := &kinds[s.kind[i]]
		k.Flows++
		if s.scores[i] >= threshold {
			k.Found++
		}
	}
	for i := range kinds {
		k := &kinds[i]
		k.Kind, k.Recall, k.Interval = s.kinds[i], ratio(k.Found, k.Flows), Wilson(k.Found, k.Flows)
	}
	slices.SortFunc(kinds, func(a, b Kind) int { return cmp.Or(cmp.Compare(b.Flows, a.Flows), cmp.Compare(a.Kind, b.Kind)) })
	return kinds
}

// reweigh tells the precision for shares of attacks that are nearer to a real network's than the data's.
func reweigh(m *Measures, expected float64) []Reweighed {
	var list []Reweighed
	for _, p := range []float64{expected, float64(m.Attacks) / float64(m.Flows), 0.01, 0.001, 0.0001} {
		if p <= 0 || p >= 1 || slices.ContainsFunc(list, func(w Reweighed) bool { return w.Prevalence == p }) {
			continue
		}
		found, alarms := p*float64(m.Recall), (1-p)*float64(m.FalsePositiveRate)
		list = append(list, Reweighed{p, ratio(found, found+alarms), Number(1e6 * (found + alarms))})
	}
	return list
}

// note says what to bear in mind.
func (r *Report) note(o Options) {
	add := func(format string, args ...any) { r.Notes = append(r.Notes, fmt.Sprintf(format, args...)) }
	d := &r.Data
	if d.Attacks == 0 || d.Benign == 0 {
		add("All labelled flows are of one class: neither curve nor area under it exists, and half of the confusion matrix is empty.")
	}
	if d.Unlabelled > 0 {
		add("%d flows that nobody labelled are left out: unknown is not benign.", d.Unlabelled)
	}
	if d.Repeated > 0.05 {
		add("%.1f %% of the flows have a row that is equal to an earlier one. Read the figures without repeats.", 100*d.Repeated)
	}
	switch r.Resampled.By {
	case "flows":
		add("Fewer than %d source hosts are known, so that intervals come from drawing flows. Flows of one host are alike: the intervals are too narrow.", leastHosts)
	case "hosts":
		add("Intervals hold 95 %% of %d bootstrap replicates that draw source hosts, not flows.", r.Resampled.Replicates)
	}
	if d.Benign > 0 && float64(d.Benign)*FalsePositiveRates[2] < 10 {
		add("With %d benign flows a false positive rate of 0.01 %% is %.2g flows: figures at that rate mean little.", d.Benign, float64(d.Benign)*FalsePositiveRates[2])
	}
	if share := float64(d.Attacks) / float64(d.Flows); share > 0.05 {
		add("%.1f %% of the flows are attacks, which no production network has: precision and accuracy do not carry over; see precision by prevalence.", 100*share)
	}
	r.noteCalibrated(add)
	if !r.All.Brier.Known() && r.Calibrated == nil {
		add("The scores are no probabilities, so that nothing is said about calibration.")
	}
}
