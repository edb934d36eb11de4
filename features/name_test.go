package features

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// plainName is the name of a flow, by the text of docs/features.md.
func plainName(f *Flow) string {
	if f.Joined == nil {
		return ""
	}
	name := ""
	if f.Joined.TLS != nil {
		name = f.Joined.TLS.ServerName
	}
	if name == "" && len(f.Joined.HTTP) > 0 {
		name = plainPort.ReplaceAllString(f.Joined.HTTP[0].Host, "$1")
	}
	return strings.ToLower(strings.TrimSuffix(name, "."))
}

// plainPort is a host with a port: no colon but the last one, or brackets.
var plainPort = regexp.MustCompile(`^([^:]+|.*\]):(?:0*(?:[0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))$`)

func TestNamesAgainstPlainMaps(t *testing.T) {
	p := pipelineOf(t, "name/1")
	known, firsts, scored := 0, 0, 0
	for seed := range seeds(25) {
		r := rand.New(rand.NewPCG(seed, 53))
		flows := contextFlows(r, 1200, []int64{1e9, 6e10, 1e12}[r.IntN(3)], []int64{0, 5e9, 2e11}[r.IntN(3)])
		for _, f := range flows { // of two sources, and few names
			f.Src = flows[r.IntN(2)].Src
			f.Known |= FieldFwdBytes
			f.FwdBytes = 100 + r.Uint64N(3)
			if r.IntN(2) == 0 {
				f.Joined = &Joined{HTTP: []HTTPInfo{{Host: []string{"a.example", "A.Example.:80", "a.example:443", "[2001:db8::1]:8080", "2001:db8::1", "b:x", ""}[r.IntN(7)]}, {Host: "second"}}}
			}
		}
		rows, _ := allRows(t, p.ExtractorWith(&StateOptions{Budget: 4 << 20}), flows, true)
		plain, calls := newPlainHosts(), plainBeacons{}
		for i, o := range release(flows) {
			want := make([]float32, 14)
			missing(want)
			counts := o.t-o.f.End() <= 60e9
			if name := plainName(o.f); name == "" {
				want[0] = 0
			} else {
				src, _, _ := plainKey(o.f, true)
				want[0] = 1
				want[1], want[2] = flag(plain.firstContact(src+" "+name, o.t, counts)), flag(plain.firstContact(name, o.t, counts))
				copy(want[3:], calls.row(src+" "+name, o.f, o.t))
				known++
				firsts += int(want[1])
			}
			requireSameRow(t, want, rows[i][:len(nameColumns)], nameColumns, fmt.Sprintf("seed %d, row %d, %q", seed, i, plainName(o.f)))
		}
		for _, c := range calls {
			scored += c.scorings
		}
	}
	require.Greater(t, known, 1000)
	require.Greater(t, firsts, 50)
	require.Greater(t, scored, 50)
}
