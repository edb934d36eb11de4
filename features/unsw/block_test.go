package unsw_test

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features/unsw"
)

func ExampleCountBlock() {
	block := []unsw.BlockRecord{
		{"10.0.0.1", "10.0.0.9", "1025", "53", "dns", 7},
		{"10.0.0.1", "10.0.0.9", "1026", "53", "dns", 8},
		{"10.0.0.2", "10.0.0.9", "1027", "53", "dns", 8},
	}
	for _, c := range unsw.CountBlock(block) {
		fmt.Println(c.SrvSrc, c.SrvDst, c.Dst, c.DstSrc)
	}
	// Output:
	// 2 3 1 1
	// 2 3 2 1
	// 1 3 2 1
}

// rawBlocks reads the first records of a raw file and the seven counts that it has of each.
func rawBlocks(t *testing.T) (records []unsw.BlockRecord, published []unsw.BlockCounts) {
	t.Helper()
	f, err := os.Open("../../../shared/data/unsw-nb15/UNSW-NB15_1.head3400.csv.gz")
	if os.IsNotExist(err) {
		t.Skip("no sample files: they are not part of the module, see their README for terms")
	}
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	rows, err := csv.NewReader(z).ReadAll()
	require.NoError(t, err)
	for _, row := range rows {
		row[0] = strings.TrimPrefix(row[0], "\ufeff")
		n := func(i int) int {
			v, err := strconv.Atoi(strings.TrimSpace(row[i]))
			require.NoError(t, err)
			return v
		}
		records = append(records, unsw.BlockRecord{Src: row[0], SrcPort: row[1], Dst: row[2], DstPort: row[3], Service: row[13], Last: int64(n(29))})
		// ct_srv_src, ct_srv_dst, ct_dst_ltm, ct_src_ltm, ct_src_dport_ltm, ct_dst_sport_ltm, ct_dst_src_ltm are columns 41 to 47.
		published = append(published, unsw.BlockCounts{SrvSrc: n(40), SrvDst: n(41), Dst: n(42), Src: n(43), SrcDport: n(44), DstSport: n(45), DstSrc: n(46)})
	}
	require.Len(t, records, 3400)
	return records, published
}

func cells(c unsw.BlockCounts) [7]int {
	return [7]int{c.SrvSrc, c.SrvDst, c.Dst, c.Src, c.SrcDport, c.DstSport, c.DstSrc}
}

// same counts, column by column, how many counts are the published ones.
func same(got, published []unsw.BlockCounts, from, to int) (n [7]int) {
	for i := range got {
		a, b := cells(got[i]), cells(published[i])
		for k := from; k < to; k++ {
			if a[k] == b[k] {
				n[k]++
			}
		}
	}
	return n
}

// TestPublishedCounts makes the seven columns of the published file anew: with blocks of a hundred, which drift off slowly, and with blocks of the length that
// fits the two columns without time best.
func TestPublishedCounts(t *testing.T) {
	records, published := rawBlocks(t)
	var plain []unsw.BlockCounts
	for i := 0; i < 2000; i += unsw.BlockSize {
		plain = append(plain, unsw.CountBlock(records[i:i+unsw.BlockSize])...)
	}
	for k, n := range same(plain, published, 0, 7) {
		t.Logf("blocks of 100, first 2,000 records, column %d: %.1f %%", k, float64(n)/20)
		require.GreaterOrEqual(t, n, 1900)
	}

	var total [7]int
	counted := 0
	for start := 0; start+111 <= len(records); { // behind that is a part of a block
		var best []unsw.BlockCounts
		fit := -1.0
		for length := 95; length <= 111; length++ {
			c := unsw.CountBlock(records[start : start+length])
			n := same(c, published[start:], 0, 2)
			if share := float64(n[0]+n[1]) / float64(length); share > fit {
				best, fit = c, share
			}
		}
		for k, n := range same(best, published[start:], 0, 7) {
			total[k] += n
		}
		counted += len(best)
		start += len(best)
	}
	require.Greater(t, counted, 3200)
	for k, n := range total {
		t.Logf("aligned blocks, column %d: %.2f %% of %d", k, 100*float64(n)/float64(counted), counted)
		require.GreaterOrEqual(t, float64(n), 0.99*float64(counted))
	}

	// A window over the last hundred records, as the feature list reads, is something else.
	wrong := 0
	for i := 100; i < 2000; i++ {
		c := unsw.CountBlock(records[i-99 : i+1])[99]
		n := 0
		for _, r := range records[i-99 : i+1] {
			if r.Dst == records[i].Dst {
				n++
			}
		}
		if n != published[i].Dst || c.SrvSrc != published[i].SrvSrc {
			wrong++
		}
	}
	require.Greater(t, wrong, 1500)
}
