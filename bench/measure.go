package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// batchSizes are the rows of one call.
var batchSizes = []int{1, 16, 64, 256, 1000, 4096, 100_000}

const (
	// slowCall is how long a call may take and still be repeated in every round, and verySlowCall how long to be made at all.
	slowCall, verySlowCall = 2 * time.Second, 8 * time.Second

	// checkedRows are the rows whose outputs are compared with XGBoost's; of ours, all are.
	checkedRows, allRows = 20_000, 100_000
)

// result is what was found out about one engine and one model.
type result struct {
	Version    string
	Failed     string            `json:",omitempty"` // why there is nothing else
	Difference *difference       `json:",omitempty"` // from XGBoost's outputs; nil for models of the engine's own
	NS         map[int][]float64 `json:",omitempty"` // processor time per row in each round, by batch size
	Call       []float64         `json:",omitempty"` // processor time of a call with a model of a single split in each round
}

// results is a whole run.
type results struct {
	Machine      machine
	Commit       string // of the repository
	Began, Ended time.Time
	Rounds       int
	Sample       time.Duration
	Engines      []string // in the order of the tables
	Models       []string
	By           map[string]map[string]*result // by model and engine
	Own          map[string]*ownFigures        // by model
}

// measure runs everything. A peer that fails is a result, too.
func (r *run) measure(specs []modelSpec, chosen []*engine, sizes []int) (*results, error) {
	res := &results{Machine: describeMachine(), Commit: firstLine("git", "rev-parse", "--short", "HEAD"), Began: time.Now().UTC(), Rounds: r.rounds, Sample: r.sample,
		By: map[string]map[string]*result{}, Own: map[string]*ownFigures{}}
	for _, e := range chosen {
		res.Engines = append(res.Engines, e.Name)
	}
	files, err := r.makeModels(append([]modelSpec{callModel}, specs...))
	if err != nil {
		return nil, err
	}
	for _, m := range files[1:] {
		res.Models = append(res.Models, m.Name)
		if res.By[m.Name], err = r.measureModel(m, files[0], chosen, sizes); err != nil {
			return nil, err
		}
		if res.Own[m.Name], err = r.own(m); err != nil {
			return nil, err
		}
	}
	res.Ended = time.Now().UTC()
	return res, nil
}

// measureModel starts all engines with one model, compares what they predict, and times them in turn, and those whose calls cost something
// with the model of a single split, too.
func (r *run) measureModel(m, one *modelFiles, chosen []*engine, sizes []int) (map[string]*result, error) {
	by := map[string]*result{}
	workers, callers := map[string]*worker{}, map[string]*worker{}
	defer func() {
		for _, all := range []map[string]*worker{workers, callers} {
			for _, w := range all {
				w.stop()
			}
		}
	}()
	chosen = slices.DeleteFunc(slices.Clone(chosen), func(e *engine) bool { return e.only != "" && e.only != m.Name })
	for _, e := range chosen {
		res := &result{NS: map[int][]float64{}}
		by[e.Name] = res
		w, err := r.startEngine(e, m, res)
		if err != nil {
			r.logf("%s, %s: %v", m.Name, e.Name, err)
			res.Failed = strings.ReplaceAll(err.Error(), r.work, "WORK")
			if errors.Is(err, errOurs) {
				return nil, fmt.Errorf("model %s: %s: %w", m.Name, e.Name, err)
			}
			continue
		}
		workers[e.Name] = w
		if e.costlyCall() && r.rounds > 0 {
			if callers[e.Name], err = r.startEngine(e, one, &result{}); err != nil {
				return nil, fmt.Errorf("%s with one tree: %w", e.Name, err)
			}
		}
	}
	order := slices.Clone(chosen)
	for round := range r.rounds {
		r.logf("model %s, round %d of %d", m.Name, round+1, r.rounds)
		for _, e := range order {
			if w := callers[e.Name]; w != nil {
				ns, err := w.time(1, r.sample)
				if err != nil {
					return nil, fmt.Errorf("%s with one tree: %w", e.Name, err)
				}
				by[e.Name].Call = append(by[e.Name].Call, ns)
			}
		}
		for _, size := range sizes {
			for _, e := range order {
				w, res := workers[e.Name], by[e.Name]
				if w == nil || tooSlow(res.NS, size) {
					continue
				}
				ns, err := w.time(size, r.sample)
				if err != nil {
					r.logf("%s, %s, batches of %d: %v", m.Name, e.Name, size, err)
					res.Failed = strings.ReplaceAll(err.Error(), r.work, "WORK")
					w.stop()
					delete(workers, e.Name)
					continue
				}
				if ns > 0 { // else the engine does not do this size
					res.NS[size] = append(res.NS[size], ns)
				}
			}
		}
		slices.Reverse(order)
	}
	return by, nil
}

// tooSlow reports whether a call of this size is not to be made, or not again, going by this or the next smaller size.
func tooSlow(ns map[int][]float64, size int) bool {
	if had := ns[size]; len(had) > 0 {
		return had[0]*float64(size) > float64(slowCall)
	}
	if i := slices.Index(batchSizes, size); i > 0 {
		if smaller := ns[batchSizes[i-1]]; len(smaller) > 0 {
			return smaller[0]*float64(size) > float64(verySlowCall)
		}
	}
	return false
}

// startEngine makes an engine ready and fills in how its outputs compare.
func (r *run) startEngine(e *engine, m *modelFiles, res *result) (*worker, error) {
	argv, err := e.command(r, m)
	if err != nil {
		return nil, err
	}
	w, err := startWorker(r.cpu, argv)
	if err != nil {
		return nil, err
	}
	res.Version = w.Version
	if res.Version == "" {
		res.Version = e.pinned()
	}
	rows := checkedRows
	if e.Ours {
		rows = allRows
	}
	got, err := w.check(rows, filepath.Join(r.work, "check.f32"))
	if err == nil {
		res.Difference, err = compare(m, e, got)
	}
	if err != nil {
		w.stop()
		return nil, err
	}
	return w, nil
}

func (res *results) save(path string) error {
	text, err := json.MarshalIndent(res, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}

func openResults(path string) (*results, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	res := &results{}
	return res, json.Unmarshal(text, res)
}

// ns is the median processor time per row of an engine, and 0 if there is none.
func (res *results) ns(model, engine string, size int) float64 {
	if r := res.By[model][engine]; r != nil {
		return median(slices.Clone(r.NS[size]))
	}
	return 0
}

// call is the median processor time of a call by an engine, and 0 if it was not measured.
func (res *results) call(model, engine string) float64 {
	if r := res.By[model][engine]; r != nil {
		return median(slices.Clone(r.Call))
	}
	return 0
}

// ratio is the median over rounds of one engine's time over another's; 0 if one of them was not measured.
func (res *results) ratio(model, slow, fast string, size int) float64 {
	return median(res.ratios(model, slow, fast, size))
}

// ratios are one engine's times over another's in each round; none if one of them was not measured.
func (res *results) ratios(model, slow, fast string, size int) (ratios []float64) {
	a, b := res.By[model][slow], res.By[model][fast]
	if a == nil || b == nil {
		return nil
	}
	for i := range min(len(a.NS[size]), len(b.NS[size])) {
		ratios = append(ratios, a.NS[size][i]/b.NS[size][i])
	}
	return ratios
}
