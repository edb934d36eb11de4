package train

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	_ "embed"

	"go.yaml.in/yaml/v3"
)

//go:embed init.yaml
var initFile []byte

// InitFile is a complete threatdetect.yaml with every key and a comment to each.
func InitFile() []byte { return slices.Clone(initFile) }

// maxStackFile bounds the file, bytes.
const maxStackFile = 1 << 20

// Open reads a stack from a file. Keys that are not there keep the value that they have in [InitFile]; keys that nobody knows are faults. All
// faults are listed at once, as [Faults], with their lines.
func Open(path string) (*Stack, error) {
	text, err := readStackFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(text, path)
}

func readStackFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: %s: no such file; threatdetect init -o %[2]s makes one", ErrStack, path)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrStack, err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%w: %s: no regular file", ErrStack, path)
	case info.Size() > maxStackFile:
		return nil, fmt.Errorf("%w: %s: %d bytes, want at most %d", ErrStack, path, info.Size(), maxStackFile)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStack, err)
	}
	return text, nil
}

// Parse is [Open] for a text; path is for messages.
func Parse(text []byte, path string) (*Stack, error) {
	s, faults := &Stack{path: path, lines: map[string]int{}}, Faults{Where: path, Kind: ErrStack}
	base := decoder{faults: &Faults{}, lines: map[string]int{}}
	base.decode(initFile, s)
	// What init writes as an example is no default: a map or list of the file replaces the one of the example.
	d := decoder{faults: &faults, lines: s.lines}
	d.decode(text, s)
	if len(faults.List) == 0 {
		s.check(&faults)
	}
	return s, faults.or(nil, func() {
		slices.SortStableFunc(faults.List, func(a, b Fault) int { return cmp.Compare(a.Line, b.Line) })
	})
}

// decoder fills structs from YAML nodes; it is strict, and collects all faults.
type decoder struct {
	faults *Faults
	lines  map[string]int
}

func (d *decoder) decode(text []byte, s *Stack) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		line, what := yamlError(err)
		d.faults.add(line, "", "%s", what)
		return
	}
	if len(doc.Content) == 0 {
		d.faults.add(0, "", "is empty; threatdetect init writes a complete one")
		return
	}
	d.value(doc.Content[0], reflect.ValueOf(s).Elem(), "")
}

// yamlError takes the line out of an error of the YAML parser, which has it in its text only.
func yamlError(err error) (int, string) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		if n, what, ok := strings.Cut(rest, ": "); ok {
			if line, err := strconv.Atoi(n); err == nil {
				return line, what
			}
		}
	}
	return 0, text
}

// yamlKey is the key of a field: its tag, or its name in lower snake case.
func yamlKey(f reflect.StructField) string {
	if tag := f.Tag.Get("yaml"); tag != "" {
		return tag
	}
	var b strings.Builder
	previous := ' '
	for _, r := range f.Name {
		if unicode.IsUpper(r) && unicode.IsLower(previous) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
		previous = r
	}
	return b.String()
}

func (d *decoder) value(n *yaml.Node, v reflect.Value, key string) {
	d.lines[key] = n.Line
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(n, v, key)
	case reflect.Map:
		d.mapping(n, v, key)
	case reflect.Slice:
		if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
			v.SetZero()
			return
		}
		if n.Kind != yaml.SequenceNode {
			d.faults.add(n.Line, key, "want a list")
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
		for i, item := range n.Content {
			d.value(item, v.Index(i), fmt.Sprintf("%s[%d]", key, i))
		}
	default:
		d.scalar(n, v, key)
	}
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value, key string) {
	if n.Kind != yaml.MappingNode {
		d.faults.add(n.Line, key, "want keys and values")
		return
	}
	fields := map[string]reflect.Value{}
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.IsExported() {
			fields[yamlKey(f)] = v.Field(i)
		}
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i].Value
		full := strings.TrimPrefix(key+"."+name, ".")
		field, ok := fields[name]
		switch {
		case !ok:
			d.faults.add(n.Content[i].Line, full, "no such key; there are %s", strings.Join(slices.Sorted(maps.Keys(fields)), " "))
		case seen[name]:
			d.faults.add(n.Content[i].Line, full, "is there twice")
		default:
			d.value(n.Content[i+1], field, full)
		}
		seen[name] = true
	}
}

// mapping reads a map of text to text; numbers and truth values are text, too.
func (d *decoder) mapping(n *yaml.Node, v reflect.Value, key string) {
	v.Set(reflect.MakeMap(v.Type()))
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.faults.add(n.Line, key, "want keys and values")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, item := n.Content[i], n.Content[i+1]
		full := key + "." + k.Value
		d.lines[full] = k.Line
		switch {
		case item.Kind != yaml.ScalarNode:
			d.faults.add(item.Line, full, "want one value; a list goes in quotes")
		case v.MapIndex(reflect.ValueOf(k.Value)).IsValid():
			d.faults.add(k.Line, full, "is there twice")
		default:
			v.SetMapIndex(reflect.ValueOf(k.Value), reflect.ValueOf(item.Value))
		}
	}
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, key string) {
	if n.Kind != yaml.ScalarNode {
		d.faults.add(n.Line, key, "want one value")
		return
	}
	text := n.Value
	if n.Tag == "!!null" {
		text = ""
	}
	var err error
	want := "text"
	switch p := v.Addr().Interface().(type) {
	case *string:
		*p = text
	case *bool:
		want = "true or false"
		if text == "" {
			text = "false"
		}
		*p, err = strconv.ParseBool(text)
	case *int:
		want = "a whole number"
		*p, err = strconv.Atoi(cmp.Or(text, "0"))
	case *float64:
		want = "a number"
		*p, err = strconv.ParseFloat(cmp.Or(text, "0"), 64)
		if *p != *p {
			err = strconv.ErrSyntax
		}
	case *time.Duration:
		want = "a time, such as 90s, 30m, 1h or 7d"
		*p, err = parseDuration(text)
	}
	if err != nil {
		d.faults.add(n.Line, key, "%q: want %s", text, want)
	}
}

// parseDuration also knows days; "" and 0 are none.
func parseDuration(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < 0 || n > 36500 {
			return 0, strconv.ErrSyntax
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err == nil && d < 0 {
		err = strconv.ErrRange
	}
	return d, err
}
