package join_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/join"
)

func Example() {
	b := join.New()
	join.AddDNS(b.Add([]byte("C1"), 1e9, 100), &features.DNSInfo{Query: "www.example.com"}, false)
	fmt.Println(b.Take([]byte("C1"), 2e9).DNS[0].Query)
	fmt.Println(b.Add([]byte("C1"), 3e9, 100))
	fmt.Println(b.Stats())
	// Output:
	// www.example.com
	// <nil>
	// {2 1 1 1 0}
}

func TestKeysGoAfterAMinute(t *testing.T) {
	b := join.New()
	require.Nil(t, b.Take([]byte("C1"), 0))
	require.Nil(t, b.Add([]byte("C1"), 60e9, 1), "late")
	require.NotNil(t, b.Add([]byte("C1"), 60e9+1, 1), "forgotten: another connection")
	require.NotNil(t, b.Add([]byte("C2"), math.MaxInt64, 1))
	require.NotNil(t, b.Take([]byte("C2"), math.MaxInt64))
	require.Nil(t, b.Add([]byte("C2"), math.MaxInt64, 1))
	require.Nil(t, b.Take(nil, 0), "a flow without a key")
	require.Equal(t, join.Stats{Records: 4, Joined: 1, Flows: 1, Late: 2}, b.Stats())
}

// TestBounds floods a buffer with keys and with bytes: the ones that were added to last stay, and every record is counted.
func TestBounds(t *testing.T) {
	b := join.New()
	key := func(i int) []byte { return fmt.Appendf(nil, "C%d", i) }
	for i := range join.MaxKeys + 10 {
		b.Add(key(i), 1, 1)
		if i == join.MaxKeys-1 {
			b.Add(key(0), 1, 1) // the oldest again
		}
	}
	require.NotNil(t, b.Take(key(0), 1))
	for i := 1; i <= 9; i++ {
		require.Nil(t, b.Take(key(i), 1), i)
	}
	require.NotNil(t, b.Take(key(join.MaxKeys+9), 1))
	s := b.Stats()
	require.EqualValues(t, join.MaxKeys+11, s.Records)
	require.EqualValues(t, 3, s.Joined)
	require.GreaterOrEqual(t, s.Lost, int64(10))

	b = join.New()
	for i := range 100 {
		b.Add(key(i), 1, join.MaxBytes/50)
	}
	require.Nil(t, b.Take(key(0), 1))
	require.NotNil(t, b.Take(key(99), 1))
	require.NotNil(t, b.Add(key(7), 1, 2*join.MaxBytes), "one record always has room")
	require.EqualValues(t, 100, b.Stats().Lost+b.Stats().Joined)
}

// TestAgainstPlain compares with a map without bounds, far from the bounds.
func TestAgainstPlain(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	b := join.New()
	waiting, done := map[int]int64{}, map[int]int64{}
	var want join.Stats
	for clock := int64(0); want.Records < 20_000; clock += rnd.Int64N(1e9) {
		k := rnd.IntN(300)
		key := fmt.Appendf(nil, "%d", k)
		late := false
		if since, ok := done[k]; ok {
			if late = clock <= since+60e9; !late {
				delete(done, k)
			}
		}
		if rnd.IntN(4) > 0 {
			want.Records++
			if late {
				want.Late++
			} else {
				waiting[k]++
			}
			require.Equal(t, late, b.Add(key, clock, 1) == nil)
			continue
		}
		n := waiting[k]
		delete(waiting, k)
		if want.Joined += n; n > 0 {
			want.Flows++
		}
		require.Equal(t, n > 0, b.Take(key, clock) != nil)
		done[k] = clock
	}
	require.Equal(t, want, b.Stats())
}

func TestRecords(t *testing.T) {
	var j features.Joined
	join.AddDNS(&j, &features.DNSInfo{ID: 7, Query: "a", Type: 1, Time: 5, RD: true}, false)
	join.AddDNS(&j, &features.DNSInfo{ID: 7, Query: "a", Type: 28, Time: 6}, false)
	join.AddDNS(&j, &features.DNSInfo{ID: 7, Query: "a", Type: 28, Time: 9, Answered: true, RCode: 3}, true)
	join.AddDNS(&j, &features.DNSInfo{ID: 8, Query: "a", Type: 1, Time: 10, Answered: true}, true)
	require.Equal(t, []features.DNSInfo{{ID: 7, Query: "a", Type: 1, Time: 5, RD: true}, {ID: 7, Query: "a", Type: 28, Time: 6, Answered: true, RCode: 3, RTT: 3},
		{ID: 8, Query: "a", Type: 1, Time: 10, Answered: true}}, j.DNS)
	for range features.MaxJoined + 2 {
		join.AddHTTP(&j, &features.HTTPInfo{})
		join.AddFile(&j, &features.FileInfo{})
		join.AddAlert(&j, &features.AlertInfo{})
	}
	join.AddTLS(&j, &features.TLSInfo{ServerName: "first"})
	join.AddTLS(&j, &features.TLSInfo{ServerName: "second"})
	require.Equal(t, "first", j.TLS.ServerName)
	require.Len(t, j.HTTP, features.MaxJoined)
	require.Equal(t, 7, j.Dropped)
	require.Len(t, join.Text(make([]byte, 5000)), join.MaxText)
}
