package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
)

// TestJoinedLogs reads several logs of a sensor for a set that is made of them, in whatever order they are named.
func TestJoinedLogs(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	conn := write("conn.log", `{"ts":100.0,"uid":"C1","id.orig_h":"10.0.0.1","id.resp_h":"192.0.2.7","proto":"udp","duration":5.0,"conn_state":"SF"}`+"\n")
	next := write("conn2.log", `{"ts":900.0,"uid":"C2","id.orig_h":"10.0.0.1","id.resp_h":"192.0.2.7","proto":"udp","duration":5.0,"conn_state":"SF"}`+"\n")
	dns := write("dns.log", `{"ts":101.0,"uid":"C1","id.orig_h":"10.0.0.1","trans_id":7,"query":"a.example"}`+"\n"+`{"ts":901.0,"uid":"C2","id.orig_h":"10.0.0.1","trans_id":7,"query":"b.example"}`+"\n"+`{"ts":9999.0,"uid":"C3","id.orig_h":"10.0.0.1","trans_id":7,"query":"c.example"}`+"\n[]\n")
	set := *features.Sets()[0]
	for _, joins := range []bool{true, false} {
		set.Joins = joins
		for _, files := range [][]string{{dns, conn, next}, {conn, next, dns}} {
			a := &app{stderr: new(strings.Builder), limits: readLimits{maxLine: 1024, maxBadRatio: 1}}
			l, err := a.openLogs("auto", "", &set, files)
			require.NoError(t, err)
			var queries []string
			var account features.Account
			var faults []string
			for f, err := range l.flows() {
				require.NoError(t, account.Add(f, err))
				if e, ok := err.(*features.RecordError); ok && e.Reason != features.ReasonOther {
					faults = append(faults, e.Log)
				}
				if err == nil && f.Joined != nil {
					queries = append(queries, f.Joined.DNS[0].Query)
				}
			}
			require.EqualValues(t, 6, account.Records)
			require.EqualValues(t, 2, account.Flows)
			require.Equal(t, map[features.Reason]int64{features.ReasonOther: 3, features.ReasonMalformed: 1}, account.Skipped)
			if joins {
				require.Equal(t, []string{"a.example", "b.example"}, queries)
				require.Equal(t, []string{dns}, faults)
				require.EqualValues(t, 2, a.joins.Joined)
			} else {
				require.Empty(t, queries)
			}
		}
	}
}
