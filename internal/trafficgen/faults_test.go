package trafficgen

import (
	"encoding/json"
	"math/big"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// judge counts the lines of a log by the reason to skip them, and the good ones,
// by the rules for readers.
func judge(log string) (flows int64, bad [NumReasons]int64) {
	j := judgement{path: "conn"}
	log = strings.TrimPrefix(log, "\ufeff")
	for line := range strings.Lines(log) {
		whole := strings.HasSuffix(line, "\n")
		line = strings.TrimRight(line, "\r\n")
		reason, verdict := j.line(line)
		switch verdict {
		case skipped:
			if !whole && reason != Other {
				reason = Truncated
			}
			bad[reason]++
		case good:
			flows++
		}
	}
	return flows, bad
}

type verdict int

const (
	ignored verdict = iota
	skipped
	good
)

type judgement struct {
	path   string
	fields []string
}

func (j *judgement) line(line string) (Reason, verdict) {
	if len(line) > 1<<20 {
		return TooLong, skipped
	}
	if strings.TrimSpace(line) == "" {
		return 0, ignored
	}
	if strings.HasPrefix(line, "#") {
		if p, ok := strings.CutPrefix(line, "#path\t"); ok {
			j.path = p
		}
		if f, ok := strings.CutPrefix(line, "#fields\t"); ok {
			j.fields = strings.Split(f, "\t")
		}
		return 0, ignored
	}
	values := map[string]string{} // as text; absent means unset
	if j.fields == nil {
		var object map[string]json.RawMessage
		if json.Unmarshal([]byte(line), &object) != nil || object == nil {
			return Malformed, skipped
		}
		if _, ok := object["conn_state"]; !ok {
			return Other, skipped
		}
		for k, v := range object {
			if string(v) != "null" {
				values[k] = string(v)
			}
		}
	} else {
		parts := strings.Split(line, "\t")
		if len(parts) != len(j.fields) {
			return Fields, skipped
		}
		if j.path != "conn" {
			return Other, skipped
		}
		for i, v := range parts {
			if v != "-" {
				values[j.fields[i]] = v
			}
		}
	}
	return j.values(values)
}

func (j *judgement) values(v map[string]string) (Reason, verdict) {
	rename := map[string]string{
		"id_orig_h": "id.orig_h", "id_resp_h": "id.resp_h", "src": "id.orig_h", "dst": "id.resp_h",
	}
	for from, to := range rename {
		if x, ok := v[from]; ok {
			v[to] = x
		}
	}
	for _, name := range []string{"ts", "id.orig_h", "id.resp_h", "proto"} {
		if _, ok := v[name]; !ok {
			return Missing, skipped
		}
	}
	if !timeOK(v["ts"]) {
		return Time, skipped
	}
	for _, name := range []string{"id.orig_h", "id.resp_h"} {
		if _, err := netip.ParseAddr(strings.Trim(v[name], `"`)); err != nil {
			return Address, skipped
		}
	}
	if d, ok := v["duration"]; ok {
		if f, err := strconv.ParseFloat(d, 64); err != nil || f < 0 {
			return Number, skipped
		}
	}
	for _, name := range []string{"orig_bytes", "resp_bytes", "missed_bytes", "orig_pkts", "orig_ip_bytes", "resp_pkts", "resp_ip_bytes"} {
		if n, ok := v[name]; ok {
			if _, err := strconv.ParseUint(n, 10, 64); err != nil {
				return Number, skipped
			}
		}
	}
	return 0, good
}

func timeOK(s string) bool {
	if t, ok := strings.CutPrefix(s, `"`); ok {
		_, err := time.Parse(time.RFC3339Nano, strings.TrimSuffix(t, `"`))
		return err == nil
	}
	f, ok := new(big.Float).SetString(s)
	if !ok || f.IsInf() {
		return false
	}
	seconds, _ := f.Float64()
	if seconds >= 1e11 && !strings.Contains(s, ".") {
		seconds /= 1000
	}
	return seconds < 9.2e9
}

func TestFaultsAreCounted(t *testing.T) {
	cfg := Config{Seed: 7, Records: 20_000}
	for _, f := range []Format{TSV, JSON} {
		for _, q := range []Quirk{0, QuirksAll, QuirksAll &^ (QuirkLabelsBlanks | QuirkRenamed)} {
			log, acc := write(t, cfg, &WriterOptions{Format: f, Quirks: q, FaultRate: 0.02, Seed: 1})
			flows, bad := judge(log)
			require.Equal(t, acc.Bad, bad, "%v %v", f, q)
			require.Equal(t, acc.Flows, flows)
			total := acc.Flows
			for _, n := range acc.Bad {
				total += n
			}
			require.Equal(t, acc.Records, total)
			for _, reason := range faultsOf(f) {
				require.Positive(t, acc.Bad[reason], "%v %v", f, reason)
			}
			require.EqualValues(t, 1, acc.Bad[Truncated])
			require.LessOrEqual(t, acc.Bad[TooLong], int64(2))
		}
	}
}

func TestChosenFaults(t *testing.T) {
	cfg := Config{Seed: 7, Records: 2_000}
	for _, f := range []Format{TSV, JSON} {
		for _, reason := range faultsOf(f) {
			rate := 0.05
			if reason == TooLong {
				rate = 0.005
			}
			log, acc := write(t, cfg, &WriterOptions{Format: f, FaultRate: rate, Faults: []Reason{reason}})
			var want [NumReasons]int64
			want[reason] = acc.Bad[reason]
			require.Positive(t, want[reason])
			require.Equal(t, want, acc.Bad)
			flows, bad := judge(log)
			require.Equal(t, want, bad, "%v %v", f, reason)
			require.EqualValues(t, 2_000, flows)
		}
	}
	_, acc := write(t, cfg, &WriterOptions{FaultRate: 0.5, Faults: []Reason{}})
	require.Equal(t, [NumReasons]int64{}, acc.Bad)
}

func TestReasonNames(t *testing.T) {
	for r := range NumReasons {
		got, err := ParseReason(r.String())
		require.NoError(t, err)
		require.Equal(t, r, got)
	}
	require.Equal(t, "Reason(99)", Reason(99).String())
}
