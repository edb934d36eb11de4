package unsw

import (
	"strings"

	"threatdetect/features"
)

// numeric is the number of numeric columns. Column i < numeric is features.UNSWColumns[i].
const numeric = len(features.UNSWColumns)

// The other columns, behind the numeric ones.
const (
	colProto = numeric + iota
	colService
	colState
	colSrcIP
	colSport
	colDstIP
	colDsport
	colStime
	colLabel
	colAttack
	colAsked // the column that Options.Label names
	numColumns
)

// The numeric columns that are read by more than their place.
var (
	colDur    = columnOf["dur"]
	colSpkts  = columnOf["spkts"]
	colDpkts  = columnOf["dpkts"]
	colSbytes = columnOf["sbytes"]
	colDbytes = columnOf["dbytes"]
	colRate   = columnOf["rate"]
)

// columnOf holds the columns by name: lower case, without blanks, and with the raw files' names beside the partitions'.
var columnOf = func() map[string]int {
	m := map[string]int{
		"proto": colProto, "service": colService, "state": colState, "srcip": colSrcIP, "sport": colSport, "dstip": colDstIP,
		"dsport": colDsport, "stime": colStime, "label": colLabel, "attack_cat": colAttack,
	}
	for i, name := range features.UNSWColumns {
		m[name] = i
	}
	for raw, name := range map[string]string{
		"smeansz": "smean", "dmeansz": "dmean", "sintpkt": "sinpkt", "dintpkt": "dinpkt", "res_bdy_len": "response_body_len",
	} {
		m[raw] = m[name]
	}
	return m
}()

// required are the columns that a header must name.
var required = [...]string{"dur", "proto", "service", "state", "spkts", "dpkts", "sbytes", "dbytes"}

// rawNames are the 49 columns of the raw files.
var rawNames = strings.Fields(`srcip sport dstip dsport proto state dur sbytes dbytes sttl dttl sloss dloss service Sload Dload
	Spkts Dpkts swin dwin stcpb dtcpb smeansz dmeansz trans_depth res_bdy_len Sjit Djit Stime Ltime Sintpkt Dintpkt tcprtt synack
	ackdat is_sm_ips_ports ct_state_ttl ct_flw_http_mthd is_ftp_login ct_ftp_cmd ct_srv_src ct_srv_dst ct_dst_ltm ct_src_ltm
	ct_src_dport_ltm ct_dst_sport_ltm ct_dst_src_ltm attack_cat Label`)

// schema is where the columns of a file are.
type schema struct {
	fields int
	index  [numColumns]int    // of a column among the fields, -1 if there is none
	names  [numColumns]string // as the file spells them
}

// newSchema finds the columns among the names of a header; of several of one column the first counts. asked is the label column; "" for none.
func newSchema(names []string, asked string) *schema {
	s := &schema{fields: len(names)}
	for c := range s.index {
		s.index[c] = -1
	}
	for i, name := range names {
		if asked != "" && s.index[colAsked] < 0 && name == asked {
			s.index[colAsked] = i
		}
		// The raw files' own list of columns has a blank in "ct_src_ ltm".
		if c, ok := columnOf[strings.ToLower(strings.ReplaceAll(name, " ", ""))]; ok && s.index[c] < 0 {
			s.index[c], s.names[c] = i, name
		}
	}
	if asked != "" && s.index[colAsked] < 0 {
		for i, name := range names {
			if strings.EqualFold(name, asked) {
				s.index[colAsked] = i
				break
			}
		}
	}
	return s
}
