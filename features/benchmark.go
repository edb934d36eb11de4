package features

import "slices"

// The sets of whole data sets: their own columns, which no live log has. They are for comparing with published results.

// NSLColumns are the 41 columns of NSL-KDD in the order of its files. Those at 1, 2 and 3 are categories.
var NSLColumns = [41]string{
	"duration", "protocol_type", "service", "flag", "src_bytes", "dst_bytes", "land", "wrong_fragment", "urgent", "hot",
	"num_failed_logins", "logged_in", "num_compromised", "root_shell", "su_attempted", "num_root", "num_file_creations", "num_shells",
	"num_access_files", "num_outbound_cmds", "is_host_login", "is_guest_login", "count", "srv_count", "serror_rate", "srv_serror_rate",
	"rerror_rate", "srv_rerror_rate", "same_srv_rate", "diff_srv_rate", "srv_diff_host_rate", "dst_host_count", "dst_host_srv_count",
	"dst_host_same_srv_rate", "dst_host_diff_srv_rate", "dst_host_same_src_port_rate", "dst_host_srv_diff_host_rate",
	"dst_host_serror_rate", "dst_host_srv_serror_rate", "dst_host_rerror_rate", "dst_host_srv_rerror_rate",
}

// NSL holds what an NSL-KDD record has beyond a flow.
type NSL struct {
	Values                      [len(NSLColumns)]float64 // in the order of NSLColumns; NaN is missing, and the categories' places are unused
	ProtocolType, Service, Flag string                   // trimmed, otherwise as in the file
}

var (
	unsw42Columns = func() []Column {
		columns := []Column{{Name: UNSWColumns[0], Unit: "s", Doc: "column of UNSW-NB15"}}
		for _, name := range seedCategories {
			columns = append(columns, Column{Name: name, Doc: "number of the value in UNSW-NB15's vocabulary, missing if it is not in it"})
		}
		for _, name := range UNSWColumns[1:] {
			columns = append(columns, Column{Name: name, Doc: "column of UNSW-NB15"})
		}
		return columns
	}()

	nsl41Columns = func() []Column {
		columns := make([]Column, len(NSLColumns))
		for i, name := range NSLColumns {
			columns[i] = Column{Name: name, Doc: "column of NSL-KDD"}
			if 1 <= i && i <= 3 {
				columns[i].Doc = "number of the value among those of KDDTrain+, missing if it is not one of them"
			}
		}
		return columns
	}()
)

func fillUNSW42(row []float32, f *Flow) {
	row = row[:len(UNSWColumns)+3]
	u := f.UNSW
	row[0] = round(u.Values[0])
	for i := range seedCategories {
		row[1+i] = categoryNumber(unsw42Vocabulary[i], u.category(i))
	}
	for i, v := range u.Values[1:] {
		row[4+i] = round(v)
	}
}

func fillNSL41(row []float32, f *Flow) {
	row = row[:len(NSLColumns)]
	for i, v := range f.NSL.Values {
		row[i] = round(v)
	}
	for i, value := range [...]string{f.NSL.ProtocolType, f.NSL.Service, f.NSL.Flag} {
		row[1+i] = categoryNumber(nsl41Vocabulary[i], value)
	}
}

// categoryNumber is the place of a value in a sorted vocabulary.
func categoryNumber(vocabulary []string, value string) float32 {
	if k, ok := slices.BinarySearch(vocabulary, value); ok {
		return float32(k)
	}
	return nan32
}
