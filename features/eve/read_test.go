package eve_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/eve"
)

func ExampleRead() {
	events := `{"event_type":"alert","src_ip":"192.0.2.1"}
{"event_type":"flow","src_ip":"192.0.2.1","src_port":51698,"dest_ip":"198.51.100.9","dest_port":443,"proto":"TCP","app_proto":"tls","flow":{"pkts_toserver":1,"pkts_toclient":1,"bytes_toserver":60,"bytes_toclient":60,"start":"2021-06-06T15:58:46.457984+0200","end":"2021-06-06T15:58:46.557984+0200"},"tcp":{"tcp_flags_ts":"02","tcp_flags_tc":"14"}}
{"event_type":"flow","src_ip":"192.0.2.1","dest_ip":"198.51.100.9","proto":"UDP","flow":{"start":"yesterday"}}
`
	for flow, err := range eve.Read(strings.NewReader(events), nil) {
		var bad *features.RecordError
		switch {
		case errors.As(err, &bad):
			fmt.Printf("skipped: %s %q\n", bad.Reason, bad.Field)
		case err != nil:
			log.Fatal(err)
		default:
			fmt.Printf("%s to %s port %d: %v, %v, %d bytes\n", flow.Src, flow.Dst, flow.DstPort, flow.App, flow.State, flow.FwdBytes)
		}
	}
	// Output:
	// skipped: other ""
	// 192.0.2.1 to 198.51.100.9 port 443: tls, rejected, 46 bytes
	// skipped: time "flow.start"
}

func TestGoodEvent(t *testing.T) {
	got, err := outcome([]byte(good+"\n"), nil)
	require.NoError(t, err)
	require.Equal(t, []string{`flow 1622987926457984000 60500000000 192.0.2.1:51698 198.51.100.9:445 icmp 0/0 proto tcp "tcp" pkts 7 5 bytes 774 3910 true` +
		` flags 1b 1b of 3f 3f state closed app smb "smb" tags 1 known 207df uid "1374195536821504" label 0`}, got)
}

func TestLabels(t *testing.T) {
	alerted := strings.Replace(good, `"alerted":false`, `"alerted":true`, 1)
	events := []byte(good + "\n" + alerted + "\n" + strings.Replace(good, `"alerted"`, `"x"`, 1) + "\n")
	want := []struct {
		label features.Label
		text  string
	}{{features.Benign, "0"}, {features.Attack, "1"}, {features.Unlabelled, ""}}
	i := 0
	for f, err := range eve.Read(bytes.NewReader(events), &eve.Options{Label: "flow.alerted"}) {
		require.NoError(t, err)
		require.Equal(t, want[i].label, f.Label)
		require.Equal(t, want[i].text, string(f.LabelText))
		i++
	}
	require.Equal(t, 3, i)
	for key, text := range map[string]string{"app_proto": "smb", "tcp.tcp_flags": "1b", "flow.state": "closed", "tcp.syn": "1", "nosuch": ""} {
		for f, err := range eve.Read(strings.NewReader(good+"\n"), &eve.Options{Label: key}) {
			require.NoError(t, err)
			require.Equal(t, text, string(f.LabelText), key)
		}
	}
}

func TestPointer(t *testing.T) {
	wrapped := `{"a":{"b":` + good + "}}\n" + `{"a":{"b":"` + strings.ReplaceAll(good, `"`, `\"`) + "\"}}\n" + `{"a":{"c":1}}` + "\n" + `{"a":{"b":7}}` + "\nx\n"
	got, err := outcome([]byte(wrapped), &eve.Options{Pointer: "/a/b"})
	require.NoError(t, err)
	whole, err := outcome([]byte(good+"\n"), nil)
	require.NoError(t, err)
	require.Equal(t, []string{whole[0], whole[0], "missing", "malformed", "malformed"}, got)
}

// TestEnds reads logs that end in the middle of something.
func TestEnds(t *testing.T) {
	got, err := outcome([]byte(good+"\n"+good), nil)
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Equal(t, got[0], got[1], "a last line without its end is a record if it is whole")

	for last, want := range map[string]string{good[:100]: "truncated", `{"event_type":"stats"}`: "other", `{"event_type":"flow"}`: "truncated"} {
		got, err = outcome([]byte(good+"\n"+last), nil)
		require.NoError(t, err)
		require.Equal(t, want, got[1], last)
	}

	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	for range 500 {
		_, err := io.WriteString(z, good+"\n")
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	got, err = outcome(packed.Bytes(), nil)
	require.NoError(t, err)
	require.Len(t, got, 500)
	got, err = outcome(packed.Bytes()[:packed.Len()-20], nil)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.NotEmpty(t, got)
	require.Equal(t, whole(t), got[0])

	long := `{"event_type":"flow","x":"` + strings.Repeat("x", 1<<20) + `"}`
	got, err = outcome([]byte(good+"\r\n\n  \n"+long+"\n"+good+"\n"), nil)
	require.NoError(t, err)
	require.Equal(t, []string{whole(t), "too_long", whole(t)}, got)

	n := 0
	for f, err := range eve.Read(iotest.OneByteReader(strings.NewReader(good+"\n"+good+"\n")), nil) {
		require.NoError(t, err)
		require.Equal(t, whole(t), describe(f))
		n++
	}
	require.Equal(t, 2, n)
}

func whole(t *testing.T) string {
	t.Helper()
	got, err := outcome([]byte(good+"\n"), nil)
	require.NoError(t, err)
	return got[0]
}

// TestNoAllocations holds a log of known shapes to no allocation per record.
func TestNoAllocations(t *testing.T) {
	var events []byte
	for i := range 2000 {
		events = fmt.Appendf(events, "%s\n", seeds[i%5])
	}
	read := func(b []byte) func() {
		return func() {
			for _, err := range eve.Read(bytes.NewReader(b), nil) {
				if err != nil {
					panic(err)
				}
			}
		}
	}
	few := testing.AllocsPerRun(5, read(events[:len(events)/4]))
	require.InDelta(t, few, testing.AllocsPerRun(5, read(events)), 1)
}

// TestSampleFile checks what the README says of the file itself and of the events that are no flows.
func TestSampleFile(t *testing.T) {
	packed, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "data", "suricata", "eve-5952.json.gz"))
	if os.IsNotExist(err) {
		t.Skip("no sample files: they are not part of the module, see their README for terms")
	}
	require.NoError(t, err)
	require.Len(t, packed, 205_418)
	require.Equal(t, "8df8e5a164ef1cad566165b2b9375b7d3295fe356ef9352c033fc37efe89eeed", fmt.Sprintf("%x", sha256.Sum256(packed)))
	z, err := gzip.NewReader(bytes.NewReader(packed))
	require.NoError(t, err)
	plain, err := io.ReadAll(z)
	require.NoError(t, err)
	require.Len(t, plain, 2_784_811)
	require.Equal(t, 5000, bytes.Count(plain, []byte("\n")))
	for kind, want := range map[string]int{"flow": 3512, "alert": 745, "dns": 680, "http": 56, "fileinfo": 3, "anomaly": 3, "tls": 1} {
		require.Equal(t, want, bytes.Count(plain, []byte(`"event_type":"`+kind+`"`)), kind)
	}
	require.Equal(t, 1, bytes.Count(plain, []byte(`"ja3s":{"hash"`)))
}

// TestSample reads the sample file and finds what its README says.
func TestSample(t *testing.T) {
	name := filepath.Join("..", "..", "..", "shared", "data", "suricata", "eve-5952.json.gz")
	f, err := os.Open(name)
	if os.IsNotExist(err) {
		t.Skip("no sample files: they are not part of the module, see their README for terms")
	}
	require.NoError(t, err)
	defer f.Close()
	var account features.Account
	labels := map[features.Label]int{}
	tcp := 0
	for f, err := range eve.Read(f, &eve.Options{Label: "flow.alerted"}) {
		require.NoError(t, account.Add(f, err))
		if err != nil {
			continue
		}
		labels[f.Label]++
		if f.FwdFlagsKnown != 0 {
			tcp++
		}
	}
	require.EqualValues(t, 5000, account.Records)
	require.EqualValues(t, 3512, account.Flows)
	require.Equal(t, map[features.Reason]int64{features.ReasonOther: 745 + 680 + 56 + 3 + 3 + 1}, account.Skipped)
	require.Equal(t, 366, labels[features.Attack])
	require.Equal(t, 3512-366, labels[features.Benign])
	require.Equal(t, 2336, tcp, "flows with a tcp object")
	for key, want := range map[string]map[string]int{
		"flow.state":  {"closed": 1980, "new": 995, "established": 537},
		"flow.reason": {"shutdown": 3339, "timeout": 173},
	} {
		_, err := f.Seek(0, io.SeekStart)
		require.NoError(t, err)
		got := map[string]int{}
		for f, err := range eve.Read(f, &eve.Options{Label: key}) {
			if err == nil {
				got[string(f.LabelText)]++
			}
		}
		require.Equal(t, want, got, key)
	}
}
