package parquet_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"testing"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/vpcflow"
	"threatdetect/features/vpcflow/parquet"
	"threatdetect/internal/testkit/logs"
)

// record is a row as AWS writes it: 32-bit and 64-bit integers, the rest strings, all of them optional.
type record struct {
	Version     *int32  `parquet:"version,optional"`
	AccountID   *string `parquet:"account_id,optional,dict"`
	InterfaceID *string `parquet:"interface_id,optional,dict"`
	SrcAddr     *string `parquet:"srcaddr,optional,dict"`
	DstAddr     *string `parquet:"dstaddr,optional"`
	SrcPort     *int32  `parquet:"srcport,optional"`
	DstPort     *int32  `parquet:"dstport,optional"`
	Protocol    *int32  `parquet:"protocol,optional"`
	Packets     *int64  `parquet:"packets,optional"`
	Bytes       *int64  `parquet:"bytes,optional"`
	Start       *int64  `parquet:"start,optional"`
	End         *int64  `parquet:"end,optional"`
	Action      *string `parquet:"action,optional"`
	TCPFlags    *int32  `parquet:"tcp_flags,optional"`
	LogStatus   *string `parquet:"log_status,optional"`
	PktSrcAddr  *string `parquet:"pkt_srcaddr,optional"`
}

func random(rng *rand.Rand, n int) (rows []record, text string) {
	var b strings.Builder
	b.WriteString("interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end tcp-flags log-status pkt-srcaddr\n")
	str := func(choices ...string) *string {
		s := choices[rng.IntN(len(choices))]
		if s == "" {
			return nil
		}
		return &s
	}
	i32 := func(choices ...int32) *int32 {
		if rng.IntN(50) == 0 {
			return nil
		}
		return &choices[rng.IntN(len(choices))]
	}
	i64 := func(v int64) *int64 {
		if rng.IntN(50) == 0 {
			return nil
		}
		return &v
	}
	now := int64(1700000000)
	for range n {
		now += rng.Int64N(5)
		r := record{InterfaceID: str("eni-1", "eni-2", "-", ""), SrcAddr: str("10.0.0.1", "10.0.0.2", "::1", "x", "-"), DstAddr: str("10.0.0.1", "10.0.0.2", ""),
			SrcPort: i32(80, 51000, 70000), DstPort: i32(80, 51000), Protocol: i32(6, 17, 1, 300), Packets: i64(rng.Int64N(100)), Bytes: i64(-5 + rng.Int64N(900)),
			Start: i64(now), End: i64(now + rng.Int64N(60)), TCPFlags: i32(0, 2, 18, 3), LogStatus: str("OK", "OK", "OK", "NODATA", "SKIPDATA", ""), PktSrcAddr: str("", "", "-", "10.0.0.1")}
		rows = append(rows, r)
		word := func(v any) string {
			switch v := v.(type) {
			case *string:
				if v != nil {
					return *v
				}
			case *int32:
				if v != nil {
					return fmt.Sprint(*v)
				}
			case *int64:
				if v != nil {
					return fmt.Sprint(*v)
				}
			}
			return "-"
		}
		for _, v := range []any{r.InterfaceID, r.SrcAddr, r.DstAddr, r.SrcPort, r.DstPort, r.Protocol, r.Packets, r.Bytes, r.Start, r.End, r.TCPFlags, r.LogStatus, r.PktSrcAddr} {
			b.WriteString(word(v) + " ")
		}
		b.WriteByte('\n')
	}
	return rows, b.String()
}

func write(t testing.TB, rows []record, codec compress.Codec, perGroup int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := pq.NewGenericWriter[record](&b, pq.Compression(codec), pq.PageBufferSize(700))
	for len(rows) > 0 {
		n := min(perGroup, len(rows))
		_, err := w.Write(rows[:n])
		require.NoError(t, err)
		require.NoError(t, w.Flush())
		rows = rows[n:]
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// TestEqualsText reads the same records from Parquet, of every compression, and from text.
func TestEqualsText(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for name, codec := range map[string]compress.Codec{"snappy": &pq.Snappy, "gzip": &pq.Gzip, "zstd": &pq.Zstd, "plain": &pq.Uncompressed} {
		rows, text := random(rng, 2000)
		want := logs.Read(t, vpcflow.Read(strings.NewReader(text), nil))
		file := write(t, rows, codec, 450)
		require.Equal(t, parquet.Magic, string(file[:4]))
		for _, got := range []*logs.Result{
			logs.Read(t, parquet.ReadAt(bytes.NewReader(file), int64(len(file)), nil)),
			logs.Read(t, parquet.Read(bytes.NewReader(file), nil)),
		} {
			require.NoError(t, got.Err, name)
			require.Equal(t, want.Account, got.Account, name)
			require.Equal(t, want.Flows, got.Flows, name)
			require.Len(t, got.Bad, len(want.Bad))
			for i := range got.Bad {
				require.Equal(t, want.Bad[i].Reason, got.Bad[i].Reason)
				require.Equal(t, want.Bad[i].Line-1, got.Bad[i].Line)
			}
		}
	}
}

// The library allocates for each row group and page; this reader, and what makes flows of records, for no record.
func TestNoAllocationPerRecord(t *testing.T) {
	rows, _ := random(rand.New(rand.NewPCG(3, 4)), 8_000)
	count := func(rows []record) float64 {
		var file bytes.Buffer
		w := pq.NewGenericWriter[record](&file, pq.Compression(&pq.Snappy)) // pages of the usual size
		_, err := w.Write(rows)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		return testing.AllocsPerRun(1, func() {
			for range parquet.ReadAt(bytes.NewReader(file.Bytes()), int64(file.Len()), nil) {
			}
		})
	}
	more := count(rows) - count(rows[:2_000])
	t.Logf("%.0f allocations more for 6,000 more records", more)
	require.LessOrEqual(t, more, 200.0)
}

func TestFaults(t *testing.T) {
	rows, _ := random(rand.New(rand.NewPCG(3, 3)), 500)
	file := write(t, rows, &pq.Snappy, 200)
	read := func(file []byte) error {
		return logs.Read(t, parquet.ReadAt(bytes.NewReader(file), int64(len(file)), nil)).Err
	}
	require.NoError(t, read(file))
	for name, bad := range map[string][]byte{"empty": {}, "magic alone": []byte("PAR1"), "cut": file[:len(file)-9], "a footer too long": append([]byte("PAR1xxxxxxxx\xff\xff\xff\xff"), "PAR1"...)} {
		err := read(bad)
		require.ErrorIs(t, err, features.ErrFormat, name)
		require.ErrorContains(t, err, "Parquet: ", name)
	}
	var b bytes.Buffer
	require.NoError(t, pq.Write(&b, []struct {
		SrcAddr string `parquet:"srcaddr"`
	}{{"x"}}))
	require.ErrorContains(t, read(b.Bytes()), "no column dstaddr; there are srcaddr")
	b.Reset()
	require.NoError(t, pq.Write(&b, []struct {
		SrcAddr []string `parquet:"srcaddr"`
	}{{[]string{"x"}}}))
	require.ErrorContains(t, read(b.Bytes()), "is a list")

	// Whoever stops is not called again.
	for range parquet.Read(bytes.NewReader(file), nil) {
		break
	}
}

// TestDamaged changes bytes of a file, most of them where they matter: the footer and the page headers. There is an error or
// not, but no panic, and no more memory than the bounds allow.
func TestDamaged(t *testing.T) {
	rows, _ := random(rand.New(rand.NewPCG(4, 4)), 120)
	file := write(t, rows, &pq.Snappy, 60)
	rng := rand.New(rand.NewPCG(5, 5))
	n := 1500
	if testing.Short() {
		n = 300
	}
	var before, after runtime.MemStats
	failed := 0
	for range n {
		bad := bytes.Clone(file)
		for range 1 + rng.IntN(3) {
			at := rng.IntN(len(bad))
			if rng.IntN(2) == 0 {
				at = len(bad) - 1 - rng.IntN(len(bad)/3)
			}
			bad[at] = byte(rng.IntN(256))
		}
		runtime.ReadMemStats(&before)
		r := logs.Read(t, parquet.ReadAt(bytes.NewReader(bad), int64(len(bad)), nil))
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<30))
		if r.Err != nil {
			failed++
		}
	}
	require.Greater(t, failed, n/10)
}

func Example() {
	str, num, big := func(s string) *string { return &s }, func(n int32) *int32 { return &n }, func(n int64) *int64 { return &n }
	var b bytes.Buffer
	err := pq.Write(&b, []record{{SrcAddr: str("10.0.0.5"), DstAddr: str("192.0.2.7"), DstPort: num(443), Protocol: num(6), Packets: big(20), Start: big(100), End: big(160)}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	for flow, err := range parquet.Read(&b, nil) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(flow.Src, flow.Dst, flow.DstPort, flow.FwdPkts)
	}
	// Output:
	// 10.0.0.5 192.0.2.7 443 20
}
