package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"threatdetect/features"
	"threatdetect/features/auto"
)

// accountJSON is the account of a run as --summary json prints it.
type accountJSON struct {
	Records int64                     `json:"records"`
	Flows   int64                     `json:"flows"`
	Rows    int64                     `json:"rows"`
	Threats int64                     `json:"threats"`
	Skipped map[features.Reason]int64 `json:"skipped"`
	// Unlabelled is of commands that need labels only.
	Unlabelled *int64 `json:"unlabelled,omitempty"`
	// Joins is of sets that are made of several logs only.
	Joins *joinsJSON `json:"joins,omitempty"`
	// filesJSON is of a batch only.
	*filesJSON
	Seconds float64 `json:"seconds"`
	// State is of sets that remember flows, where one was not simply counted in its turn.
	State *stateJSON `json:"state,omitempty"`
}

// filesJSON says what became of the logs of a batch: how many have an output, how many of them had it before, and how many have none; and the
// lines of all outputs, and of the files of skipped records.
type filesJSON struct {
	Files   int   `json:"files"`
	Before  int   `json:"before"`
	Failed  int   `json:"failed"`
	Written int64 `json:"written"`
	Rejects int64 `json:"rejects"`
}

// joinsJSON says what became of the records of other logs that tell more about flows.
type joinsJSON struct {
	Records int64 `json:"records"`
	Joined  int64 `json:"joined"`
	Flows   int64 `json:"flows"`
	Late    int64 `json:"late"`
	Lost    int64 `json:"lost"`
}

// stateJSON is what a set that remembers flows did besides making rows; only where it did any of it.
type stateJSON struct {
	Late    int64 `json:"late"`
	TooLate int64 `json:"too_late"`
	Future  int64 `json:"future"`
	Evicted int64 `json:"evicted"`
	Held    int64 `json:"held"`
}

// printAccount prints what a run did as the last line of standard error: as JSON however it ended, for people if there was
// something to count.
func (a *app) printAccount() {
	acct, elapsed := &a.account, time.Since(a.began)
	if a.summary == "json" {
		skipped := acct.Skipped
		if skipped == nil {
			skipped = map[features.Reason]int64{}
		}
		var state *stateJSON
		if a.stats != (features.Stats{}) {
			state = &stateJSON{a.stats.Late, a.stats.TooLate, a.stats.Future, a.stats.Evicted, a.stats.Held}
		}
		line, _ := json.Marshal(accountJSON{acct.Records, acct.Flows, acct.Rows, acct.Threats, skipped, a.unlabelled, (*joinsJSON)(a.joins), a.files, elapsed.Round(time.Microsecond).Seconds(), state})
		fmt.Fprintf(a.stderr, "%s\n", line)
		return
	}
	if a.quiet || !a.counted {
		return
	}
	var skipped strings.Builder
	for i, reason := range acct.Reasons() {
		sep := ", "
		if i == 0 {
			sep = "; skipped "
		}
		fmt.Fprintf(&skipped, "%s%d %s", sep, acct.Skipped[reason], reason)
	}
	for _, c := range []struct {
		n    int64
		what string
	}{{a.stats.Late, "came late"}, {a.stats.TooLate, "too late to be counted"}, {a.stats.Future, "from the future"},
		{a.stats.Evicted, "things forgotten early"}, {a.stats.Held, "flows left in the state"}} {
		if c.n > 0 {
			fmt.Fprintf(&skipped, "; %d %s", c.n, c.what)
		}
	}
	rate := ""
	if elapsed > 100*time.Millisecond {
		rate = fmt.Sprintf(", %.0f records/s", float64(acct.Records)/elapsed.Seconds())
	}
	what := fmt.Sprintf("%d records, %d flows, %d rows, %d threats", acct.Records, acct.Flows, acct.Rows, acct.Threats)
	switch {
	case a.rowsOnly:
		what = fmt.Sprintf("%d rows", acct.Rows)
	case a.noVerdicts:
		what = fmt.Sprintf("%d records, %d flows, %d rows", acct.Records, acct.Flows, acct.Rows)
	}
	if a.unlabelled != nil && *a.unlabelled > 0 {
		what += fmt.Sprintf(", %d without a label", *a.unlabelled)
	}
	if j := a.joins; j != nil {
		what += fmt.Sprintf(", %d records of other logs joined to %d flows", j.Joined, j.Flows)
		if j.Late+j.Lost > 0 {
			what += fmt.Sprintf(" (%d too late, %d without room)", j.Late, j.Lost)
		}
	}
	read := ""
	if len(a.formats) > 0 {
		read = "; read as " + strings.Join(a.formats, "; ")
	}
	fmt.Fprintf(a.stderr, "%s%s in %s%s%s\n", what, skipped.String(), elapsed.Round(time.Millisecond), rate, read)
}

// skips counts records that were skipped, of which a log may have nothing else: a list of a few reasons is quicker than a map of them. The zero value is ready.
type skips struct {
	reasons []features.Reason
	counts  []int64
}

func (s *skips) add(e *features.RecordError) {
	for i, reason := range s.reasons {
		if reason == e.Reason {
			s.counts[i] += 1 + e.More
			return
		}
	}
	s.reasons, s.counts = append(s.reasons, e.Reason), append(s.counts, 1+e.More)
}

// to adds what was counted to an account. There may be no s.
func (s *skips) to(a *features.Account) {
	if s == nil {
		return
	}
	for i, reason := range s.reasons {
		a.Add(nil, &features.RecordError{Reason: reason, More: s.counts[i] - 1})
	}
}

// maxFormats is how many formats, and what they were told by, the account names.
const maxFormats = 4

// readAs notes as what a log is read, and by what that was told: by is empty if somebody said it.
func (a *app) readAs(f auto.Format, by string) {
	if said := fmt.Sprintf("%s, told by %s", f, by); by != "" && len(a.formats) < maxFormats && !slices.Contains(a.formats, said) {
		a.formats = append(a.formats, said)
	}
}
