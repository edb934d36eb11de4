package trafficgen

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// check returns what is inconsistent about a record.
func check(r *Record) error {
	fail := func(text string) error { return fmt.Errorf("%s: %+v", text, *r) }
	pkts := r.OrigPkts + r.RespPkts
	if pkts == 0 {
		return fail("no packets")
	}
	if r.Timed != (pkts > 1) {
		return fail("timed and packets")
	}
	if !r.Timed && (r.Duration != 0 || r.OrigBytes != 0 || r.RespBytes != 0) {
		return fail("values of a lone packet")
	}
	if r.Timed && (r.Duration < 1 || r.Duration > 30*day) {
		return fail("duration")
	}
	if r.OrigH.Is4() != r.RespH.Is4() || r.OrigH == r.RespH {
		return fail("addresses")
	}
	if (r.OrigPkts == 0) != (r.OrigIPBytes == 0) || (r.RespPkts == 0) != (r.RespIPBytes == 0) {
		return fail("packets and bytes")
	}
	if r.OrigPkts == 0 && r.OrigBytes > 0 || r.RespPkts == 0 && r.RespBytes > 0 {
		return fail("payload without packets")
	}
	ip := uint64(20)
	if !r.OrigH.Is4() {
		ip = 40
	}
	least, most := ip+8, ip+8
	if r.Proto == TCP {
		least, most = ip+20, ip+40
	}
	sides := []struct {
		name                string
		pkts, all, payload  uint64
		missed              uint64
		data, again, packet string
	}{
		{"orig", r.OrigPkts, r.OrigIPBytes, r.OrigBytes, 0, "D", "T", "SHADFRT"},
		{"resp", r.RespPkts, r.RespIPBytes, r.RespBytes, r.MissedBytes, "d", "t", "shadfrt"},
	}
	for _, s := range sides {
		if r.Timed {
			headers := int64(s.all) - int64(s.payload) + int64(s.missed)
			if headers < int64(s.pkts*least) {
				return fail(s.name + " bytes below the headers")
			}
			if !strings.Contains(r.History, s.again) && headers > int64(s.pkts*most) {
				return fail(s.name + " bytes above the headers")
			}
		}
		if r.Proto != ICMP && r.Proto != ICMPv6 {
			if (s.payload > 0) != strings.Contains(r.History, s.data) && r.Timed {
				return fail(s.name + " payload and history")
			}
			if s.pkts > 0 != strings.ContainsAny(r.History, s.packet) {
				return fail(s.name + " packets and history")
			}
		}
	}
	if r.MissedBytes > 0 != strings.Contains(r.History, "g") {
		return fail("gap and history")
	}
	if r.Service != "" && r.Proto == TCP && (!strings.HasPrefix(r.History, "ShA") || r.OrigBytes+r.RespBytes == 0) {
		return fail("service without payload")
	}
	return checkState(r, fail)
}

// checkState compares conn_state with history.
func checkState(r *Record, fail func(string) error) error {
	h := strings.TrimPrefix(r.History, "^")
	has := func(letters string) bool {
		for _, l := range letters {
			if !strings.ContainsRune(h, l) {
				return false
			}
		}
		return true
	}
	none := func(letters string) bool { return !strings.ContainsAny(h, letters) }
	ok := false
	switch r.Proto {
	case ICMP, ICMPv6:
		ok = r.ConnState == "OTH" && r.History == ""
	case UDP:
		switch r.ConnState {
		case "SF":
			ok = h == "Dd"
		case "S0":
			ok = h == "D"
		case "SHR":
			ok = r.History == "^d"
		}
	case TCP:
		established := strings.HasPrefix(h, "Sh")
		switch r.ConnState {
		case "S0":
			ok = h == "S"
		case "REJ":
			ok = h == "Sr"
		case "S1":
			ok = established && none("FfRr")
		case "SF":
			ok = established && has("Ff")
		case "S2":
			ok = established && has("F") && none("fRr")
		case "S3":
			ok = established && has("f") && none("FRr")
		case "RSTO":
			ok = established && has("R") && none("r")
		case "RSTR":
			ok = established && has("r") && none("R")
		case "RSTOS0":
			ok = h == "SR"
		case "RSTRH":
			ok = r.History == "^r"
		case "SH":
			ok = h == "SF"
		case "SHR":
			ok = r.History == "^hf"
		case "OTH":
			ok = none("SsHh")
		}
	}
	if !ok {
		return fail("state and history")
	}
	return nil
}

func TestRecordsAreConsistent(t *testing.T) {
	for seed, cfg := range []Config{
		{Records: 60_000}, {Records: 60_000, Hosts: 20, AttackShare: 0.6}, {Records: 5_000, Hosts: 1_000},
	} {
		cfg.Seed = uint64(seed)
		g, err := New(cfg)
		require.NoError(t, err)
		uids := make(map[UID]bool)
		states := make(map[string]int)
		protos := make(map[Proto]int)
		six, local, gaps := 0, 0, 0
		end := int64(0)
		for r := range g.All() {
			require.NoError(t, check(r))
			require.GreaterOrEqual(t, r.End(), end, "order of ends")
			end = r.End()
			require.False(t, uids[r.UID], "uid twice")
			uids[r.UID] = true
			states[r.ConnState]++
			protos[r.Proto]++
			if r.OrigH.Is6() {
				six++
			}
			if r.LocalOrig && r.LocalResp {
				local++
			}
			if r.MissedBytes > 0 {
				gaps++
			}
			n := len(r.UID.String())
			require.True(t, n >= 13 && n <= 18, r.UID.String())
		}
		if cfg.Records < 50_000 {
			continue
		}
		require.Positive(t, six)
		require.Positive(t, local)
		require.Positive(t, gaps)
		for _, s := range []string{"S0", "S1", "S2", "S3", "SF", "REJ", "RSTO", "RSTR", "RSTOS0", "RSTRH", "SH", "SHR", "OTH"} {
			require.Positive(t, states[s], s)
		}
		for _, p := range []Proto{TCP, UDP, ICMP} {
			require.Positive(t, protos[p], p)
		}
	}
}

// Attacks must not be separable by a single simple property.
func TestAttacksOverlapWithBenignTraffic(t *testing.T) {
	type shape struct {
		proto          Proto
		state, service string
	}
	var seen [2]map[shape]int
	seen[0], seen[1] = map[shape]int{}, map[shape]int{}
	var total [2]int
	for _, r := range generate(t, Config{Seed: 9, Records: 100_000}) {
		i := 0
		if r.Kind.Malicious() {
			i = 1
		}
		seen[i][shape{r.Proto, r.ConnState, r.Service}]++
		total[i]++
	}
	shared := 0
	for s, n := range seen[1] {
		if seen[0][s] > 0 {
			shared += n
		}
	}
	require.Greater(t, float64(shared), 0.9*float64(total[1]), "attack flows of a shape that benign flows have")
	failed := 0
	for s, n := range seen[0] {
		if s.state == "S0" || s.state == "REJ" || strings.HasPrefix(s.state, "RST") {
			failed += n
		}
	}
	require.Greater(t, float64(failed), 0.03*float64(total[0]), "benign flows that failed")
}

func TestProtoNames(t *testing.T) {
	require.Equal(t, "icmp", ICMPv6.String())
	require.Equal(t, "unknown_transport", Proto(47).String())
}

func TestLogarithm(t *testing.T) {
	for _, c := range []struct{ x, want float64 }{
		{1, 0}, {0.5, -0.6931471805599453}, {2.718281828459045, 1}, {1e-9, -20.72326583694641}, {0.7, -0.35667494393873245},
	} {
		require.InDelta(t, c.want, ln(c.x), 1e-13)
	}
}

func TestCurve(t *testing.T) {
	c := curve{{0, 10}, {0.5, 100}, {1, 1000}}
	require.Equal(t, 10.0, c.at(0))
	require.Equal(t, 100.0, c.at(0.5))
	last := 0.0
	for u := 0.0; u < 1; u += 0.01 {
		require.Greater(t, c.at(u), last)
		last = c.at(u)
	}
	require.Less(t, last, 1000.0)
}

func TestQueue(t *testing.T) {
	var q queue[int]
	rnd := newStream(1, 1)
	for i := range 1000 {
		q.push(rnd.between(0, 50), i)
	}
	at, order := int64(-1), -1
	for range 1000 {
		now, v := q.pop()
		if now == at {
			require.Greater(t, v, order, "first in, first out")
		}
		require.GreaterOrEqual(t, now, at)
		at, order = now, v
	}
	_, some := q.min()
	require.False(t, some)
}
