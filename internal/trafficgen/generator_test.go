package trafficgen

import (
	"crypto/sha256"
	"encoding/hex"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// generate returns copies of all records of a configuration.
func generate(t testing.TB, cfg Config) []Record {
	t.Helper()
	g, err := New(cfg)
	require.NoError(t, err)
	var list []Record
	for r := range g.All() {
		list = append(list, *r)
	}
	return list
}

// digest returns a hash of a whole log.
func digest(t testing.TB, cfg Config, opts *WriterOptions) string {
	t.Helper()
	h := sha256.New()
	g, err := New(cfg)
	require.NoError(t, err)
	w, err := NewWriter(h, opts)
	require.NoError(t, err)
	for r := range g.All() {
		require.NoError(t, w.Write(r))
	}
	require.NoError(t, w.Close())
	return hex.EncodeToString(h.Sum(nil))
}

// The goldens pin the bytes of version 1 of the model. They change with the
// model only, never with the platform.
func TestGolden(t *testing.T) {
	cfg := Config{Seed: 1, Records: 20_000}
	require.Equal(t, "245f4175a2c49cfe899fc64fbfeae17318513d9c7ed9ef2f62729418653ad337", digest(t, cfg, nil))
	require.Equal(t, "5aa8dd040cc02e43d933ff2e18a038bcf1af7ed33848142abf2d77a4ac0fdeff",
		digest(t, cfg, &WriterOptions{Format: JSON, Quirks: QuirksAll, FaultRate: 0.001}))
}

func TestDeterminism(t *testing.T) {
	cfg := Config{Seed: 5, Records: 5_000}
	opts := &WriterOptions{Quirks: QuirksAll, FaultRate: 0.01}
	one := digest(t, cfg, opts)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	require.Equal(t, one, digest(t, cfg, opts))
	cfg.Seed = 6
	require.NotEqual(t, one, digest(t, cfg, opts))
}

func TestBenignTrafficDoesNotDependOnAttacks(t *testing.T) {
	benign := func(cfg Config) []Record {
		var list []Record
		for _, r := range generate(t, cfg) {
			if !r.Kind.Malicious() {
				list = append(list, r)
			}
		}
		return list
	}
	cfg := Config{Seed: 3, Span: time.Hour, Hosts: 40}
	all := benign(cfg)
	cfg.Attacks, cfg.AttackShare = []Kind{SYNFlood}, 0.5
	require.Equal(t, all, benign(cfg))
	cfg.NoAttacks = true
	require.Equal(t, all, benign(cfg))
}

func TestEveryKindOccurs(t *testing.T) {
	for _, records := range []int64{2_000, 20_000} {
		for seed := range uint64(8) {
			var count [numKinds]int
			list := generate(t, Config{Seed: seed, Records: records})
			require.Len(t, list, int(records))
			for _, r := range list {
				count[r.Kind]++
			}
			malicious := 0
			for k, n := range count {
				require.Positivef(t, n, "%v in %d records of seed %d", Kind(k), records, seed)
				if Kind(k).Malicious() {
					malicious += n
				}
			}
			share := float64(malicious) / float64(records)
			require.InDelta(t, DefaultAttackShare, share, 0.06, "records %d seed %d", records, seed)
		}
	}
}

func TestAttackShare(t *testing.T) {
	for _, share := range []float64{0.01, 0.5, 0.9} {
		g, err := New(Config{Seed: 2, Records: 60_000, AttackShare: share})
		require.NoError(t, err)
		for range g.All() {
		}
		records, attacks := g.Made()
		require.EqualValues(t, 60_000, records)
		require.InDelta(t, share, float64(attacks)/float64(records), 0.05)
	}
}

func TestOnlyChosenAttacks(t *testing.T) {
	for _, k := range Attacks() {
		n := 0
		for _, r := range generate(t, Config{Seed: 4, Records: 2_000, Attacks: []Kind{k}}) {
			if r.Kind.Malicious() {
				require.Equal(t, k, r.Kind)
				n++
			}
		}
		require.Greater(t, n, 100, "%v", k)
	}
	for _, r := range generate(t, Config{Seed: 4, Records: 2_000, NoAttacks: true}) {
		require.False(t, r.Kind.Malicious())
	}
}

func TestSpan(t *testing.T) {
	start := time.Date(2025, 1, 4, 22, 0, 0, 0, time.UTC)
	list := generate(t, Config{Seed: 1, Start: start, Span: 2 * time.Hour, Hosts: 30})
	require.NotEmpty(t, list)
	for _, r := range list {
		require.GreaterOrEqual(t, r.TS, start.UnixMicro())
		// Sessions that began in time may still open connections afterwards.
		require.Less(t, r.TS, start.Add(6*time.Hour).UnixMicro())
	}

	// Records within a span: the pace follows.
	list = generate(t, Config{Seed: 1, Start: start, Span: 24 * time.Hour, Records: 30_000})
	require.Len(t, list, 30_000)
	last := time.UnixMicro(list[len(list)-1].End())
	require.InDelta(t, 24, last.Sub(start).Hours(), 5)
}

func TestWeekHasARhythm(t *testing.T) {
	perDay := make([]int, 7)
	atNight, atWork := 0, 0
	start := time.Date(2024, 3, 4, 0, 0, 0, 0, time.UTC)
	for _, r := range generate(t, Config{Seed: 1, Start: start, Span: 7 * 24 * time.Hour, Hosts: 20, NoAttacks: true}) {
		if r.Kind != Web {
			continue
		}
		at := r.Time().Sub(start)
		if d := int(at / (24 * time.Hour)); d < 7 {
			perDay[d]++
			switch h := r.Time().Hour(); {
			case d < 5 && h < 5:
				atNight++
			case d < 5 && h >= 9 && h < 14:
				atWork++
			}
		}
	}
	require.Greater(t, perDay[2], 4*perDay[5])
	require.Greater(t, perDay[2], 4*perDay[6])
	require.Greater(t, atWork, 10*atNight)
}

func TestRelativeTime(t *testing.T) {
	list := generate(t, Config{Seed: 1, Records: 100, Start: time.UnixMicro(22_335_172)})
	for _, r := range list {
		require.GreaterOrEqual(t, r.TS, int64(22_335_172))
		require.Less(t, r.TS, day)
	}
}

func TestNextAfterTheEnd(t *testing.T) {
	g, err := New(Config{Records: 10})
	require.NoError(t, err)
	for range g.All() {
	}
	for range 3 {
		r, ok := g.Next()
		require.Nil(t, r)
		require.False(t, ok)
	}
}

func TestRangeCanStopAndGoOn(t *testing.T) {
	g, err := New(Config{Records: 100})
	require.NoError(t, err)
	n := 0
	for range g.All() {
		if n++; n == 40 {
			break
		}
	}
	for range g.All() {
		n++
	}
	require.Equal(t, 100, n)
}

// The heap holds what is open, not what was made.
func TestMemoryIsBounded(t *testing.T) {
	g, err := New(Config{Seed: 1, Records: 600_000, Hosts: 60})
	require.NoError(t, err)
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var early uint64
	n := 0
	for range g.All() {
		if n++; n == 100_000 {
			early = heap()
		}
	}
	require.Equal(t, 600_000, n)
	late := heap()
	require.Less(t, late, early+8<<20)
	runtime.KeepAlive(g)
}

func TestConfigErrors(t *testing.T) {
	for name, cfg := range map[string]Config{
		"nothing":      {},
		"records":      {Records: -1},
		"span":         {Span: -time.Second},
		"short span":   {Span: time.Millisecond},
		"few hosts":    {Records: 1, Hosts: MinHosts - 1},
		"many hosts":   {Records: 1, Hosts: MaxHosts + 1},
		"share":        {Records: 1, AttackShare: 0.95},
		"less share":   {Records: 1, AttackShare: -0.1},
		"no attack":    {Records: 1, Attacks: []Kind{}},
		"benign":       {Records: 1, Attacks: []Kind{Web}},
		"unknown kind": {Records: 1, Attacks: []Kind{200}},
		"twice":        {Records: 1, Attacks: []Kind{Beacon, Beacon}},
		"before 1970":  {Records: 1, Start: time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		_, err := New(cfg)
		require.ErrorIs(t, err, ErrConfig, name)
	}
	for _, cfg := range []Config{
		{Records: 1}, {Records: 1, Span: 50 * 365 * 24 * time.Hour},
		{Span: time.Second}, {Records: 50, Hosts: MaxHosts},
	} {
		g, err := New(cfg)
		require.NoError(t, err)
		n := int64(0)
		for range g.All() {
			n++
		}
		if cfg.Records > 0 {
			require.Equal(t, cfg.Records, n)
		}
	}
}

func TestNames(t *testing.T) {
	for _, k := range Kinds() {
		got, err := ParseKind(k.String())
		require.NoError(t, err)
		require.Equal(t, k, got)
	}
	_, err := ParseKind("weather")
	require.Error(t, err)
	require.Len(t, Attacks(), 8)
	require.Equal(t, "Malicious", Beacon.Label())
	require.Equal(t, "beacon", Beacon.Detail())
	require.Equal(t, "Benign", Web.Label())
	require.Equal(t, "-", Web.Detail())
	require.Equal(t, "Kind(99)", Kind(99).String())
}
