package batch

import (
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features/auto"
	"threatdetect/inference/detect"
)

// Pieces have as many lines as blocks take, so that none is left half empty at the end of each.
func TestPiecesFillBlocks(t *testing.T) { require.Zero(t, auto.PieceLines%detect.BlockSize) }
