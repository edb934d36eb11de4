package evaluate

import (
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

const (
	replicates  = 500
	leastHosts  = 10      // from which on hosts are drawn instead of flows
	bootstraps  = 1 << 26 // flows that all replicates together look at, so that large logs take seconds and not hours
	leastDrawn  = 40
	confidence  = 0.95
	bootstrapID = 11 // seed
)

// Resampled says how intervals were found.
type Resampled struct {
	By         string `json:"by"` // hosts, flows, or nothing
	Hosts      int    `json:"hosts"`
	Replicates int    `json:"replicates"`
}

// bootstrap fills the intervals of m. Flows of one host depend on each other, so hosts are drawn and not flows: each
// host counts as often as a Poisson number of mean 1 says. Where there are too few hosts flows are drawn, and the
// intervals are too narrow, which Resampled says.
func (v *view) bootstrap(m *Measures) Resampled {
	r := Resampled{By: "hosts", Hosts: len(v.s.hosts)}
	if r.Hosts < leastHosts || slices.Contains(v.s.host, -1) {
		r.By = "flows"
	}
	if m.Attacks == 0 || m.Benign == 0 {
		return Resampled{By: "nothing", Hosts: r.Hosts}
	}
	r.Replicates = min(replicates, max(leastDrawn, bootstraps/len(v.order)))
	var auc, ap []float64
	var recall [len(FalsePositiveRates)][]float64
	v.resample(r, func(weight func(int32) float64) {
		a := v.areas(weight)
		if a.auc != a.auc {
			return // no attack, or nothing but attacks, was drawn
		}
		auc, ap = append(auc, a.auc), append(ap, a.ap)
		for k := range recall {
			recall[k] = append(recall[k], a.recall[k])
		}
	})
	m.AUCInterval, m.APInterval = interval(auc), interval(ap)
	for k := range recall {
		m.RecallAt[k].Interval = interval(recall[k])
	}
	return r
}

// resample calls f with the weights of each replicate. The same sample gives the same weights.
func (v *view) resample(r Resampled, f func(weight func(int32) float64)) {
	poisson := distuv.Poisson{Lambda: 1, Src: rand.NewPCG(bootstrapID, bootstrapID)}
	n := r.Hosts + 1 // and one for the hosts beyond the limit
	if r.By == "flows" {
		n = len(v.s.scores)
	}
	weights := make([]float64, n)
	weight := func(i int32) float64 { return weights[i] }
	if r.By == "hosts" {
		weight = func(i int32) float64 { return weights[min(int(v.s.host[i]), n-1)] }
	}
	for range r.Replicates {
		for i := range weights {
			weights[i] = poisson.Rand()
		}
		f(weight)
	}
}

// interval is the middle of what the replicates gave.
func interval(values []float64) Interval {
	if len(values) < leastDrawn/2 {
		return unknown
	}
	slices.Sort(values)
	at := func(p float64) Number { return Number(stat.Quantile(p, stat.LinInterp, values, nil)) }
	return Interval{at((1 - confidence) / 2), at((1 + confidence) / 2)}
}
