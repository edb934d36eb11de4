package auto_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/auto"
	"threatdetect/internal/testkit/logs"
)

type limitedFormat struct {
	name   string
	format auto.Format
	header string // of CSV and TSV; FREE is the name of the column that nobody reads
	row    string // FREE is a cell, or members of a JSON object
	keys   int    // of a JSON object without these
}

// separator is what is between the cells of a row, "" in JSON.
func (f *limitedFormat) separator() string {
	switch {
	case strings.HasPrefix(f.row, "{"):
		return ""
	case strings.Contains(f.row, "\t"):
		return "\t"
	case strings.Contains(f.row, ","):
		return ","
	}
	return " "
}

// limited are formats of all kinds: the header of a log, a row of it, and a place for what nobody reads.
var limited = []limitedFormat{
	{"Zeek TSV", auto.Zeek, "#separator \\x09\n#path\tconn\n#fields\tts\tid.orig_h\tid.resp_h\tproto\tFREE\n", "1.5\t10.0.0.1\t10.0.0.2\ttcp\tFREE", 0},
	{"nfdump", auto.NetFlow, "ts,te,sa,da,pr,FREE\n", "2018-01-12 15:37:30,2018-01-12 15:37:31,10.0.0.1,10.0.0.2,TCP,FREE", 0},
	{"binetflow", auto.Binetflow, "StartTime,Proto,SrcAddr,DstAddr,FREE\n", "1.5,tcp,10.0.0.1,10.0.0.2,FREE", 0},
	{"binetflow, tabs", auto.Binetflow, "StartTime\tProto\tSrcAddr\tDstAddr\tFREE\n", "1.5\ttcp\t10.0.0.1\t10.0.0.2\tFREE", 0},
	{"CICFlowMeter", auto.CICFlow, "Flow Duration,Total Fwd Packets,Total Backward Packets,FREE\n", "5,1,1,FREE", 0},
	{"UNSW-NB15", auto.UNSW, "dur,proto,service,state,spkts,dpkts,sbytes,dbytes,FREE\n", "1,tcp,-,FIN,1,1,1,1,FREE", 0},
	{"NSL-KDD", auto.NSLKDD, "", "0,tcp,http,SF" + strings.Repeat(",0", 37) + ",FREE", 0},
	{"VPC, commas", auto.VPCFlow, "srcaddr,dstaddr,srcport,dstport,protocol,start,end,FREE\n", "10.0.0.1,10.0.0.2,1,2,6,1418530010,1418530070,FREE", 0},
	{"VPC, blanks", auto.VPCFlow, "srcaddr dstaddr srcport dstport protocol start end FREE\n", "10.0.0.1 10.0.0.2 1 2 6 1418530010 1418530070 FREE", 0},
	{"Zeek JSON", auto.Zeek, "", `{"ts":1.5,"id.orig_h":"10.0.0.1","id.resp_h":"10.0.0.2","proto":"tcp","conn_state":"SF"FREE}`, 5},
	{"EVE", auto.EVE, "", `{"timestamp":"2020-01-05T00:00:00.2+0000","event_type":"flow","src_ip":"10.0.0.1","dest_ip":"10.0.0.2","proto":"TCP","flow":{"start":"2020-01-05T00:00:00.1+0000","end":"2020-01-05T00:00:00.2+0000"}FREE}`, 6},
	{"VPC JSON", auto.VPCFlow, "", `{"srcaddr":"10.0.0.1","dstaddr":"10.0.0.2","protocol":6,"start":1418530010,"end":1418530070FREE}`, 5},
	{"NetFlow JSON", auto.NetFlow, "", `{"ip_src":"10.0.0.1","ip_dst":"10.0.0.2","ip_proto":"tcp","packets":5,"bytes":"7"FREE}`, 5},
}

// TestLimits has records at each limit of READ-5, and over it: these alone are skipped, and the one behind them is read.
func TestLimits(t *testing.T) {
	for _, f := range limited {
		t.Run(f.name, func(t *testing.T) {
			check := func(what, column, at, over string, want features.Reason) {
				t.Helper()
				row := func(free string) string { return strings.ReplaceAll(f.row, "FREE", free) + "\n" }
				good := at
				if strings.HasPrefix(f.row, "{") {
					good = ""
				}
				r := logs.Read(t, auto.Read(strings.NewReader(strings.ReplaceAll(f.header, "FREE", column)+row(at)+row(over)+row(good)), &auto.Options{Format: f.format}))
				require.NoError(t, r.Err, what)
				require.EqualValues(t, 2, r.Account.Flows, what)
				require.Equal(t, map[features.Reason]int64{want: 1}, r.Skipped(), what)
			}
			if strings.HasPrefix(f.row, "{") {
				deep := func(n int) string {
					return `,"x":` + strings.Repeat(`{"a":[`, n/2) + strings.Repeat("[]", n%2) + strings.Repeat("]}", n/2)
				}
				check("nesting", "", deep(63), deep(64), features.ReasonMalformed)
				members := func(n int) (text string) {
					for i := range n {
						text += fmt.Sprintf(`,"x%d":1`, i)
					}
					return text
				}
				check("members", "", members(1024-f.keys), members(1025-f.keys), features.ReasonMalformed)
				return
			}
			by := f.separator()
			if f.name != "Zeek TSV" && by != " " { // which are no CSV
				long := strings.Repeat("x", 64<<10)
				check("a cell", "x", long, long+"x", features.ReasonMalformed)
				check("a cell in quotes", "x", `"`+long+`"`, `"`+long+`x"`, features.ReasonMalformed)
				check("quotes in quotes", "x", `"`+strings.Repeat(`""`, 64<<10)+`"`, `"`+strings.Repeat(`""`, 64<<10)+`x"`, features.ReasonMalformed)
				check("blanks", "x", long[1:]+" ", long+" ", features.ReasonMalformed)
				check("malformed before fields", "x", long, "x"+strings.Repeat(by, 2000)+long+"x", features.ReasonMalformed)
			}
			if f.header == "" { // the columns are what they are
				check("cells", "", "normal", "normal"+strings.Repeat(by+"0", 2000), features.ReasonFields)
				return
			}
			cells := func(n int) string {
				var names []string
				for i := range n {
					names = append(names, fmt.Sprint("x", i))
				}
				return strings.Join(names, by)
			}
			there := strings.Count(f.row, by)
			check("cells", cells(1024-there), cells(1024-there), cells(1025-there), features.ReasonFields)
			wide := strings.ReplaceAll(f.header, "FREE", cells(1025-there)) + strings.ReplaceAll(f.row, "FREE", cells(1025-there)) + "\n"
			r := logs.Read(t, auto.Read(strings.NewReader(wide), &auto.Options{Format: f.format}))
			require.Empty(t, r.Flows, "more columns than there may be")
			if r.Err == nil {
				require.Equal(t, map[features.Reason]int64{features.ReasonFields: 1}, r.Skipped())
			} else {
				require.ErrorIs(t, r.Err, features.ErrFormat)
			}
		})
	}
}
