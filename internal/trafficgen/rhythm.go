package trafficgen

// rhythm is how the frequency of a habit depends on the time.
type rhythm uint8

const (
	always rhythm = iota
	office        // people at work
	nights        // jobs that keep out of people's way
	numRhythms
)

// Activity at the full hours, in UTC; between them it runs in straight lines.
var (
	officeDay = [25]float64{
		.02, .02, .02, .02, .02, .04, .12, .45, .85, 1, 1, 1, .75,
		.9, 1, 1, .95, .7, .35, .22, .18, .14, .08, .04, .02,
	}
	officeWeekend = [25]float64{
		.02, .01, .01, .01, .01, .01, .02, .03, .05, .07, .08, .08, .07,
		.07, .08, .08, .07, .06, .05, .05, .05, .04, .03, .02, .02,
	}
	nightDay = [25]float64{
		1, 1, 1, 1, .6, .2, .06, .05, .05, .05, .05, .05, .08,
		.06, .05, .05, .05, .05, .08, .1, .2, .5, 1, 1, 1,
	}
)

// at returns the activity at t (microseconds since the epoch), in (0, 1].
func (r rhythm) at(t int64) float64 {
	if r == always {
		return 1
	}
	date := t / day
	table := &officeDay
	switch {
	case r == nights:
		table = &nightDay
	case weekend(date):
		table = &officeWeekend
	}
	in := t - date*day
	h := in / hour
	part := float64(in-h*hour) / float64(hour)
	return table[h] + float64(part*(table[h+1]-table[h]))
}

// weekend reports whether a day, counted from 1970-01-01 (a Thursday), is a
// Saturday or a Sunday.
func weekend(date int64) bool {
	d := (date + 4) % 7
	return d == 6 || d == 0
}

// expected estimates the benign records of the site between two times at pace 1.
func (g *Generator) expected(from, to int64) float64 {
	const grain = hour / 4
	total := 0.0
	for t := from; t < to; t += grain {
		perHour := 0.0
		for r, rate := range g.rates {
			perHour += float64(rate * rhythm(r).at(t))
		}
		total += perHour * float64(min(grain, to-t)) / float64(hour)
	}
	return total
}

// measure sums up the records per hour of all habits, by rhythm.
func (g *Generator) measure() {
	for i := range habits {
		h := &habits[i]
		g.site.each(h, func(host *host) {
			g.rates[h.rhythm] += h.flows * float64(hour) / float64(h.interval(host))
		})
	}
}

// timeFor estimates how long the site needs for so many benign records, in
// microseconds.
func (g *Generator) timeFor(records float64) int64 {
	week := g.expected(g.start, g.start+7*day)
	weeks := int64(records / week)
	left := records - float64(float64(weeks)*week)
	t := g.start
	for left > 0 {
		part := g.expected(t, t+hour/4)
		if part > left {
			t += int64(left / part * float64(hour/4))
			break
		}
		left -= part
		t += hour / 4
	}
	return max(weeks*7*day+t-g.start, minute)
}
