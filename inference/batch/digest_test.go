package batch

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features/auto"
	"threatdetect/inference/detect"
)

// Pieces have as many lines as blocks take, so that none is left half empty at the end of each.
func TestPiecesFillBlocks(t *testing.T) { require.Zero(t, auto.PieceLines%detect.BlockSize) }

// TestDigest compares with the definition, however the bytes are written, and changes each of some bytes.
func TestDigest(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	text := make([]byte, 3*pageSize+100)
	for i := range text {
		text[i] = byte(random.Uint32())
	}
	for _, size := range []int{0, 1, pageSize - 1, pageSize, pageSize + 1, len(text)} {
		want := ""
		if size > 0 {
			var sums []byte
			for at := 0; at < size; at += pageSize {
				sums = binary.BigEndian.AppendUint32(sums, crc32.Checksum(text[at:min(at+pageSize, size)], crc32.MakeTable(crc32.Castagnoli)))
			}
			sum := sha256.Sum256(sums)
			want = hex.EncodeToString(sum[:])
		}
		var d digest
		for range 5 { // it is used again
			for rest := text[:size]; len(rest) > 0; {
				n := min(1+random.IntN(2*pageSize), len(rest))
				k, err := d.Write(rest[:n])
				require.NoError(t, err)
				require.Equal(t, n, k)
				rest = rest[n:]
			}
			require.Equal(t, want, d.text())
		}
		require.Empty(t, d.text())
		for at := 0; at < size; at += 997 {
			text[at] ^= 1
			d.Write(text[:size])
			require.NotEqual(t, want, d.text())
			text[at] ^= 1
		}
	}
}
