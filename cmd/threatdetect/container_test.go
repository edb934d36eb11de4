package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSageMakerRepliesAreReproduced asks predict what a real container was asked, see testdata/container.
func TestSageMakerRepliesAreReproduced(t *testing.T) {
	const dir = "../../testdata/container/"
	f, err := os.Open(dir + "1.7-1.ndjson.gz")
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	for d := json.NewDecoder(z); ; {
		var r struct {
			Name, Model, From, Reply string
			Status                   int
			Body                     []byte
		}
		err := d.Decode(&r)
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		if r.Name == "csv gzip" { // the command unpacks inputs, or tries to
			continue
		}
		t.Run(r.Model+" "+r.Name, func(t *testing.T) {
			var out, fault bytes.Buffer
			a := &app{stdin: bytes.NewReader(r.Body), stdout: &out, stderr: &fault, interrupt: make(chan struct{})}
			code := a.run([]string{"predict", "--quiet", "--model", dir + "1.7-1-" + r.Model + ".tar.gz", "--from", r.From, "--sagemaker", "1.7-1"})
			if r.Status != 200 {
				require.Equal(t, exitInput, code, fault.String())
				require.Empty(t, out.String())
				return
			}
			require.Zero(t, code, fault.String())
			require.Equal(t, strings.TrimSuffix(r.Reply, "\n"), strings.TrimSuffix(out.String(), "\n"))
		})
	}
}
