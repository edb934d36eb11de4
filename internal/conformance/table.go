package main

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// formats in the order of the table.
var formats = []string{"legacy", "JSON", "UBJSON", "raw buffer", "snapshot", "pickle", "wrapper pickle", "wrapper file", "container", "k-fold"}

// containers are the image tags of SageMaker's container with the release that is inside, or the nearest of the table.
var containers = []struct{ tag, release, how string }{
	{"0.72", "0.72.1", "`pickle.dump`, protocol 3"},
	{"0.90-1, 0.90-2", "0.90", "`pickle.dump`, protocol 3"},
	{"1.0-1", "1.0.2", "`pickle.dump`, protocol 3"},
	{"1.2-1, 1.2-2", "1.2.1", "`pickle.dump`, protocol 4"},
	{"1.3-1", "1.3.3", "`save_model`, no extension"},
	{"1.5-1", "1.5.2", "`save_model`, no extension"},
	{"1.7-1", "1.7.6", "`save_model`, no extension"},
	{"3.0-5", "3.0.5", "`save_model`, no extension"},
	{"after 3.0-5", "3.2.0", "`save_model`, no extension"},
}

const maxFindings = 40

var (
	digits = regexp.MustCompile(`[0-9]+`)
	ranges = regexp.MustCompile(` (of rounds \d+ to \d+|with a base margin|as a container)`)
	source = regexp.MustCompile(` from .*`)
)

// markdown is the whole page.
func markdown(reports []*report, now time.Time) string {
	var b strings.Builder
	var sum counts
	trained := 0
	for _, r := range reports {
		sum.add(r.total())
		trained += len(r.release.Cases)
	}
	first := reports[0].release
	fmt.Fprintf(&b, `# Conformance

What real XGBoost releases predict, and what this module predicts with the models that they wrote. This page is made by
`+"`make conformance`"+`, which trains, saves and predicts with every release and then compares; do not edit it.

Made on %s with %d releases (Python %s, NumPy %s, %s, %s), seed %d.

- **%s models** were read: %s boosters, each saved in every way that its release has.
- **%s numbers** were compared, **%s of them differ**.
- **%s questions** that the release answers **are refused** here.

`, now.Format(time.DateOnly), len(reports), first.Python, first.Numpy, first.Libc, first.Machine, first.Seed,
		thousands(sum.models), thousands(trained), thousands(sum.numbers), thousands(sum.differing), thousands(sum.refused))

	b.WriteString(`A number is a float32 and differs if any bit does; only NaN equals every NaN. The one exception are exact contributions and
interactions of 3.3 and later, marked ≈: these releases compute them by a quadrature, and a number differs if it is
further away than 1e-5 of the sum of the row's absolute contributions.`)
	if sum.bounded {
		fmt.Fprintf(&b, " The furthest was %.1e away.", sum.farthest)
	}
	b.WriteString(`

The rows hold missing values, the thresholds of the model and their neighbours one ulp away, zeros of both signs, subnormal
and huge numbers, infinities where the release takes them, and for categorical columns also what is no category. Each
output is asked for as it is and with a base margin for each row; some models also for ranges of rounds. Numbers are scored
in a batch and row by row. A dash means that the release has no such output, or refuses it. Files of releases before 1.0 do
not say which release wrote them; these are told it.

`)

	b.WriteString("## By release\n\n")
	tableHead(&b, "XGBoost", "models")
	for _, r := range reports {
		cells := map[string]*counts{}
		models := 0
		for at, more := range r.cells {
			models += r.models[at]
			addCells(cells, more)
		}
		tableRow(&b, cells, r.release.since(3, 3), r.release.XGBoost, thousands(models))
	}

	b.WriteString("\n## By objective\n\nAll releases, formats and boosters together; `default` is training with an objective of one's own.\n\n")
	tableHead(&b, "objective", "releases", "models")
	byObjective(&b, reports)

	b.WriteString("\n## SageMaker's containers\n\nEach container's own way of saving, in `model.tar.gz`, and cross-validation's archives of several models, averaged or " +
		"voted as the container does. Where the container limits the rounds to the best ones, these are compared.\n\n")
	b.WriteString("| image | XGBoost | saved by | models | numbers | differing | k-fold archives | numbers | differing |\n" +
		"| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, c := range containers {
		for _, r := range reports {
			if r.release.XGBoost != c.release {
				continue
			}
			fmt.Fprintf(&b, "| %s | %s | %s |", c.tag, c.release, c.how)
			for _, format := range []string{"container", "k-fold"} {
				n := r.format(format)
				if n.models == 0 {
					b.WriteString(" – | – | – |")
					continue
				}
				fmt.Fprintf(&b, " %s | %s | %s |", thousands(n.models), thousands(n.numbers), bad(n))
			}
			b.WriteString("\n")
		}
	}

	b.WriteString("\n## Everything\n\n" +
		"Legacy is the binary form; raw buffer is what `save_raw` returns, snapshot what a pickle holds. Pickles are of protocols 0 to 5.\n\n")
	tableHead(&b, "XGBoost", "format", "booster", "models")
	for _, r := range reports {
		for _, format := range formats {
			for _, booster := range []string{"gbtree", "dart", "gblinear"} {
				cells := map[string]*counts{}
				models := 0
				for at, more := range r.cells {
					if at.format == format && at.booster == booster {
						models += r.models[at]
						addCells(cells, more)
					}
				}
				if models > 0 {
					tableRow(&b, cells, r.release.since(3, 3), r.release.XGBoost, format, booster, thousands(models))
				}
			}
		}
	}

	findings(&b, reports)
	refusals(&b, reports)
	return b.String()
}

// format sums the cells of one format.
func (r *report) format(name string) counts {
	var sum counts
	for at, cells := range r.cells {
		if at.format == name {
			sum.models += r.models[at]
			for _, c := range cells {
				sum.add(*c)
			}
		}
	}
	return sum
}

func addCells(cells, more map[string]*counts) {
	for output, c := range more {
		if cells[output] == nil {
			cells[output] = &counts{}
		}
		cells[output].add(*c)
	}
}

// tableHead writes the head of a table whose last columns are the outputs.
func tableHead(b *strings.Builder, columns ...string) {
	fmt.Fprintf(b, "| %s | %s | differing |\n|", strings.Join(columns, " | "), strings.Join(outputs, " | "))
	for _, c := range columns {
		b.WriteString(map[bool]string{true: " ---: |", false: " --- |"}[c == "models"])
	}
	b.WriteString(strings.Repeat(" ---: |", len(outputs)+1) + "\n")
}

// tableRow writes a row of it: how many numbers were compared, and what was not right.
func tableRow(b *strings.Builder, cells map[string]*counts, quadrature bool, columns ...string) {
	fmt.Fprintf(b, "| %s |", strings.Join(columns, " | "))
	var sum counts
	for _, output := range outputs {
		c := cells[output]
		if c == nil || c.numbers+c.refused == 0 {
			b.WriteString(" – |")
			continue
		}
		sum.add(*c)
		text := thousands(c.numbers)
		if quadrature && c.bounded {
			text = "≈ " + text
		}
		if c.refused > 0 {
			text += fmt.Sprintf(", %s refused", thousands(c.refused))
		}
		if c.differing > 0 {
			text += fmt.Sprintf(", **%s differ**", thousands(c.differing))
		}
		fmt.Fprintf(b, " %s |", text)
	}
	fmt.Fprintf(b, " %s |\n", bad(sum))
}

func bad(c counts) string {
	text := thousands(c.differing)
	if c.differing > 0 {
		text = "**" + text + "**"
	}
	return text
}

func byObjective(b *strings.Builder, reports []*report) {
	type line struct {
		cells       map[string]*counts
		models      int
		first, last string
	}
	lines := map[string]*line{}
	for _, r := range reports {
		for at, more := range r.cells {
			l := lines[at.objective]
			if l == nil {
				l = &line{cells: map[string]*counts{}, first: r.release.XGBoost}
				lines[at.objective] = l
			}
			l.last = r.release.XGBoost
			l.models += r.models[at]
			addCells(l.cells, more)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(lines)) {
		l := lines[name]
		tableRow(b, l.cells, true, "`"+name+"`", l.first+" – "+l.last, thousands(l.models))
	}
}

// findings lists what differs and what is refused, if anything.
func findings(b *strings.Builder, reports []*report) {
	n := 0
	for _, r := range reports {
		n += len(r.findings)
	}
	if n == 0 {
		return
	}
	fmt.Fprintf(b, "\n## What differs or is refused\n\n%s findings", thousands(n))
	if n > maxFindings {
		fmt.Fprintf(b, ", of which these are the first of each kind")
	}
	b.WriteString(".\n\n")
	seen := map[string]bool{}
	shown := 0
	for _, r := range reports {
		for _, f := range r.findings {
			kind := digits.ReplaceAllString(strings.ReplaceAll(f.what, f.model, ""), "")
			if n > maxFindings && (seen[kind] || shown == maxFindings) {
				continue
			}
			seen[kind] = true
			shown++
			fmt.Fprintf(b, "- %s, `%s`: %s\n", r.release.XGBoost, f.model, f.what)
		}
	}
}

// refusals lists what the releases themselves refuse.
func refusals(b *strings.Builder, reports []*report) {
	type group struct {
		what     string
		releases []string
		cases    map[string]bool
	}
	groups := map[string]*group{}
	for _, r := range reports {
		for _, f := range r.release.refused {
			what := source.ReplaceAllString(ranges.ReplaceAllString(f.What, ""), "")
			kind := f.Case
			if i := strings.IndexByte(kind, '-'); i > 0 {
				kind = kind[:i]
			}
			what += " of " + kind + "-…"
			g := groups[what]
			if g == nil {
				g = &group{what: what, cases: map[string]bool{}}
				groups[what] = g
			}
			if !slices.Contains(g.releases, r.release.XGBoost) {
				g.releases = append(g.releases, r.release.XGBoost)
			}
			g.cases[f.Case] = true
		}
	}
	if len(groups) == 0 {
		return
	}
	b.WriteString("\n## What the releases refuse\n\nFor want of an answer these were not compared, except that a file that its own release cannot load is compared with the booster that was saved. Cases are named as in testdata/conformance.\n\n" +
		"| what | cases | releases |\n| --- | ---: | --- |\n")
	sorted := slices.SortedFunc(maps.Values(groups), func(a, b *group) int { return cmp.Compare(a.what, b.what) })
	for _, g := range sorted {
		fmt.Fprintf(b, "| %s | %d | %s |\n", g.what, len(g.cases), span(g.releases, reports))
	}
}

// span lists releases, or only the first and the last if they are all of the table between these two.
func span(releases []string, reports []*report) string {
	between := 0
	for _, r := range reports {
		if v := r.release.XGBoost; compareReleases(v, releases[0]) >= 0 && compareReleases(v, releases[len(releases)-1]) <= 0 {
			between++
		}
	}
	if between == len(releases) && between > 2 {
		return releases[0] + " – " + releases[between-1]
	}
	return strings.Join(releases, ", ")
}

// thousands writes n with separators.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
