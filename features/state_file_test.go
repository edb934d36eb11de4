package features

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

// statefulSets are the names of the sets that remember flows.
func statefulSets() (names []string) {
	for _, s := range Sets() {
		if s.Stateful {
			names = append(names, s.Name)
		}
	}
	return names
}

// smallState makes states that tests can save many times over.
var smallState = &StateOptions{Budget: 1 << 18}

func init() { leastBudget = 1 << 18 }

func saved(t testing.TB, x *Extractor) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, x.Save(&b))
	return b.Bytes()
}

// A run that is saved and restored over and over makes the rows of one that is not.
func TestRestoredExtractorsGoOn(t *testing.T) {
	for _, set := range statefulSets() {
		p := pipelineOf(t, set)
		for seed := range seeds(8) {
			r := rand.New(rand.NewPCG(seed, 2))
			flows := contextFlows(r, 1500, []int64{1e6, 1e8, 3e9}[r.IntN(3)], []int64{0, 1e9, 3e10}[r.IntN(3)])
			want, wantUIDs := allRows(t, p.ExtractorWith(smallState), flows, true)
			x := p.ExtractorWith(smallState)
			var got [][]float32
			var uids []string
			for from := 0; from < len(flows); {
				to := min(len(flows), from+r.IntN(300))
				rows, u := allRows(t, x, flows[from:to], to == len(flows))
				got, uids = append(got, rows...), append(uids, u...)
				state := saved(t, x)
				var err error
				x, err = p.Restore(bytes.NewReader(state), smallState)
				require.NoError(t, err)
				require.Equal(t, state, saved(t, x), "what is restored saves the same")
				from = to
			}
			require.Equal(t, wantUIDs, uids)
			for i := range want {
				requireSameRow(t, want[i], got[i], p.Schema().Columns, fmt.Sprintf("%s, seed %d, row %d", set, seed, i))
			}
		}
	}
}

// fullJoined fills every field that is saved with something.
func fullJoined() *Joined {
	return &Joined{Dropped: 3,
		DNS: []DNSInfo{{Time: 1, ID: 2, Query: "a.example", Type: 3, Answered: true, RCode: 4, AA: true, TC: true, RD: true, RA: true, Rejected: true,
			RTT: 5, Answers: []string{"192.0.2.1", "x"}, Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.1")}, HasTTL: true, MinTTL: 6}, {Query: "b"}},
		HTTP: []HTTPInfo{{Time: 7, Depth: 8, Method: "GET", Host: "h", URI: "/u", UserAgent: "ua", Referrer: "r", MIMEType: "m", Status: 200, Request: 9, Response: 10}},
		TLS: &TLSInfo{Time: 11, Version: "v", Cipher: "c", Curve: "cu", ServerName: "s", ALPN: "al", JA3: "3", JA3S: "3s", JA4: "4", Validation: "ok",
			Resumed: true, Established: true, ResumedKnown: true, EstablishedKnown: true, Subject: "su", Issuer: "is", Chain: 2, NotBefore: -3, NotAfter: 4,
			Dated: true, KeyBits: 2048, AltNames: 5},
	}
}

// Every field of a flow that waits comes back. A field that is added to Flow and forgotten here fails the test.
func TestSavedFlowsAreWhole(t *testing.T) {
	f := tcpFlow()
	v := reflect.ValueOf(f).Elem()
	for i := range v.NumField() {
		switch field := v.Field(i); field.Kind() {
		case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
			if field.IsZero() {
				field.SetUint(1)
			}
		case reflect.Int, reflect.Int64:
			if field.IsZero() {
				field.SetInt(1)
			}
		case reflect.Bool:
			field.SetBool(true)
		case reflect.String:
			field.SetString("text")
		case reflect.Slice:
			field.SetBytes([]byte{byte(i), 0, 255})
		}
	}
	f.Src, f.Dst = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("fe80::1%eth0")
	f.Joined = fullJoined()
	x := pipelineOf(t, "flow-context/1").Extractor()
	require.NoError(t, x.Push(f))
	y, err := x.pipeline.Restore(bytes.NewReader(saved(t, x)), smallState)
	require.NoError(t, err)
	y.Finish()
	row, ok := y.Next()
	require.True(t, ok)
	require.Equal(t, f, row.Flow)
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if name == "UNSW" || name == "NSL" { // of data sets that no stateful set is made of
			continue
		}
		require.False(t, v.Field(i).IsZero(), "%s was not tried", name)
	}
}

func sealState(b []byte) []byte {
	return binary.LittleEndian.AppendUint32(bytes.Clone(b), crc32.Checksum(b, castagnoli))
}

func busyState(t testing.TB, set string) []byte {
	p := pipelineOf(t, set)
	x := p.ExtractorWith(smallState)
	flows := contextFlows(rand.New(rand.NewPCG(4, 4)), 150, 1e8, 1e9)
	flows[149].Joined = fullJoined()
	allRows(t, x, flows, false)
	return saved(t, x)
}

func TestDamagedStateIsRefused(t *testing.T) {
	for _, set := range statefulSets() {
		p := pipelineOf(t, set)
		state := busyState(t, set)
		for n := 0; n < len(state); n += 1 + len(state)/500 {
			_, err := p.Restore(bytes.NewReader(state[:n]), smallState)
			require.ErrorIs(t, err, ErrState, "cut at byte %d", n)
		}
		for i := 0; i < len(state); i += 1 + len(state)/500 {
			damaged := bytes.Clone(state)
			damaged[i] ^= 1 << (i % 8)
			_, err := p.Restore(bytes.NewReader(damaged), smallState)
			require.ErrorIs(t, err, ErrState, "byte %d changed", i)
		}
		_, err := p.Restore(bytes.NewReader(append(bytes.Clone(state), 0)), smallState)
		require.ErrorIs(t, err, ErrState)
		body := state[:len(state)-4]
		_, err = p.Restore(bytes.NewReader(sealState(append(bytes.Clone(body), 0))), smallState)
		require.ErrorContains(t, err, "1 bytes too many")
		for n := len(stateMagic); n < len(body); n += 1 + len(body)/200 {
			_, err := p.Restore(bytes.NewReader(sealState(body[:n])), smallState)
			require.ErrorIs(t, err, ErrState, "cut at byte %d, with a checksum", n)
		}
		_, err = pipelineOf(t, "flow-min/1").Restore(bytes.NewReader(state), smallState)
		require.ErrorContains(t, err, `it is of set "`+set)
	}
}

// FuzzRestore gives states that have a right checksum and a wrong content: they are refused, or the extractor works.
func FuzzRestore(f *testing.F) {
	for i, set := range statefulSets() {
		state := busyState(f, set)
		f.Add(byte(i), state[:len(state)-4])
		var empty bytes.Buffer
		require.NoError(f, pipelineOf(f, set).ExtractorWith(smallState).Save(&empty))
		f.Add(byte(i), empty.Bytes()[:empty.Len()-4])
	}
	flows := contextFlows(rand.New(rand.NewPCG(6, 6)), 40, 1e8, 1e9)
	sets := statefulSets()
	f.Fuzz(func(t *testing.T, which byte, body []byte) {
		p := pipelineOf(t, sets[int(which)%len(sets)])
		x, err := p.Restore(bytes.NewReader(sealState(body)), smallState)
		if err != nil {
			require.ErrorIs(t, err, ErrState)
			return
		}
		y, err := p.Restore(bytes.NewReader(saved(t, x)), smallState)
		require.NoError(t, err, "what is accepted can be saved and restored again")
		a, _ := allRows(t, x, flows, true)
		b, _ := allRows(t, y, flows, true)
		require.Len(t, b, len(a))
		for i := range a {
			requireSameRow(t, a[i], b[i], p.Schema().Columns, fmt.Sprint("row ", i))
		}
	})
}

// seeds is how many seeds a test tries: a quarter of n in a short run.
func seeds(n uint64) uint64 {
	if testing.Short() {
		return max(1, n/4)
	}
	return n
}
