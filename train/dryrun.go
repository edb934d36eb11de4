package train

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"reflect"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/aws/smithy-go/middleware"
)

// dryRun prints requests in place of sending them.
type dryRun struct {
	mu    sync.Mutex
	w     io.Writer
	clock Clock
	state map[string]any // what answers remember of earlier requests
}

// dryRunner is the middleware that does it for one request.
type dryRunner struct {
	dry       *dryRun
	operation string
}

func (*dryRunner) ID() string { return "threatdetect.DryRun" }

func (r *dryRunner) HandleInitialize(ctx context.Context, in middleware.InitializeInput, _ middleware.InitializeHandler) (out middleware.InitializeOutput, metadata middleware.Metadata, err error) {
	d := r.dry
	d.mu.Lock()
	defer d.mu.Unlock()
	service := serviceName(ctx)
	members, err := apiMembers(service, in.Parameters)
	if err != nil {
		return out, metadata, err
	}
	line := []byte(`{"service":` + jsonText(service) + `,"operation":` + jsonText(r.operation) + `,"input":`)
	line = append(append(line, members...), '}', '\n')
	if _, err := d.w.Write(line); err != nil {
		return out, metadata, &unprinted{err}
	}
	for _, answer := range dryAnswers {
		if result, err := answer(d, in.Parameters); result != nil || err != nil {
			return middleware.InitializeOutput{Result: result}, metadata, err
		}
	}
	return out, metadata, fmt.Errorf("%w: %s %s", ErrDryRunOnly, service, r.operation)
}

// unprinted is a request that a dry run could not print.
type unprinted struct{ error }

func (e *unprinted) Unwrap() error { return e.error }

// dryAnswers know what each operation would answer if nothing existed yet and everything succeeded at once: a pointer to its output, an error, or nil for
// operations of another's.
var dryAnswers = []func(d *dryRun, input any) (output any, err error){dryTraining, dryStore}

// apiMembers is the JSON form of an input, with the names of the API. Members that are not set are left out.
func apiMembers(service string, input any) ([]byte, error) {
	var b bytes.Buffer
	err := writeMember(&b, reflect.ValueOf(input), service == "logs")
	return b.Bytes(), err
}

// writeMember writes what the API would get; logs spells its members with a small first letter.
func writeMember(b *bytes.Buffer, v reflect.Value, small bool) error {
	switch v.Kind() {
	case reflect.Pointer:
		if t, ok := v.Interface().(*time.Time); ok {
			b.WriteString(jsonText(t.UTC().Format(time.RFC3339)))
			return nil
		}
		return writeMember(b, v.Elem(), small)
	case reflect.Interface:
		return writeUnion(b, v.Elem(), small)
	case reflect.Struct:
		return writeStructure(b, v, small)
	case reflect.Map:
		return writeMap(b, v, small)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			writeBlob(b, v.Bytes())
			return nil
		}
		b.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := writeMember(b, v.Index(i), small); err != nil {
				return err
			}
		}
		b.WriteByte(']')
		return nil
	}
	text, err := json.Marshal(v.Interface())
	if v.Kind() == reflect.String {
		text = []byte(jsonText(v.String()))
	}
	b.Write(text)
	return err
}

func writeStructure(b *bytes.Buffer, v reflect.Value, small bool) error {
	b.WriteByte('{')
	first := true
	for i := range v.NumField() {
		field, f := v.Type().Field(i), v.Field(i)
		if !field.IsExported() || f.IsZero() {
			continue
		}
		name := field.Name
		if small {
			name = string(unicode.ToLower(rune(name[0]))) + name[1:]
		}
		if other := spelled[v.Type()][name]; other != "" {
			name = other
		}
		if !first {
			b.WriteByte(',')
		}
		first = false
		b.WriteString(jsonText(name) + ":")
		if r, ok := f.Interface().(io.Reader); ok {
			if err := writeBody(b, r); err != nil {
				return err
			}
			continue
		}
		if err := writeMember(b, f, small); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}

func writeMap(b *bytes.Buffer, v reflect.Value, small bool) error {
	b.WriteByte('{')
	for i, key := range sortedKeys(v) {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(jsonText(key.String()) + ":")
		if err := writeMember(b, v.MapIndex(key), small); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}

// writeUnion writes one of several forms, which the SDK names XxxMemberForm, with a field Value.
func writeUnion(b *bytes.Buffer, v reflect.Value, small bool) error {
	v = reflect.Indirect(v)
	_, form, ok := strings.Cut(v.Type().Name(), "Member")
	if !ok {
		return writeMember(b, v, small)
	}
	b.WriteString("{" + jsonText(form) + ":")
	if err := writeMember(b, v.FieldByName("Value"), small); err != nil {
		return err
	}
	b.WriteByte('}')
	return nil
}

func sortedKeys(v reflect.Value) []reflect.Value {
	keys := v.MapKeys()
	for i := range keys { // few of them
		for j := i; j > 0 && keys[j].String() < keys[j-1].String(); j-- {
			keys[j], keys[j-1] = keys[j-1], keys[j]
		}
	}
	return keys
}

const maxBlob = 16 << 10 // bytes of a blob that is printed as it is

func writeBlob(b *bytes.Buffer, data []byte) {
	if len(data) <= maxBlob {
		b.WriteString(jsonText(base64.StdEncoding.EncodeToString(data)))
		return
	}
	sum := sha256.Sum256(data)
	writeDigest(b, int64(len(data)), sum[:])
}

// writeBody gives the size and the digest of what would be uploaded.
func writeBody(b *bytes.Buffer, r io.Reader) error {
	h := sha256.New()
	n, err := hashBody(r, h)
	writeDigest(b, n, h.Sum(nil))
	return err
}

// hashBody reads what would be uploaded, and goes back to where it began if it can.
func hashBody(r io.Reader, h hash.Hash) (size int64, err error) {
	size, err = io.Copy(h, r)
	if seeker, ok := r.(io.Seeker); ok && err == nil {
		_, err = seeker.Seek(-size, io.SeekCurrent)
	}
	return size, err
}

func writeDigest(b *bytes.Buffer, n int64, sum []byte) {
	b.WriteString(jsonText(fmt.Sprintf("%d bytes, sha256:%s", n, hex.EncodeToString(sum))))
}

func jsonText(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // text always has a JSON form
	return strings.TrimSuffix(b.String(), "\n")
}

// bodyOf returns what puts the body of an input back to its beginning, and reports whether it could.
func bodyOf(input any) (rewind func() bool) {
	v := reflect.Indirect(reflect.ValueOf(input))
	if v.Kind() != reflect.Struct {
		return func() bool { return true }
	}
	f := v.FieldByName("Body")
	if !f.IsValid() || f.Kind() != reflect.Interface || f.IsNil() {
		return func() bool { return true }
	}
	seeker, ok := f.Interface().(io.Seeker)
	if !ok {
		return func() bool { return false }
	}
	at, err := seeker.Seek(0, io.SeekCurrent)
	return func() bool {
		if err != nil {
			return false
		}
		_, err := seeker.Seek(at, io.SeekStart)
		return err == nil
	}
}
