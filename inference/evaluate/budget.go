package evaluate

import (
	"math"
)

// Budget is the threshold that keeps false alarms within what people can read.
type Budget struct {
	PerDay float64 `json:"per_day"` // false alarms that are allowed a day
	Days   Number  `json:"days"`    // of the data; NaN if it is not known, and then so is the rest
	// Allowed is how many false alarms that makes in the data. Below 1 the data is too short to find the threshold.
	Allowed     Number `json:"allowed"`
	Threshold   Number `json:"threshold"` // the lowest that keeps the budget
	FalseAlarms int    `json:"false_alarms"`
	Recall      Number `json:"recall"`
	// HostHours counts different pairs of a source host and an hour with an alert, true or false: what is left to read if
	// alerts are gathered by host and hour. 0 if flows have no addresses or times.
	HostHours int    `json:"host_hours"`
	Alerts    int    `json:"alerts"`
	Text      string `json:"text"` // the same in words
}

// budget finds the lowest threshold that leaves at most perDay false alarms a day.
func (v *view) budget(perDay, days float64, s *Sample) Budget {
	nan := Number(math.NaN())
	b := Budget{PerDay: perDay, Days: Number(days), Allowed: nan, Threshold: nan, Recall: nan}
	if days != days {
		b.Text = "Not all flows have a time, so that a day is not known; say how many days they are."
		if s.timed == s.Len() {
			b.Text = "All flows are of one moment, so that a day is not known; say how many days they are."
		}
		return b
	}
	b.Allowed = Number(perDay * days)
	allowed := int(min(perDay*days, math.MaxInt32))
	_, attacks := v.classes()
	type pair struct {
		host int32
		hour int64
	}
	readers, pending := make(map[pair]bool), []pair{}
	found, alarms := 0, 0
	for start := 0; start < len(v.order); {
		score := s.scores[v.order[start]]
		pending = pending[:0]
		for ; start < len(v.order) && s.scores[v.order[start]] == score; start++ {
			i := v.order[start]
			if s.attack[i] {
				found++
			} else {
				alarms++
			}
			pending = append(pending, pair{s.host[i], s.start[i] / 3600e9})
		}
		if alarms > allowed {
			break
		}
		b.Threshold, b.FalseAlarms, b.Alerts = Number(score), alarms, found+alarms
		b.Recall = ratio(found, attacks)
		for _, p := range pending {
			readers[p] = true
		}
	}
	if len(s.hosts) > 0 && s.timed == s.Len() {
		b.HostHours = len(readers)
	}
	switch {
	case !b.Threshold.Known():
		b.Text, b.Recall = "No score keeps the budget: too many benign flows have the highest.", 0
		if b.Allowed < 1 {
			b.Text = "The data is too short for this budget: it stands for less than one false alarm, and the highest score is that of a benign flow."
		}
	case b.Allowed < 1:
		b.Text = "The data is too short for this budget: it stands for less than one false alarm. The threshold is the one without any."
	default:
		b.Text = "The lowest threshold that keeps the budget."
	}
	return b
}
