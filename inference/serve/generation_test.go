package serve

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/inference/rows"
	"threatdetect/internal/testkit"
)

// oldModel writes a model of XGBoost 0.90 with another objective to a file.
func oldModel(t *testing.T, name, from, to string) string {
	f, err := os.Open(filepath.Join(testkit.Root(t), "testdata", "golden", "0.90", name+".bin.gz"))
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	model, err := io.ReadAll(z)
	require.NoError(t, err)
	text := func(s string) []byte { return append(binary.LittleEndian.AppendUint64(nil, uint64(len(s))), s...) }
	require.Equal(t, 1, bytes.Count(model, text(from)))
	path := filepath.Join(t.TempDir(), "xgboost-model")
	require.NoError(t, os.WriteFile(path, bytes.Replace(model, text(from), text(to), 1), 0o600))
	return path
}

// TestBaseScoreOfOldModels pins what the images make of the base score of a binary model of 0.90, a margin of 0.7: seen with their code and the
// XGBoost releases inside. The leaves of the row add up to -0.963.
func TestBaseScoreOfOldModels(t *testing.T) {
	hinge := oldModel(t, "squarederror", "reg:squarederror", "binary:hinge")
	raw := oldModel(t, "logitraw", "binary:logitraw", "binary:logitraw")
	for tag, want := range map[string]string{
		"0.90-1": "0.0", "0.90-2": "0.0", "1.0-1": "0.0", "1.2-1": "1.0", "1.2-2": "1.0\n", "1.3-1": "1.0\n", "1.5-1": "1.0\n", "1.7-1": "1.0\n", "3.0-5": "1.0\n",
	} {
		image, err := rows.LookupImage(tag)
		require.NoError(t, err)
		c, err := OpenContainer(hinge, SettingsFromEnv(image, lookupIn(nil)))
		require.NoError(t, err, tag)
		w := post(c, "/invocations", "text/csv", "", "0,0,0,0,0")
		require.Equal(t, want, w.Body.String(), tag)
		_, err = OpenContainer(raw, SettingsFromEnv(image, lookupIn(nil)))
		if tag == "1.2-1" || tag == "1.2-2" {
			require.ErrorContains(t, err, "base score", tag)
		} else {
			require.NoError(t, err, tag)
		}
	}
}

// TestBytesOfHeaders has headers that are not ASCII: for the images' Python every byte is a character.
func TestBytesOfHeaders(t *testing.T) {
	const row = "0.5,-1.25,3.75,0.125,-7.5,1"
	for _, tag := range []string{"1.0-1", "1.7-1", "3.0-5"} {
		c := container(t, nil, tag, "1.7-1-logistic.tar.gz")
		require.Equal(t, http.StatusOK, post(c, "/invocations", "text/csv\xa0", "", row).Code, tag)
		w := post(c, "/invocations", "text/csv\xff", "", row)
		require.Equal(t, http.StatusUnsupportedMediaType, w.Code, tag)
		require.Contains(t, w.Body.String(), "text/csv\u00ff is not an accepted ContentType: csv, ", tag)
	}
	w := post(container(t, nil, "1.7-1", "1.7-1-logistic.tar.gz"), "/invocations", "text/csv", "text/\xe9", row)
	require.Equal(t, http.StatusNotAcceptable, w.Code)
	require.Contains(t, w.Body.String(), "Accept type text/\u00e9 is not supported.")
}

// TestProxyPaths pins what the proxy before the container answers itself, and what it leaves to the container.
func TestProxyPaths(t *testing.T) {
	c := container(t, nil, "1.7-1", "1.7-1-logistic.tar.gz")
	for path, want := range map[string]string{
		"/x": typeBytes, "/a.json": typeJSON, "/a.JPG": "image/jpeg", "/a.tar.gz": typeBytes, "/.json": typeBytes, "/a.json/": typeBytes, "/favicon.ico": "image/x-icon",
		"/./invocations": typePage, "/x/../ping": typePage, "/pingx": typePage, "/ping/": typePage, "/x/ping": typeBytes,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.Path = path
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		require.Equal(t, http.StatusNotFound, w.Code, path)
		require.Equal(t, want, w.Header().Get("Content-Type"), path)
		require.Equal(t, want != typePage, w.Body.String() == "{}", path)
	}
}
