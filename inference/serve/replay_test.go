package serve

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/inference/rows"
	"threatdetect/internal/testkit"
	"threatdetect/internal/testkit/tarball"
)

// recorded is a request to the container of an image, and what it answered.
type recorded struct {
	Name, Model, Method, Path string
	Env                       map[string]string
	Headers                   [][2]string
	Request                   []byte               `json:"body_b64"`
	Parts                     [][2]json.RawMessage `json:"body_parts"` // base64 and how often
	Chunked                   bool
	Starts                    *bool

	expected
	Or []expected // what passes as well where the container fails
}

type expected struct {
	Status      int
	ContentType string `json:"content_type"`
	Response    []byte `json:"response_b64"`
	Body        string // how to compare
	Prefix      string
}

func (r *recorded) body(t *testing.T, models string) []byte {
	body := r.Request
	for _, part := range r.Parts {
		var text string
		var n int
		require.NoError(t, json.Unmarshal(part[0], &text))
		require.NoError(t, json.Unmarshal(part[1], &n))
		unit, err := base64.StdEncoding.DecodeString(text)
		require.NoError(t, err)
		body = append(body, bytes.Repeat(unit, n)...)
	}
	return bytes.ReplaceAll(body, []byte("@MODELS@"), []byte(models))
}

// recordings reads what was recorded of an image, or skips the test where it is not beside the repository.
func recordings(t *testing.T, file string) (dir string, all []recorded) {
	dir = filepath.Join(testkit.Root(t), "..", "shared", "data", "container-replies")
	text, err := os.ReadFile(filepath.Join(dir, "golden", file))
	if err != nil {
		t.Skipf("no recordings of the container beside the repository: %v", err)
	}
	require.NoError(t, json.Unmarshal(text, &all))
	require.NotEmpty(t, all)
	return dir, all
}

// listen runs a server for a handler and returns its address.
func listen(t *testing.T, h http.Handler, limit int64) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		(&Server{Handler: h, Limits: Limits{Body: limit, Quiet: 1}}).Serve(t.Context(), l)
	}()
	t.Cleanup(func() { <-ended })
	return l.Addr().String()
}

// ask sends a recorded request over a connection of its own, byte for byte as it was recorded: a client would mend it.
func ask(t *testing.T, address string, r *recorded, models string) (*http.Response, []byte) {
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer conn.Close()
	body := r.body(t, models)
	var head bytes.Buffer
	fmt.Fprintf(&head, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", r.Method, strings.ReplaceAll(r.Path, "@MODELS@", models), address)
	for _, h := range r.Headers {
		fmt.Fprintf(&head, "%s: %s\r\n", h[0], h[1])
	}
	switch {
	case r.Chunked && len(body) > 0:
		body = append(fmt.Appendf(nil, "%x\r\n", len(body)), append(body, "\r\n0\r\n\r\n"...)...)
		head.WriteString("Transfer-Encoding: chunked\r\n")
	case r.Chunked:
		body = []byte("0\r\n\r\n")
		head.WriteString("Transfer-Encoding: chunked\r\n")
	case len(body) > 0, r.Method == "POST", r.Method == "PUT", r.Method == "PATCH":
		fmt.Fprintf(&head, "Content-Length: %d\r\n", len(body))
	}
	head.WriteString("\r\n")
	go conn.Write(append(head.Bytes(), body...)) // a refused body is not read: the write ends with the connection
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: r.Method})
	require.NoError(t, err, r.Name)
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	require.NoError(t, err, r.Name)
	return res, got
}

var numCPU = regexp.MustCompile(`("MaxConcurrentTransforms": ?)\d+`)

// compare checks an answer by the rule of its recording.
func compare(t *testing.T, r *recorded, models string, res *http.Response, got []byte) {
	want := r.expected
	for _, other := range r.Or {
		if res.StatusCode == other.Status && res.StatusCode != want.Status {
			want = other
		}
	}
	require.Equal(t, want.Status, res.StatusCode, "%s: %s", r.Name, got)
	page := want.Body == "prefix" && want.Prefix == "" && want.Status != http.StatusOK // of a web framework
	if !page {
		plain := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, " ", "")) }
		require.Equal(t, plain(want.ContentType), plain(res.Header.Get("Content-Type")), r.Name)
	}
	response := bytes.ReplaceAll(want.Response, []byte("@MODELS@"), []byte(models))
	switch {
	case r.Method == http.MethodHead:
		require.Empty(t, got, r.Name)
	case want.Body == "prefix":
		prefix := strings.ReplaceAll(want.Prefix, "@MODELS@", models)
		require.True(t, strings.HasPrefix(string(got), prefix), "%s: want the beginning %q, got %q", r.Name, prefix, got)
	case want.Body == "recordio":
		require.Equal(t, labels(t, response), labels(t, got), r.Name)
	case want.Body == "float-equal":
		require.Equal(t, jsonLinesOf(t, response), jsonLinesOf(t, got), r.Name)
	case strings.Contains(r.Path, "execution-parameters"):
		require.Equal(t, numCPU.ReplaceAllString(string(response), "${1}N"), numCPU.ReplaceAllString(string(got), "${1}N"), r.Name)
	default:
		require.Equal(t, string(response), string(got), r.Name)
	}
}

// jsonLinesOf reads objects whose keys may come in any order and whose numbers may be NaN.
func jsonLinesOf(t *testing.T, text []byte) (all []any) {
	for line := range bytes.Lines(bytes.ReplaceAll(text, []byte("NaN"), []byte(`"NaN"`))) {
		var v any
		require.NoError(t, json.Unmarshal(line, &v), "%s", line)
		all = append(all, v)
	}
	return all
}

// labels reads the records of a response: of several entries with one key the last counts, as in every reader of protobuf.
func labels(t *testing.T, text []byte) (records []map[string][]uint32) {
	for len(text) > 0 {
		require.GreaterOrEqual(t, len(text), 8)
		require.Equal(t, uint32(recordMagic), binary.LittleEndian.Uint32(text))
		n := int(binary.LittleEndian.Uint32(text[4:]))
		record := map[string][]uint32{}
		for _, entry := range fields(t, text[8:8+n], 2) {
			name := string(fields(t, entry, 1)[0])
			var values []uint32
			tensor := fields(t, fields(t, entry, 2)[0], 2)
			for _, v := range tensor {
				for _, packed := range fields(t, v, 1) {
					for ; len(packed) > 0; packed = packed[4:] {
						bits := binary.LittleEndian.Uint32(packed)
						if f := math.Float32frombits(bits); f != f {
							bits = 0x7fc00000
						}
						values = append(values, bits)
					}
				}
			}
			record[name] = values
		}
		records = append(records, record)
		text = text[8+(n+3)/4*4:]
	}
	return records
}

// fields returns the length-delimited fields of a number; there must be no others.
func fields(t *testing.T, message []byte, number uint64) (all [][]byte) {
	for len(message) > 0 {
		key, n := binary.Uvarint(message)
		require.Positive(t, n)
		require.Equal(t, uint64(2), key&7)
		size, m := binary.Uvarint(message[n:])
		require.Positive(t, m)
		value := message[n+m : n+m+int(size)]
		if key>>3 == number {
			all = append(all, value)
		}
		message = message[n+m+int(size):]
	}
	return all
}

func lookupIn(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	}
}

// TestReplies asks what the image 1.7-1 was asked and wants what it answered, to the byte.
func TestReplies(t *testing.T) {
	dir, all := recordings(t, "1.7-1.json")
	image, err := rows.LookupImage("1.7-1")
	require.NoError(t, err)
	groups := map[string][]*recorded{}
	for i := range all {
		key := fmt.Sprint(all[i].Model, all[i].Env)
		groups[key] = append(groups[key], &all[i])
	}
	for key, group := range groups {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(dir, "models", "1.7-1", group[0].Model+".tar.gz")
			if group[0].Model == "nothing" {
				path = t.TempDir()
			}
			c, err := OpenContainer(path, SettingsFromEnv(image, lookupIn(group[0].Env)))
			if group[0].Starts != nil {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			address := listen(t, c, c.Limit())
			for _, r := range group {
				res, got := ask(t, address, r, "")
				compare(t, r, "", res, got)
			}
		})
	}
}

// TestMultiModelReplies does the same with the multi-model mode, whose requests build on each other.
func TestMultiModelReplies(t *testing.T) {
	dir, all := recordings(t, "1.7-1-multi.json")
	image, err := rows.LookupImage("1.7-1")
	require.NoError(t, err)
	models := unpackModels(t, filepath.Join(dir, "models", "1.7-1"))
	address, env := "", ""
	for i := range all {
		r := &all[i]
		if e := fmt.Sprint(r.Env); e != env || address == "" {
			m := NewMultiModel(SettingsFromEnv(image, lookupIn(r.Env)))
			address, env = listen(t, m, m.Limit()), e
		}
		res, got := ask(t, address, r, models)
		compare(t, r, models, res, got)
	}
}

// unpackModels unpacks every artifact of a directory into a directory of its name.
func unpackModels(t *testing.T, dir string) string {
	root := t.TempDir()
	archives, err := filepath.Glob(filepath.Join(dir, "*.tar.gz"))
	require.NoError(t, err)
	require.NotEmpty(t, archives)
	for _, archive := range archives {
		for name, data := range tarball.Read(t, archive) {
			path := filepath.Join(root, strings.TrimSuffix(filepath.Base(archive), ".tar.gz"), name)
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
			require.NoError(t, os.WriteFile(path, data, 0o644))
		}
	}
	return root
}
