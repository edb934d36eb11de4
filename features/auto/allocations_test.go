package auto_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/features/auto"
)

// varied are rows of every form that a reader has a way of its own for: n is a number of the row, and at its time. Hosts and texts come again.
var varied = []struct {
	name   string
	header string
	row    func(n int, at time.Time) string
}{
	{"Zeek TSV", "#separator \\x09\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\n", func(n int, at time.Time) string {
		return fmt.Sprintf("%d.%06d\tC%d\t10.0.%d.1\t%d\t2001:db8::%x\t443\ttcp\thttp,ssl", at.Unix(), n, n, n%50, n%60000, n%30)
	}},
	{"Zeek JSON", "", func(n int, at time.Time) string {
		return fmt.Sprintf(`{"ts":%d.25,"uid":"C%d","id.orig_h":"10.0.%d.1","id.orig_p":%d,"id.resp_h":"10.0.0.2","id.resp_p":443,"proto":"tcp","conn_state":"SF","service":"a\"b"}`, at.Unix(), n, n%50, n%60000)
	}},
	{"EVE", "", func(n int, at time.Time) string {
		return fmt.Sprintf(`{"timestamp":"%s.2+0000","flow_id":%d,"event_type":"flow","src_ip":"10.0.%d.1","dest_ip":"10.0.0.2","proto":"TCP","app_proto":"tls","flow":{"pkts_toserver":%[2]d,"start":"%[1]s.1+0000","end":"%[1]s.2+0000"}}`,
			at.Format("2006-01-02T15:04:05"), n, n%50)
	}},
	{"VPC, blanks", "", func(n int, at time.Time) string {
		return fmt.Sprintf("2 123456789010 eni-%d 10.0.%d.5 192.0.2.7 %d 443 %d 20 4249 %d %d ACCEPT OK", n%3, n%50, 1024+n%100, []int{6, 17, 99}[n%3], at.Unix(), at.Unix()+60)
	}},
	{"VPC, commas", "interface-id,srcaddr,dstaddr,srcport,dstport,protocol,packets,start,end,tcp-flags,log-status\n", func(n int, at time.Time) string {
		return fmt.Sprintf(`"eni""%d",10.0.%d.5,2001:db8::%x,%d,443,6,20,%d,%d,%d,%s`, n%3, n%50, n%30, 1024+n%100, at.Unix(), at.Unix()+60, n%20, []string{"OK", "OK", "NODATA", "SKIPDATA"}[n%4*(n%97/96)])
	}},
	{"VPC JSON", "", func(n int, at time.Time) string {
		return fmt.Sprintf(`{"interface_id":"eni-\u003%d","srcaddr":"10.0.%d.5","dstaddr":"192.0.2.7","srcport":%d,"dstport":443,"protocol":"6","packets":20,"start":%d,"end":%d,"x":{"y":[1.5,null]}}`, n%3, n%50, 1024+n%100, at.Unix(), at.Unix()+60)
	}},
	{"VPC JSON, an array of indented objects", "[\n", func(n int, at time.Time) string {
		return fmt.Sprintf("  {\n    \"srcaddr\": \"10.0.%d.5\",\n    \"dstaddr\": \"192.0.2.7\",\n    \"srcport\": %d,\n    \"protocol\": 6,\n    \"start\": %d,\n    \"end\": %d\n  },", n%50, 1024+n%100, at.Unix(), at.Unix()+60)
	}},
	{"nfdump 1.7, CSV", "ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt,ra\n", func(n int, at time.Time) string {
		return fmt.Sprintf("%s,%[1]s,0.250,147.32.%d.119,2001:db8::%x,%d,902,%s,...A..S.,0,0,1,60,%d,0,147.32.82.62", at.Format(time.DateTime), n%50, n%30, 1024+n%100, []string{"TCP", "UDP", "ICMP6", "99"}[n%4], n%2)
	}},
	{"nfdump, newer CSV", "cnt,af,firstSeen,lastSeen,proto,srcAddr,srcPort,dstAddr,dstPort,srcAS,dstAS,input,output,flags,srcTos,packets,bytes\n", func(n int, at time.Time) string {
		return fmt.Sprintf("%d,1,%s.000,%[2]s.250,6,147.32.%d.119,%d,147.32.82.62,902,0,0,0,0,....S.,0,1,60", n, at.Format(time.DateTime), n%50, 1024+n%100)
	}},
	{"nfdump JSON", "", func(n int, at time.Time) string {
		return fmt.Sprintf(`{"type":"FLOW","first":"%s.000","last":"%[1]s.250","proto":6,"src4_addr":"10.0.%d.1","dst4_addr":"10.0.0.2","src_port":%d,"dst_port":443,"tcp_flags":"...AP.SF","in_packets":5,"in_bytes":700,"out_packets":%d}`,
			at.Format("2006-01-02T15:04:05"), n%50, 1024+n%100, n%2)
	}},
	{"pmacct", "", func(n int, at time.Time) string {
		return fmt.Sprintf(`{"peer_ip_src":"10.9.9.%d","ip_src":"10.0.%d.1","ip_dst":"10.0.0.2","port_src":%d,"port_dst":443,"ip_proto":"%s","tcp_flags":["SYN","\u0041CK"],"timestamp_start":"%s.5","timestamp_end":"%[5]s.75","packets":5,"bytes":700}`,
			n%3, n%50, 1024+n%100, []string{"tcp", "udp"}[n%2], at.Format(time.DateTime))
	}},
	{"goflow2", "", func(n int, at time.Time) string {
		return fmt.Sprintf(`{"type":"IPFIX","time_flow_start_ns":%d,"time_flow_end_ns":%d,"bytes":1500,"packets":1,"src_addr":"10.0.%d.1","dst_addr":"10.0.0.2","src_port":%d,"dst_port":443,"proto":"TCP","sampler_address":"10.9.9.9","sampling_rate":%d,"tcp_flags":16}`,
			at.UnixNano(), at.UnixNano()+5e8, n%50, 1024+n%100, 1+n%2*99)
	}},
	{"binetflow", "StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,TotPkts,TotBytes,SrcBytes,SrcPkts,Label\n", func(n int, at time.Time) string {
		return fmt.Sprintf("%s.146156,1.25,%s,147.32.84.165,%d,   ->,2001:db8::%x,0x0050,%s,0,0,12,3000,1000,7,flow=%s", at.Format("2006/01/02 15:04:05"), []string{"tcp", "udp", "icmp", "arp"}[n%4], 1024+n%100, n%30,
			[]string{"FSPA_FSRPA", "CON", "ECO", "INT"}[n%4], []string{"From-Botnet-V42", "Background", "To-Normal"}[n%3])
	}},
	{"CICFlowMeter of 2018", "Dst Port,Protocol,Timestamp,Flow Duration,Tot Fwd Pkts,Tot Bwd Pkts,Label\n", func(n int, at time.Time) string {
		return fmt.Sprintf("%d,6,%s,1500000,7,%d,%s", n%60000, at.Format("02/01/2006 15:04:05"), n, []string{"Benign", "SSH-Bruteforce", "Infiltration - Attempted"}[n%3])
	}},
	{"CICFlowMeter 4", "Flow ID,Src IP,Src Port,Dst IP,Dst Port,Protocol,Timestamp,Flow Duration,Total Fwd Packet,Total Bwd packets,Label\n", func(n int, at time.Time) string {
		return fmt.Sprintf("%d-%d,192.168.10.5,%[2]d,104.16.1.1,443,17,%[3]s,%d,7,-1,BENIGN", n, n%60000, at.Format([]string{"02/01/2006 03:04:05 PM", "2/1/2006 3:04"}[n%2]), n%2*5)
	}},
	{"UNSW-NB15, partition", "dur,proto,service,state,spkts,dpkts,sbytes,dbytes,label\n", func(n int, _ time.Time) string {
		return fmt.Sprintf(`%d.5,tcp,"ht""tp",FIN,%d,1,1,1,%d`, n%9, n, n%2)
	}},
	{"UNSW-NB15, raw", "srcip,sport,dstip,dsport,dur,proto,service,state,spkts,dpkts,sbytes,dbytes,Stime,attack_cat\n", func(n int, at time.Time) string {
		return fmt.Sprintf(`59.166.0.%d,%d,149.171.126.1,0x%04x,1e-3,udp,dns,CON,%d,1,1,1,%d,%s`, n%50, n%60000, n%60000, n, at.Unix(), []string{"", " Fuzzers ", "Backdoors"}[n%3])
	}},
	{"NSL-KDD", "", func(n int, _ time.Time) string {
		return fmt.Sprintf("%d,tcp,%s,SF,491,%d%s,0.17,%s,20", n%9, []string{"ftp_data", "private"}[n%2], n, strings.Repeat(",0", 34), []string{"normal", "neptune"}[n%2])
	}},
}

// TestNoAllocationPerRecord reads logs of every form of every format: one that is four times as long costs as many allocations, but for those by
// which memory grows that is kept.
func TestNoAllocationPerRecord(t *testing.T) {
	const few = 1_500
	for _, f := range varied {
		var log strings.Builder
		log.WriteString(f.header)
		short, begin := 0, time.Date(2018, 2, 14, 10, 0, 0, 0, time.UTC)
		for n := range 4 * few {
			if n == few {
				short = log.Len()
			}
			log.WriteString(f.row(n, begin.Add(time.Duration(n)*time.Second)) + "\n")
		}
		count := func(log string) float64 {
			return testing.AllocsPerRun(1, func() {
				good, bad := 0, 0
				for _, err := range auto.Read(strings.NewReader(log), nil) {
					if err != nil {
						bad++
					}
					good++
				}
				require.Greater(t, good, few/20, f.name)
				require.Less(t, bad, good/20, f.name)
			})
		}
		more := count(log.String()) - count(log.String()[:short])
		t.Logf("%s: %.0f allocations more for %d more records", f.name, more, 3*few)
		require.LessOrEqual(t, more, few/30.0, "%s: allocations for %d more records", f.name, 3*few)
	}
}
