package pipeline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"threatdetect/internal/lazyregexp"
)

// Options say how a definition is going to be used. The zero value is good for one that people start by hand.
type Options struct {
	// Triggered tells that a rule or a schedule starts the pipeline: every parameter needs a default then, but for those in Sets, which the
	// rule sets.
	Triggered bool
	Sets      []string
	// Watched, unless empty, is the address below which new objects start the pipeline (s3://bucket/prefix/): no step may write there.
	Watched string
}

// Limits of the service. The number of steps and parameters is what its documents say; the rest is in its API model.
const (
	maxSteps      = 50
	maxParameters = 200
	maxNesting    = 40 // of JSON, which is far more than any definition has
)

// Check finds what is wrong with a definition in JSON: unknown steps, properties, parameters and outputs, names used twice, cycles, members that are
// wanted or not allowed, parameters without a default that nobody sets, and limits of the service. The error is an [Errors], with all faults at once.
func Check(definition []byte, o *Options) error {
	c := checker{parameters: map[string]*parameter{}, steps: map[string]*step{}}
	if o != nil {
		c.Options = *o
	}
	if len(definition) > MaxBytes {
		c.fault("", ErrLimit, "%d bytes: the service takes %d", len(definition), MaxBytes)
		return c.errs
	}
	root, err := decode(definition)
	if err != nil {
		c.fault("", ErrSyntax, "%v", err)
		return c.errs
	}
	c.root(root)
	if len(c.errs) > 0 {
		return c.errs
	}
	return nil
}

type object = map[string]any

type checker struct {
	Options
	errs       Errors
	parameters map[string]*parameter
	steps      map[string]*step
	order      []*step
}

type parameter struct {
	kind string
	def  any
}

// step is a step with where it stands and what it waits for.
type step struct {
	name, kind, path string
	raw, arguments   object
	parent           *step // the condition that it is in
	needs            []string
}

func (c *checker) fault(path string, kind error, format string, args ...any) {
	c.errs = append(c.errs, &Error{Path: path, Kind: kind, Text: fmt.Sprintf(format, args...)})
}

// decode reads JSON of bounded depth, whose objects have no member twice.
func decode(text []byte) (object, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	v, err := decodeValue(d, 0)
	if err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, errors.New("the JSON ends too early")
		}
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("byte %d: something follows the definition", d.InputOffset())
	}
	o, ok := v.(object)
	if !ok {
		return nil, errors.New("want a JSON object with Version and Steps")
	}
	return o, nil
}

func decodeValue(d *json.Decoder, depth int) (any, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("byte %d: nested more than %d deep", d.InputOffset(), maxNesting)
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := decodeValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = d.Token()
		return list, err
	case json.Delim('{'):
		o := object{}
		for d.More() {
			k, err := d.Token()
			if err != nil {
				return nil, err
			}
			key := k.(string) // the decoder allows nothing else
			if _, twice := o[key]; twice {
				return nil, fmt.Errorf("byte %d: member %q twice", d.InputOffset(), key)
			}
			if o[key], err = decodeValue(d, depth+1); err != nil {
				return nil, err
			}
		}
		_, err = d.Token()
		return o, err
	}
	return t, nil
}

var (
	stepName      = lazyregexp.New(`^[A-Za-z0-9_-]{1,64}$`)
	parameterName = lazyregexp.New(`^[A-Za-z0-9_-]{1,256}$`)
)

func (c *checker) root(root object) {
	c.members("", root, "Version Steps", "Version Metadata Parameters PipelineExperimentConfig MlflowConfig Steps")
	if v, ok := root["Version"]; ok && v != Version {
		c.fault("Version", ErrSyntax, "%v: want %q", show(v), Version)
	}
	list := c.list("Parameters", root["Parameters"])
	if len(list) > maxParameters {
		c.fault("Parameters", ErrLimit, "%d: the service takes %d", len(list), maxParameters)
	}
	for i, v := range list {
		c.parameter(fmt.Sprintf("Parameters[%d]", i), v)
	}
	for _, name := range c.Sets {
		if c.Triggered && c.parameters[name] == nil {
			c.fault("Parameters", ErrParameter, "the trigger sets %q, which is no parameter", name)
		}
	}
	steps := c.list("Steps", root["Steps"])
	if steps != nil && len(steps) == 0 {
		c.fault("Steps", ErrSyntax, "want a step")
	}
	c.collect("Steps", steps, nil)
	if len(c.order) > maxSteps {
		c.fault("Steps", ErrLimit, "%d steps: the service takes %d", len(c.order), maxSteps)
	}
	for _, s := range c.order {
		c.step(s)
	}
	c.cycles()
}

func (c *checker) parameter(path string, v any) {
	o, ok := v.(object)
	if !ok {
		c.fault(path, ErrSyntax, "want an object")
		return
	}
	c.members(path, o, "Name Type", "Name Type DefaultValue EnumValues")
	name, _ := o["Name"].(string)
	kind, _ := o["Type"].(string)
	def, set := o["DefaultValue"]
	switch {
	case !parameterName.MatchString(name):
		c.fault(path+".Name", ErrName, "%v: want 1 to 256 of A-Z a-z 0-9 - _", show(o["Name"]))
		return
	case c.parameters[name] != nil:
		c.fault(path+".Name", ErrName, "%q is used twice", name)
		return
	}
	c.parameters[name] = &parameter{kind, def}
	if !slices.Contains([]string{string(String), string(Integer), string(Float), string(Boolean)}, kind) {
		c.fault(path+".Type", ErrSyntax, "%v: want String, Integer, Float or Boolean", show(o["Type"]))
		return
	}
	if !set && c.Triggered && !slices.Contains(c.Sets, name) {
		c.fault(path, ErrParameter, "%q has no default, and what starts the pipeline does not set it", name)
	}
	if set && !fits(kind, def) {
		c.fault(path+".DefaultValue", ErrParameter, "%v is not of the type %s", show(def), kind)
	}
	c.enum(path, o, def, set)
}

func (c *checker) enum(path string, o object, def any, set bool) {
	v, ok := o["EnumValues"]
	if !ok {
		return
	}
	values := c.list(path+".EnumValues", v)
	if len(values) == 0 {
		c.fault(path+".EnumValues", ErrParameter, "want a value")
	} else if set && !slices.ContainsFunc(values, func(one any) bool { return show(one) == show(def) }) {
		c.fault(path+".DefaultValue", ErrParameter, "%v is not among EnumValues", show(def))
	}
}

// fits tells whether a default is of the type of its parameter.
func fits(kind string, v any) bool {
	n, number := v.(json.Number)
	switch Type(kind) {
	case String:
		s, ok := v.(string)
		return ok && len(s) <= 1024
	case Integer:
		_, err := n.Int64()
		return number && err == nil
	case Float:
		return number
	default:
		_, ok := v.(bool)
		return ok
	}
}

// collect lists the steps, those inside conditions too.
func (c *checker) collect(path string, list []any, parent *step) {
	for i, v := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		raw, ok := v.(object)
		if !ok {
			c.fault(at, ErrSyntax, "want an object")
			continue
		}
		s := &step{path: at, raw: raw, parent: parent}
		s.name, _ = raw["Name"].(string)
		s.kind, _ = raw["Type"].(string)
		if a, ok := raw["Arguments"]; ok {
			if s.arguments, ok = a.(object); !ok {
				c.fault(at+".Arguments", ErrSyntax, "want an object")
			}
		}
		switch {
		case !stepName.MatchString(s.name):
			c.fault(at+".Name", ErrName, "%v: want 1 to 64 of A-Z a-z 0-9 - _", show(raw["Name"]))
		case c.steps[s.name] != nil:
			c.fault(at+".Name", ErrName, "%q is used twice; it is also %s", s.name, c.steps[s.name].path)
		default:
			c.steps[s.name] = s
		}
		c.order = append(c.order, s)
		if s.kind == "Condition" {
			for _, branch := range []string{"IfSteps", "ElseSteps"} {
				c.collect(at+".Arguments."+branch, c.list(at+".Arguments."+branch, s.arguments[branch]), s)
			}
		}
	}
}

// list is v as a list; nothing is a list of nothing.
func (c *checker) list(path string, v any) []any {
	if v == nil {
		return nil
	}
	l, ok := v.([]any)
	if !ok {
		c.fault(path, ErrSyntax, "want a list")
	}
	return l
}

// members finds members that are missing and ones that nobody knows. No known ones: any are.
func (c *checker) members(path string, o object, wanted, known string) {
	for _, name := range strings.Fields(wanted) {
		if _, ok := o[name]; !ok {
			c.fault(path, ErrSyntax, "%s is missing", name)
		}
	}
	if known == "" {
		return
	}
	for _, name := range sorted(o) {
		if !slices.Contains(strings.Fields(known), name) {
			c.fault(join(path, name), ErrSyntax, "no such member; there are %s", strings.Join(strings.Fields(known), ", "))
		}
	}
}

func sorted(o object) []string {
	names := make([]string, 0, len(o))
	for name := range o {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// show is a value in a message.
func show(v any) string {
	b, err := json.Marshal(v)
	if err != nil || len(b) > 80 {
		return fmt.Sprintf("%.60s…", b)
	}
	return string(b)
}
