package nslkdd_test

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/nslkdd"
	"threatdetect/internal/testkit/logs"
)

const (
	normal  = "0,tcp,ftp_data,SF,491,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,2,2,0.00,0.00,0.00,0.00,1.00,0.00,0.00,150,25,0.17,0.03,0.17,0.00,0.00,0.00,0.05,0.00,normal,20"
	neptune = "2.5,tcp,private,REJ,0,7,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,229,10,0.00,0.00,1.00,1.00,0.04,0.06,0.00,255,10,0.04,0.06,0.00,0.00,0.00,0.00,1.00,1.00,neptune."
)

func read(t testing.TB, log string, opts *nslkdd.Options) *logs.Result {
	t.Helper()
	return logs.Read(t, nslkdd.Read(strings.NewReader(log), opts))
}

func TestRead(t *testing.T) {
	r := read(t, normal+"\n\n"+neptune+"\r\n", nil)
	require.NoError(t, r.Err)
	require.Len(t, r.Flows, 2)
	require.Empty(t, r.Bad)
	f := r.Flows[0]
	require.Equal(t, features.Benign, f.Label)
	require.Empty(t, f.LabelText)
	require.Equal(t, []string{"tcp", "ftp_data", "SF"}, []string{f.NSL.ProtocolType, f.NSL.Service, f.NSL.Flag})
	require.Equal(t, 491.0, f.NSL.Values[4])
	require.Equal(t, 0.17, f.NSL.Values[33])
	require.True(t, f.Has(features.FieldProto|features.FieldDuration|features.FieldFwdPayload|features.FieldRevPayload))
	require.False(t, f.Has(features.FieldAddrs))
	require.EqualValues(t, 491, f.FwdPayload)
	require.Equal(t, features.Attack, r.Flows[1].Label)
	require.EqualValues(t, 2500000000, r.Flows[1].Duration)
	require.EqualValues(t, 7, r.Flows[1].RevPayload)
}

func TestLabels(t *testing.T) {
	for column, want := range map[string][]string{"label": {"normal", "neptune"}, "Difficulty": {"20", ""}, "flag": {"SF", "REJ"}} {
		r := read(t, normal+"\n"+neptune+"\n", &nslkdd.Options{Label: column})
		require.NoError(t, r.Err)
		require.Equal(t, want, []string{string(r.Flows[0].LabelText), string(r.Flows[1].LabelText)}, column)
		require.Equal(t, features.Attack, r.Flows[1].Label)
	}
	r := read(t, normal+"\n", &nslkdd.Options{Label: "attack"})
	require.ErrorIs(t, r.Err, features.ErrFormat)
	require.ErrorContains(t, r.Err, "no column attack; there are duration, protocol_type")
	unlabelled := strings.Replace(normal, "normal", "-", 1)
	require.Equal(t, features.Unlabelled, read(t, unlabelled+"\n", nil).Flows[0].Label)
}

func TestHeaderAndFaults(t *testing.T) {
	header := strings.Join(features.NSLColumns[:], ",") + ",label,difficulty\n"
	r := read(t, header+normal+"\n"+strings.Replace(normal, "491", "4_91", 1)+"\n"+normal+",1\n"+strings.Replace(normal, "0.17", "nan", 1)+"\n\"x\n"+normal[:20], nil)
	require.NoError(t, r.Err)
	require.Len(t, r.Flows, 2)
	require.True(t, math.IsNaN(r.Flows[1].NSL.Values[33]))
	require.Equal(t, map[features.Reason]int64{features.ReasonNumber: 1, features.ReasonFields: 1, features.ReasonMalformed: 1, features.ReasonTruncated: 1}, r.Skipped())
	require.Equal(t, "src_bytes", r.Bad[0].Field)
	require.Equal(t, "4_91", string(r.Bad[0].Text))
	require.EqualValues(t, 3, r.Bad[0].Line)
	require.Equal(t, `line 3: field src_bytes: not a number of the expected kind: "4_91"`, r.Bad[0].Error())
}

// TestSamples has the counts of the samples' README.
func TestSamples(t *testing.T) {
	for name, want := range map[string][3]int{ // records, normal, attack
		"KDDTrain+.txt": {125973, 67343, 58630}, "KDDTest+.txt": {22544, 9711, 12833}, "KDDTest-21.txt": {11850, 2152, 9698},
	} {
		t.Run(name, func(t *testing.T) {
			counts := map[features.Label]int{}
			attacks := map[string]int{}
			var acct features.Account
			for f, err := range nslkdd.Read(logs.Sample(t, "../..", "nsl-kdd/"+name+".gz"), &nslkdd.Options{Label: "label"}) {
				require.NoError(t, err)
				require.NoError(t, acct.Add(f, err))
				counts[f.Label]++
				attacks[string(f.LabelText)]++
			}
			require.Equal(t, want, [3]int{int(acct.Records), counts[features.Benign], counts[features.Attack]})
			switch name {
			case "KDDTrain+.txt":
				require.Len(t, attacks, 23, "22 attacks and normal")
				for attack, n := range map[string]int{"neptune": 41214, "satan": 3633, "ipsweep": 3599, "portsweep": 2931, "smurf": 2646, "nmap": 1493,
					"back": 956, "teardrop": 892, "warezclient": 890, "pod": 201, "guess_passwd": 53, "buffer_overflow": 30} {
					require.Equal(t, n, attacks[attack], attack)
				}
			case "KDDTest+.txt":
				require.Len(t, attacks, 38)
			}
		})
	}
}

// TestVocabulary proves the committed vocabulary by the file it is from: every value of the training file has a number,
// as in the sorted list, and 17 attacks of the test file are not in it.
func TestVocabulary(t *testing.T) {
	set, err := features.LookupSet("nsl-41/1")
	require.NoError(t, err)
	p, err := features.NewPipeline(set)
	require.NoError(t, err)
	x := p.Extractor()
	numbers := [3]map[string]float32{{}, {}, {}}
	attacks := map[string]bool{}
	var row []float32
	for f, err := range nslkdd.Read(logs.Sample(t, "../..", "nsl-kdd/KDDTrain+.txt.gz"), &nslkdd.Options{Label: "label"}) {
		require.NoError(t, err)
		row, err = x.AppendRow(row[:0], f)
		require.NoError(t, err)
		for i, value := range []string{f.NSL.ProtocolType, f.NSL.Service, f.NSL.Flag} {
			numbers[i][value] = row[1+i]
		}
		attacks[string(f.LabelText)] = true
	}
	for i, n := range []int{3, 70, 11} {
		require.Len(t, numbers[i], n)
		for a, x := range numbers[i] {
			below := 0
			for b := range numbers[i] {
				if b < a {
					below++
				}
			}
			require.EqualValues(t, below, x, a)
		}
	}
	unseen, rows := map[string]bool{}, 0
	for f, err := range nslkdd.Read(logs.Sample(t, "../..", "nsl-kdd/KDDTest+.txt.gz"), &nslkdd.Options{Label: "label"}) {
		require.NoError(t, err)
		if name := string(f.LabelText); !attacks[name] {
			unseen[name] = true
			rows++
		}
	}
	require.Len(t, unseen, 17)
	require.Equal(t, 3750, rows)
}

func FuzzRead(f *testing.F) {
	f.Add(normal)
	f.Add(neptune)
	f.Add(strings.ReplaceAll(normal, "0.00", `"-"`))
	f.Fuzz(func(t *testing.T, line string) {
		if strings.ContainsAny(line, "\r\n") || strings.HasPrefix(line, "\x1f\x8b") || strings.HasPrefix(line, "\x28\xb5") || strings.HasPrefix(line, "\xef\xbb") {
			t.Skip()
		}
		r := read(t, line+"\n", nil)
		require.NoError(t, r.Err)
		require.LessOrEqual(t, len(r.Flows)+len(r.Bad), 1)
		cells, err := csv.NewReader(strings.NewReader(line + "\n")).Read()
		if err == io.EOF || err != nil || len(cells) != 42 && len(cells) != 43 {
			return
		}
		if strings.EqualFold(strings.Trim(cells[0], " \t"), "duration") {
			require.Zero(t, len(r.Flows)+len(r.Bad))
			return
		}
		for i, c := range cells[:41] {
			c = strings.Trim(c, " \t")
			if i < 1 || i > 3 {
				if v, err := strconv.ParseFloat(c, 64); err == nil && len(r.Flows) == 1 {
					require.Equal(t, fmt.Sprint(v), fmt.Sprint(r.Flows[0].NSL.Values[i]))
				}
			}
		}
	})
}

func Example() {
	for flow, err := range nslkdd.Read(strings.NewReader(normal+"\n"+neptune+"\n"), &nslkdd.Options{Label: "label"}) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Printf("%s %s %s: %s\n", flow.NSL.ProtocolType, flow.NSL.Service, flow.NSL.Flag, flow.LabelText)
	}
	// Output:
	// tcp ftp_data SF: normal
	// tcp private REJ: neptune
}
