package unsw

// BlockSize is how many records, in order of their last second, the authors of UNSW-NB15 counted in. The published files differ from it now and then by a few
// records, as if some had been removed later.
const BlockSize = 100

// BlockRecord is what the counters of connections look at.
type BlockRecord struct {
	Src, Dst         string // addresses
	SrcPort, DstPort string
	Service          string // "-" is a service as well
	Last             int64  // second of the last packet, Ltime
}

// BlockCounts are the columns ct_srv_src, ct_srv_dst, ct_dst_ltm, ct_src_ltm, ct_src_dport_ltm, ct_dst_sport_ltm and ct_dst_src_ltm of a record as they are in the
// published files: how many records of its block, itself among them, have the same source and service, or destination and service; and how many of the same block
// and the same last second have the same destination; source; source and destination port; destination and source port; source and destination.
//
// They count records that come later, too, so that a sensor could tell them a block late only, and they depend on how fast records come. They are for
// reproducing published results and no column of any feature set: those of flow-context/1 look back only.
type BlockCounts struct {
	SrvSrc, SrvDst, Dst, Src, SrcDport, DstSport, DstSrc int
}

// CountBlock returns the counts of the records of one block, in their order.
func CountBlock(block []BlockRecord) []BlockCounts {
	type key struct {
		a, b string
		last int64
	}
	var tables [7]map[key]int
	for i := range tables {
		tables[i] = make(map[key]int, len(block))
	}
	keys := func(r *BlockRecord) [7]key {
		return [7]key{
			{r.Src, r.Service, 0}, {r.Dst, r.Service, 0},
			{r.Dst, "", r.Last}, {r.Src, "", r.Last}, {r.Src, r.DstPort, r.Last}, {r.Dst, r.SrcPort, r.Last}, {r.Src, r.Dst, r.Last},
		}
	}
	for i := range block {
		for k, at := range keys(&block[i]) {
			tables[k][at]++
		}
	}
	counts := make([]BlockCounts, len(block))
	for i := range block {
		k := keys(&block[i])
		counts[i] = BlockCounts{tables[0][k[0]], tables[1][k[1]], tables[2][k[2]], tables[3][k[3]], tables[4][k[4]], tables[5][k[5]], tables[6][k[6]]}
	}
	return counts
}
