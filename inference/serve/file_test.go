package serve

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/model"
)

// fileOf is the file of a model.
func fileOf(t testing.TB, b *model.Booster, format model.Format) []byte {
	t.Helper()
	var w bytes.Buffer
	require.NoError(t, model.Save(&w, b, &model.SaveOptions{Format: format}))
	return w.Bytes()
}
