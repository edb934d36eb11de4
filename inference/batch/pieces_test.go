package batch

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/features/auto"
	"threatdetect/inference/detect"
	"threatdetect/internal/trafficgen"
)

// Pieces have as many lines as blocks take, so that none is left half empty at the end of each.
func TestPiecesFillBlocks(t *testing.T) { require.Zero(t, auto.PieceLines%detect.BlockSize) }

// TestFlowsOfALogThatFails scores a log that cannot be read on in the middle of a block ahead of one that can: the flows of the former are no part of the output of the latter.
func TestFlowsOfALogThatFails(t *testing.T) {
	d := randomDetector(t, "flow-portable/1", 1)
	logs, alone := quickDir(t), quickDir(t)
	text := simulate(t, trafficgen.TSV, 2, 100, time.Unix(1e9, 0))
	require.NoError(t, os.WriteFile(filepath.Join(logs, "a.log"), append(text, "#separator \\x09\n#path\tconn\n#fields\tts\tuid\n1\tx\n"...), 0o600))
	good := filepath.Join(logs, "b.log")
	require.NoError(t, os.WriteFile(good, simulate(t, trafficgen.TSV, 3, 50, time.Unix(1e9, 0)), 0o600))
	opts := &Options{All: true, Workers: 1}
	rep, err := runJob(t, d, []string{good}, alone, opts)
	require.NoError(t, err)
	require.EqualValues(t, 50, rep.Account.Rows)
	out := quickDir(t)
	rep, err = runJob(t, d, []string{logs}, out, opts)
	require.NoError(t, err)
	require.Len(t, rep.Failed, 1)
	require.EqualValues(t, 50, rep.Account.Rows)
	require.Equal(t, outputs(t, alone), outputs(t, out))
}
