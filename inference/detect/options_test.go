package detect

import (
	"math"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/eve"
	"threatdetect/model"
)

// A model that was trained with the networks of the site judges by them, of a log that does not tell them: they come with the contract.
func TestContractTellsTheSite(t *testing.T) {
	set, err := features.LookupSet("flow-full/1")
	require.NoError(t, err)
	set, err = set.With(&features.SetOptions{LocalNets: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}})
	require.NoError(t, err)
	contract, err := features.NewContract(set, time.Unix(0, 0))
	require.NoError(t, err)
	text, err := contract.Canonical()
	require.NoError(t, err)
	contract, err = features.ParseContract(text)
	require.NoError(t, err)

	out := slices.IndexFunc(contract.Columns, func(c features.ColumnSpec) bool { return c.Name == "direction=out" })
	stump := model.Tree{Left: []int32{1, -1, -1}, Right: []int32{2, -1, -1}, Feature: []int32{int32(out), math.MaxInt32, math.MaxInt32},
		Value: []float32{0.5, -3, 3}, DefaultLeft: make([]bool, 3)}
	booster := &model.Booster{Version: model.Version{3, 2, 0}, Kind: "gbtree", Objective: "binary:logistic", NumFeature: len(contract.Columns), NumTarget: 1,
		BaseIsMargin: true, BaseScore: []float32{0}, NumParallelTree: 1, Attributes: map[string]string{}, Trees: []model.Tree{stump}, TreeGroup: []int32{0}, IterationStart: []int32{0, 1}}
	d, err := New(booster, contract, nil)
	require.NoError(t, err)

	var log strings.Builder
	for _, ends := range [][2]string{{"10.1.2.3", "198.51.100.9"}, {"198.51.100.9", "10.1.2.3"}, {"10.1.2.3", "10.9.9.9"}, {"2001:db8::7", "2600::1"}, {"192.168.1.1", "198.51.100.9"}} {
		log.WriteString(`{"timestamp":"2021-06-06T15:59:46.457984+0200","event_type":"flow","src_ip":"` + ends[0] + `","dest_ip":"` + ends[1] +
			`","proto":"UDP","flow":{"pkts_toserver":7,"start":"2021-06-06T15:58:46.457984+0200"}}` + "\n")
	}
	var threats []bool
	var directions [2][]string // as ECS and OCSF tell them
	for v, err := range d.Stream().Verdicts(eve.Read(strings.NewReader(log.String()), nil)) {
		require.NoError(t, err)
		threats = append(threats, v.Threat)
		for i, form := range []OutputFormat{ECS, OCSF} {
			m := regexp.MustCompile(`"direction(?:_id)?":"?(\w+)`).FindStringSubmatch(record(t, form, d.about(), v))
			require.NotNil(t, m)
			directions[i] = append(directions[i], m[1])
		}
	}
	require.Equal(t, []bool{true, false, false, true, false}, threats)
	require.Equal(t, [2][]string{{"outbound", "inbound", "internal", "outbound", "external"}, {"2", "1", "3", "2", "0"}}, directions)

	// The networks win over a log that says otherwise; where addresses are not known, nothing is.
	f := fullFlow()
	f.LocalSrc = true
	require.NotContains(t, record(t, ECS, d.about(), &Verdict{Flow: f}), `"direction":"outbound"`)
	require.Contains(t, record(t, ECS, binaryAbout(), &Verdict{Flow: f}), `"direction":"outbound"`)
	f.Known &^= features.FieldAddrs
	require.NotContains(t, record(t, ECS, d.about(), &Verdict{Flow: f}), "direction")
}
