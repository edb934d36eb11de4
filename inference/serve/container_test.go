package serve

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/inference/rows"
	"threatdetect/internal/testkit"
	"threatdetect/internal/testkit/tarball"
)

func container(t *testing.T, env map[string]string, tag, name string) *Container {
	image, err := rows.LookupImage(tag)
	require.NoError(t, err)
	c, err := OpenContainer(filepath.Join(testkit.Root(t), "testdata", "container", name), SettingsFromEnv(image, lookupIn(env)))
	require.NoError(t, err)
	return c
}

func post(h http.Handler, path, contentType, accept, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestContainer runs where the recordings are not: a few answers of the image 1.7-1 that are known by heart.
func TestContainer(t *testing.T) {
	const row, more = "0.5,-1.25,3.75,0.125,-7.5,1", "0.5,-1.25,3.75,0.125,-7.5,1\n-1.1,2.5,,0.3,12.25,-0.75\n"
	c := container(t, nil, "1.7-1", "1.7-1-logistic.tar.gz")
	for _, test := range []struct {
		name, contentType, accept, body string
		status                          int
		wantType, want                  string
	}{
		{"one row", "text/csv", "", row, 200, "text/csv; charset=utf-8", "0.30100587010383606\n"},
		{"two rows", "text/csv; label_size=1", "*/*", more, 200, "text/csv; charset=utf-8", "0.30100587010383606\n0.7517868280410767\n"},
		{"json", "csv", "application/json;verbose=True", row, 200, "application/json", `{"predictions": [{"score": 0.30100587010383606}]}`},
		{"json lines", "text/csv", "application/jsonlines", row, 200, "application/jsonlines", "{\"score\": 0.30100587010383606}\n"},
		{"libsvm", "", "", "0:0.5 1:-1.25 2:3.75 3:0.125 4:-7.5 5:1", 200, "text/csv; charset=utf-8", "0.30100587010383606\n"},
		{"empty", "text/csv", "x/y", "", 204, "text/html; charset=utf-8", ""},
		{"form", "application/x-www-form-urlencoded", "", row, 204, "text/html; charset=utf-8", ""},
		{"label size", "text/csv; label_size=5", "", row, 415, "text/html; charset=utf-8",
			"text/csv; label_size=5 is not an accepted csv ContentType. Optional parameter label_size must be equal to 1"},
		{"header", "text/csv", "", "a,b,c,d,e,f\n" + row, 415, "text/html; charset=utf-8", "Loading csv data failed with Exception, please ensure data is in csv format:\n <class 'ValueError'>\n *"},
		{"columns", "text/csv", "", row + ",9", 400, "text/html; charset=utf-8", "Unable to evaluate payload provided: *"},
		{"accept", "text/csv", "text/libsvm", row, 406, "text/html; charset=utf-8",
			"Accept type text/libsvm is not supported. Please use supported accept types: ['application/json', 'application/jsonlines', 'application/x-recordio-protobuf', 'text/csv']."},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := post(c, "/invocations", test.contentType, test.accept, test.body)
			require.Equal(t, test.status, w.Code)
			require.Equal(t, test.wantType, w.Header().Get("Content-Type"))
			if prefix, ok := strings.CutSuffix(test.want, "*"); ok {
				require.True(t, strings.HasPrefix(w.Body.String(), prefix), w.Body)
			} else {
				require.Equal(t, test.want, w.Body.String())
			}
		})
	}

	selected := container(t, map[string]string{"SAGEMAKER_INFERENCE_OUTPUT": "predicted_label, probabilities"}, "1.7-1", "1.7-1-logistic.tar.gz")
	require.Equal(t, "0,\"[0.6989941298961639, 0.30100587010383606]\"", post(selected, "/invocations", "text/csv", "", row).Body.String())
	mixed := container(t, map[string]string{"SAGEMAKER_INFERENCE_OUTPUT": "probability,raw_score,predicted_label"}, "1.7-1", "1.7-1-hinge.tar.gz")
	require.Equal(t, `{"predicted_label": 0.0, "raw_score": 0.0, "probability": NaN}`+"\n", // what has no value comes last
		post(mixed, "/invocations", "text/csv", "application/jsonlines", row).Body.String())
	batch := container(t, map[string]string{"SAGEMAKER_BATCH": "true"}, "1.7-1", "1.7-1-logistic.tar.gz")
	require.Equal(t, "0.30100587010383606\n", post(batch, "/invocations", "text/csv", "application/json", row).Body.String())
}

// TestImagesDiffer pins where other images are known to answer otherwise.
func TestImagesDiffer(t *testing.T) {
	const shifted = "1:0.5 2:-1.25 3:3.75 4:0.125 5:-7.5 6:1"
	for tag, want := range map[string]int{"1.3-1": 400, "1.5-1": 400, "1.7-1": 400, "3.0-5": 400} {
		c := container(t, nil, tag, "1.7-1-logistic.tar.gz")
		require.Equal(t, want, post(c, "/invocations", "text/libsvm", "", shifted).Code, tag)
	}
	for tag, want := range map[string]int{"1.3-1": 200, "1.5-1": 415, "3.0-5": 415} {
		c := container(t, nil, tag, "1.7-1-logistic.tar.gz")
		require.Equal(t, want, post(c, "/invocations", "text/csv", "", "inf,1,1,1,1,1").Code, tag)
	}
	image, err := rows.LookupImage("3.2-0")
	require.NoError(t, err)
	_, err = OpenContainer(filepath.Join(testkit.Root(t), "testdata", "container", "1.7-1-logistic.tar.gz"), SettingsFromEnv(image, lookupIn(nil)))
	require.ErrorContains(t, err, "legacy binary")
	c := container(t, nil, "3.2-0", "1.7-1-json.tar.gz")
	w := post(c, "/invocations", "text/libsvm", "", shifted)
	require.Equal(t, 200, w.Code, w.Body)
	require.Equal(t, post(c, "/invocations", "text/csv", "", "0.5,-1.25,3.75,0.125,-7.5,1").Body.String(), w.Body.String())
}

// TestOldImages pins what the images before 1.2-2 do otherwise: seen with their code and the XGBoost releases inside.
func TestOldImages(t *testing.T) {
	const body = "0.5,-1.25,3.75,0.125,-7.5,1\n-1.1,2.5,,0.3,12.25,-0.75\n"
	const selected, batch = "SAGEMAKER_INFERENCE_OUTPUT", "SAGEMAKER_BATCH"
	for _, test := range []struct {
		tag, model, variable, accept, body string
		status                             int
		wantType, want                     string
	}{
		{"0.90-1", "logistic", "", "", body, 200, typeCSVText, "0.30100587010383606,0.7517868280410767"},
		{"0.90-2", "logistic", "", "application/json", body, 200, typeCSVText, "0.30100587010383606,0.7517868280410767"},
		{"1.0-1", "logistic", "", "image/png", body, 200, typeCSVText, "0.30100587010383606,0.7517868280410767"},
		{"1.2-1", "logistic", batch, "application/json", body, 200, typeCSVText, "0.30100587010383606\n0.7517868280410767\n"},
		{"1.2-1", "softprob", "", "", body, 200, typeCSVText, "*[0."},
		{"1.2-2", "logistic", "", "", body, 200, typeCSVText, "0.30100587010383606\n0.7517868280410767\n"},
		{"1.2-2", "logistic", "", "application/json", body, 200, typeJSON, `{"predictions": [{"score": 0.30100587010383606}, {"score": 0.7517868280410767}]}`},
		{"1.2-2", "logistic", "", "image/png", body, 406, typeText, "*Accept type image/png is not supported."},
		{"0.90-2", "logistic", selected, "application/json", body, 200, typeCSVText, "0.30100587010383606,0.7517868280410767"},
		{"1.0-1", "logistic", selected, "", body, 200, typeCSVText, "0\n1"},
		{"1.0-1", "logistic", selected, "application/jsonlines", body, 200, typeJSONLines, "{\"predicted_label\": 0}\n{\"predicted_label\": 1}\n"},
		{"1.2-1", "logistic", selected, "image/png", body, 406, typeText, "*Accept type image/png is not supported."},
		{"1.0-1", "logistic", "", "", "0.5,-1.25,3.75,0.125,-7.5,1,9", 200, typeCSVText, "0.30100587010383606"},
		{"1.2-1", "logistic", "", "", "0.5,-1.25,3.75,0.125,-7.5,1,9", 400, typeText, "*Unable to evaluate payload provided: "},
		{"1.0-1", "logistic", "", "", "x", 415, typeText, "*Loading csv data failed with Exception, please ensure data is in csv format:\n <class 'ValueError'>\n "},
		{"0.90-1", "logistic", "", "", "", 204, typeText, ""},
	} {
		env := map[string]string{}
		if test.variable != "" {
			env[test.variable] = "predicted_label"
		}
		w := post(container(t, env, test.tag, "1.7-1-"+test.model+".tar.gz"), "/invocations", "text/csv", test.accept, test.body)
		require.Equal(t, test.status, w.Code, "%v: %s", test, w.Body)
		require.Equal(t, test.wantType, w.Header().Get("Content-Type"), "%v", test)
		if prefix, ok := strings.CutPrefix(test.want, "*"); ok {
			require.True(t, strings.HasPrefix(w.Body.String(), prefix), "%v: %s", test, w.Body)
		} else {
			require.Equal(t, test.want, w.Body.String(), "%v", test)
		}
	}
	image, err := rows.LookupImage("0.90-2")
	require.NoError(t, err)
	_, err = OpenContainer(filepath.Join(testkit.Root(t), "testdata", "container", "1.7-1-pickle-1.2.0.tar.gz"), SettingsFromEnv(image, lookupIn(nil)))
	require.ErrorContains(t, err, "a pickle of a release from 1.0 on")
	for tag, told := range map[string]string{"1.0-1": "20", "1.2-1": "20", "1.2-2": "100", "3.0-5": "100"} { // as the images tell
		c := container(t, map[string]string{"MAX_CONTENT_LENGTH": "104857600"}, tag, "1.7-1-logistic.tar.gz")
		require.EqualValues(t, MaxContentLength, c.Limit(), tag)
		w := httptest.NewRecorder()
		c.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/execution-parameters", nil))
		require.Contains(t, w.Body.String(), `"MaxPayloadInMB": `+told+"}", tag)
		require.Equal(t, http.StatusRequestEntityTooLarge, post(c, "/invocations", "text/csv", "", strings.Repeat("1", MaxContentLength+1)).Code, tag)
	}
}

// TestForms pins which bodies the web frameworks of the images take away as forms, and what their pages are called.
func TestForms(t *testing.T) {
	const row = "0.5,-1.25,3.75,0.125,-7.5,1"
	for _, test := range []struct {
		contentType, body string
		before, from32    int // the images before 3.2-0, and that one
	}{
		{"application/x-www-form-urlencoded; charset=utf-8", row, 204, 204},
		{"application/x-www-form-urlencoded, text/csv", row, 204, 415},
		{"APPLICATION/X-WWW-FORM-URLENCODED", row, 415, 204},
		{"application/x-url-encoded", row, 204, 415},
		{"multipart/form-data; boundary=x", row, 204, 204},
		{"multipart/form-data", row, 204, 415},
		{"application/x-www-form-urlencoded", strings.Repeat("a", 500_000), 204, 204},
		{"application/x-www-form-urlencoded", strings.Repeat("a", 500_001), 204, 413},
	} {
		for tag, want := range map[string]int{"1.3-1": test.before, "3.0-5": test.before, "3.2-0": test.from32} {
			require.Equal(t, want, post(container(t, nil, tag, "1.7-1-json.tar.gz"), "/invocations", test.contentType, "", test.body).Code, "%s %s", tag, test.contentType)
		}
	}
	for tag, want := range map[string]string{"3.0-5": typePage, "3.2-0": typeText} {
		w := httptest.NewRecorder()
		container(t, nil, tag, "1.7-1-json.tar.gz").ServeHTTP(w, httptest.NewRequest(http.MethodHead, "/invocations", nil))
		require.Equal(t, http.StatusMethodNotAllowed, w.Code)
		require.Equal(t, want, w.Header().Get("Content-Type"), tag)
	}
}

// TestHiddenFiles has a file beside the model whose name begins with a dot. Image 1.2-2 takes it for a model.
func TestHiddenFiles(t *testing.T) {
	files := tarball.Read(t, filepath.Join(testkit.Root(t), "testdata", "container", "1.7-1-logistic.tar.gz"))
	files[".cache"] = []byte("x")
	archive := filepath.Join(t.TempDir(), "model.tar.gz")
	var packed bytes.Buffer
	w := tar.NewWriter(&packed)
	for name, data := range files {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(data))}))
		_, err := w.Write(data)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.NoError(t, os.WriteFile(archive, packed.Bytes(), 0o600))
	dir := t.TempDir()
	for name, data := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	for _, tag := range []string{"0.90-2", "1.2-1", "1.2-2", "1.3-1", "3.0-5"} {
		image, err := rows.LookupImage(tag)
		require.NoError(t, err)
		for _, path := range []string{archive, dir} {
			_, err = OpenContainer(path, SettingsFromEnv(image, lookupIn(nil)))
			if tag == "1.2-2" {
				require.ErrorContains(t, err, ".cache")
			} else {
				require.NoError(t, err, tag)
			}
			_, err = OpenContainer(path, SettingsFromEnv(image, lookupIn(map[string]string{"SAGEMAKER_INFERENCE_ENSEMBLE": "false"})))
			require.NoError(t, err, tag)
		}
	}
}

func TestMultiModelVariable(t *testing.T) {
	for _, test := range []struct {
		tag, value string
		want       bool
	}{{"1.7-1", "true", true}, {"3.2-0", "false", true}, {"0.90-2", "1", true}, {"1.7-1", "", false}, {"0.90-1", "true", false}} {
		image, err := rows.LookupImage(test.tag)
		require.NoError(t, err)
		require.Equal(t, test.want, SettingsFromEnv(image, lookupIn(map[string]string{"SAGEMAKER_MULTI_MODEL": test.value})).MultiModel, "%v", test)
	}
}

func TestParseHeader(t *testing.T) {
	for text, want := range map[string][2]string{
		"text/csv":                         {"text/csv", ""},
		"text/csv; label_size=1":           {"text/csv", "1"},
		`text/csv;LABEL_SIZE="1"`:          {"text/csv", "1"},
		`text/csv; x="a;b"; label_size=2`:  {"text/csv", "2"},
		"text/csv;label_size=1;label_size": {"text/csv", "1"},
		";label_size=3":                    {"", "3"},
		"":                                 {"", ""},
	} {
		value, params := parseHeader(text)
		require.Equal(t, want, [2]string{value, params["label_size"]}, "%q", text)
	}
}

// TestManyRows scores more rows than are held at once: the answer is that of the parts, and a client that is gone ends the work.
func TestManyRows(t *testing.T) {
	image, err := rows.LookupImage("1.7-1")
	require.NoError(t, err)
	c, err := OpenContainer(demo(t, "model.tar.gz"), SettingsFromEnv(image, lookupIn(nil)))
	require.NoError(t, err)
	api, _ := newAPI(t)
	var body strings.Builder
	for i := range 3*batchRows + 7 {
		fmt.Fprintf(&body, "%d.5,%d%s\n", i, i*i, strings.Repeat(",1", 68))
	}
	lines := strings.SplitAfter(body.String(), "\n")
	for _, h := range []http.Handler{c, api} {
		whole := post(h, "/invocations", "text/csv", "", body.String())
		require.Equal(t, http.StatusOK, whole.Code)
		var parts strings.Builder
		for part := range slices.Chunk(lines[:len(lines)-1], 500) {
			parts.WriteString(post(h, "/invocations", "text/csv", "", strings.Join(part, "")).Body.String())
		}
		require.Equal(t, parts.String(), whole.Body.String())

		gone, cancel := context.WithCancel(t.Context())
		cancel()
		r := httptest.NewRequestWithContext(gone, http.MethodPost, "/invocations", strings.NewReader(body.String()))
		r.Header.Set("Content-Type", "text/csv")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		require.NotEqual(t, http.StatusOK, w.Code)
	}
	// The last row is as wrong as the first: it costs the whole request.
	require.Equal(t, http.StatusUnsupportedMediaType, post(c, "/invocations", "text/csv", "", body.String()+"x\n").Code)
}
