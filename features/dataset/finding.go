package dataset

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// From when on a finding is made.
const (
	settlesAlarm    = 0.2  // share of a class that one value settles
	separatesAlarm  = 0.95 // area under the curve of one column
	codeValues      = 32   // different values of what is taken for a code
	codeAUC         = 0.75
	constantShare   = 0.995 // of rows with the same value
	idShare         = 0.8   // of the rows outside the most frequent value have one of their own
	orderShare      = 0.99
	duplicatesAlarm = 0.2
	duplicatesFind  = 0.01
	attackShift     = 0.2 // difference of the share of attacks between parts
	fewHosts        = 3
	mostSeparating  = 6   // columns that are told of one by one
	leastRows       = 100 // below that no column is judged
)

// known are columns that public data sets are known to give the label away by, or that mean nothing.
var known = map[string]string{
	"sttl":                "the time to live of the testbed's attack tool differs from that of its normal traffic",
	"dttl":                "it shows the network depth of the testbed, not an attack",
	"ct_state_ttl":        "it is a code of state, sttl and dttl, and shows the network depth of the testbed",
	"stcpb":               "a random number: where TCP began to count",
	"dtcpb":               "a random number: where TCP began to count",
	"seed_is_common_port": "it compares a count of connections with the port numbers 80, 443 and 22; is_common_port of flow-portable/1 looks at the port",
}

// find lists what a person should look at.
func (c *collector) find(r *Report, unsw bool) []Finding {
	var list []Finding
	add := func(s Severity, kind string, columns []string, format string, args ...any) {
		list = append(list, Finding{s, kind, slices.Clip(columns), fmt.Sprintf(format, args...)})
	}
	c.findColumns(r, unsw, add)
	d := &r.Duplicates
	for _, p := range []struct {
		name  string
		share float64
	}{{"test", d.TestInTrain}, {"validation", d.ValidationInTrain}} {
		if p.share >= duplicatesFind {
			s := Warning
			if p.share >= duplicatesAlarm {
				s = Alarm
			}
			add(s, FindDuplicates, []string{}, "%s of the %s rows are equal to a training row: figures measured on them say how well the model remembers; split by group, or evaluate without repeated rows",
				percent(p.share), p.name)
		}
	}
	if d.BothLabels > 0 {
		add(Note, FindConflict, []string{}, "%d different rows occur both as benign and as attack: nothing can tell these apart", d.BothLabels)
	}
	c.findParts(r, add)
	if r.Split.By == Random {
		add(Warning, FindRandom, []string{}, "the split is random: figures measured on the test part are an upper bound, and usually far too good")
	}
	rank := map[Severity]int{Alarm: 0, Warning: 1, Note: 2}
	slices.SortStableFunc(list, func(a, b Finding) int { return rank[a.Severity] - rank[b.Severity] })
	return list
}

type finder = func(s Severity, kind string, columns []string, format string, args ...any)

func (c *collector) findColumns(r *Report, unsw bool, add finder) {
	var constant, almost, oneHot, empty, separating []string
	var strong []*Column
	for i, stats := range c.columns {
		col := &r.Columns[i]
		name := []string{col.Name}
		if why := known[col.Name]; why != "" && unsw {
			add(Warning, FindKnown, name, "%s: %s", quote(col.Name), why)
		}
		switch {
		case stats.rows() < leastRows:
			continue
		case stats.seen == 0:
			empty = append(empty, col.Name)
			continue
		case col.Distinct == 1 && col.Missing == 0:
			if isOneHot(col.Name) {
				oneHot = append(oneHot, col.Name)
			} else {
				constant = append(constant, col.Name)
			}
			continue
		case float64(max(stats.mode(), stats.missing.total())) >= constantShare*float64(stats.rows()) && !isOneHot(col.Name):
			almost = append(almost, col.Name)
		}
		switch {
		case col.strength() > 0:
			strong = append(strong, col)
		case col.AUC != nil && *col.AUC >= codeAUC && col.Distinct > 2 && col.Distinct <= codeValues && stats.integer:
			add(Warning, FindCode, name, "%s: %d different values alone give an AUC of %.3f: what is it a code of?", quote(col.Name), col.Distinct, *col.AUC)
		}
		c.findNames(stats, col, add)
	}
	slices.SortStableFunc(strong, func(a, b *Column) int { return cmp.Compare(b.strength(), a.strength()) })
	for i, col := range strong {
		if i < mostSeparating {
			addSeparates(col, add)
		} else {
			separating = append(separating, col.Name)
		}
	}
	if len(separating) > 0 {
		add(Alarm, FindSeparates, separating, "so do, less strongly: %s", listed(separating))
	}
	if len(constant) > 0 {
		add(Warning, FindConstant, constant, "the same value in every row, so that nothing can be learned from it: %s", listed(constant))
	}
	if len(almost) > 0 {
		add(Warning, FindConstant, almost, "the same value in nearly every row (%s or more): %s", percent(constantShare), listed(almost))
	}
	if len(oneHot) > 0 {
		add(Note, FindConstant, oneHot, "values that all rows have, or none: %s", listed(oneHot))
	}
	if len(empty) > 0 {
		add(Warning, FindMissing, empty, "missing in every row: %s", listed(empty))
	}
}

// isOneHot reports whether a column says if a category has a certain value: most of these are rare, which means nothing.
func isOneHot(name string) bool {
	for _, prefix := range []string{"proto_", "service_", "state_"} { // of the seed sets
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return strings.Contains(name, "=")
}

// strength is how much a column gives the class away, and 0 for one that is no cause for alarm. Columns with a value that
// settles a class come first.
func (c *Column) strength() float64 {
	switch {
	case c.Settles >= settlesAlarm:
		return 1 + c.Settles
	case c.AUC != nil && *c.AUC >= separatesAlarm:
		return *c.AUC
	}
	return 0
}

// addSeparates tells of a column that gives the class away.
func addSeparates(col *Column, add finder) {
	name := []string{col.Name}
	if col.Settles < settlesAlarm {
		add(Alarm, FindSeparates, name, "%s alone ranks attacks above benign flows with an AUC of %.3f: does it show the threat, or how the data was made?", quote(col.Name), *col.AUC)
		return
	}
	value := "a missing value"
	if col.Value != nil {
		value = "the value " + strconv.FormatFloat(float64(*col.Value), 'g', -1, 32)
	}
	other := classNames[1]
	if col.Class == other {
		other = classNames[0]
	}
	add(Alarm, FindSeparates, name, "%s: %s covers %s of the %s rows and (almost) no %s row: does the column show the threat, or how the data was made?",
		quote(col.Name), value, percent(col.Settles), col.Class, other)
}

// findNames looks for a column that names rows, or tells their order.
func (c *collector) findNames(stats *columnStats, col *Column, add finder) {
	name := []string{col.Name}
	other := stats.seen - stats.mode()
	if stats.integer && col.Distinct > leastRows && float64(col.Distinct-1) >= idShare*float64(other) && other >= leastRows {
		add(Warning, FindID, name, "%s: %d different whole numbers in %d rows: it names rows instead of describing them", quote(col.Name), col.Distinct, stats.seen)
	}
	if changes := stats.rises + stats.falls; changes >= leastRows && 2*changes >= stats.seen &&
		float64(max(stats.rises, stats.falls)) >= orderShare*float64(changes) {
		add(Warning, FindOrder, name, "%s: it goes one way with the order of the rows: it tells when a row was written", quote(col.Name))
	}
}

// findParts compares the parts.
func (c *collector) findParts(r *Report, add finder) {
	share := func(p *PartReport) float64 { return float64(p.Attacks) / float64(max(p.Rows, 1)) }
	train := &r.Parts[Train]
	for i := range r.Parts[1:] {
		p := &r.Parts[i+1]
		switch {
		case r.Split.Shares[i+1] == 0:
		case p.Rows == 0:
			add(Warning, FindClasses, []string{}, "the %s part is empty", p.Part)
		case p.Benign == 0, p.Attacks == 0:
			lacks := classNames[1]
			if p.Benign == 0 {
				lacks = classNames[0]
			}
			add(Warning, FindClasses, []string{}, "the %s part has no %s row, so that little can be measured on it", p.Part, lacks)
		case share(p)-share(train) > attackShift, share(train)-share(p) > attackShift:
			add(Note, FindClasses, []string{}, "%s of the %s rows are attacks, of the training rows %s", percent(share(p)), p.Part, percent(share(train)))
		}
	}
	if n := len(c.attackers); n > 0 && n <= fewHosts && r.Attacks >= leastRows {
		add(Note, FindHosts, []string{}, "all attacks come from %d source address(es): a model may learn the habits of a host instead of the attack", n)
	}
	var unseen, untested []string
	for _, k := range r.Kinds {
		if k.Train == 0 && k.Test > 0 {
			unseen = append(unseen, k.Kind)
		}
		if k.Train > 0 && k.Test == 0 {
			untested = append(untested, k.Kind)
		}
	}
	if len(unseen) > 0 {
		add(Note, FindKinds, []string{}, "kinds of attack in the test part that training does not have: %s", listed(unseen))
	}
	if len(untested) > 0 {
		add(Note, FindKinds, []string{}, "kinds of attack in training that the test part does not have: %s", listed(untested))
	}
}

func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

// maxListed is how many names a finding spells out.
const maxListed = 12

func listed(names []string) string {
	var b strings.Builder
	for i, name := range names {
		if i == maxListed {
			fmt.Fprintf(&b, " and %d more", len(names)-maxListed)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(quote(name))
	}
	return b.String()
}

// quote returns a name as it is if it is made of plain characters, and quoted otherwise: names may come from logs.
func quote(name string) string {
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return strconv.QuoteToASCII(name[:min(len(name), 128)])
		}
	}
	if name == "" {
		return `""`
	}
	return name[:min(len(name), 128)]
}
