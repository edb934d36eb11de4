package pipeline

import (
	"bytes"
	"encoding/json"
)

// Version is the version of the schema.
const Version = "2020-12-01"

// InlineLimit is up to how many bytes a definition goes into the request that creates the pipeline; a larger one is put into a bucket, as AWS's own
// client does. The service takes [MaxBytes] at most.
const (
	InlineLimit = 100 << 10
	MaxBytes    = 1 << 20
)

// Definition is a pipeline. Steps run in the order that their references and DependsOn ask for, not in that of the slice.
type Definition struct {
	Parameters []*Parameter
	Steps      []*Step
}

// Type is what values a parameter takes.
type Type string

// The types of parameters.
const (
	String  Type = "String"
	Integer Type = "Integer"
	Float   Type = "Float"
	Boolean Type = "Boolean"
)

// Parameter is a value that is set when a run starts. As a [Value] it stands for what was set.
type Parameter struct {
	Name    string
	Type    Type
	Default any      // string, int, float64 or bool; nil for a parameter that every start has to set
	Enum    []string // of a String: the values that are allowed; nil for any
}

// MarshalJSON writes a reference to the parameter, which is what stands everywhere but in the list of parameters.
func (p *Parameter) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"Get": "Parameters." + p.Name})
}

type parameterJSON struct {
	Name         string
	Type         Type
	DefaultValue any      `json:",omitempty"`
	EnumValues   []string `json:",omitempty"`
}

type definitionJSON struct {
	Version    string
	Metadata   struct{}
	Parameters []parameterJSON
	Steps      []*Step
}

// JSON returns the definition as the service reads it, indented by nothing, the same bytes each time.
func (d *Definition) JSON() ([]byte, error) {
	out := definitionJSON{Version: Version, Parameters: []parameterJSON{}, Steps: d.Steps}
	if out.Steps == nil {
		out.Steps = []*Step{}
	}
	for _, p := range d.Parameters {
		out.Parameters = append(out.Parameters, parameterJSON{p.Name, p.Type, p.Default, p.Enum})
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(out); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Validate finds what is wrong with the definition: see [Check]. The error is an [Errors].
func (d *Definition) Validate(o *Options) error {
	text, err := d.JSON()
	if err != nil {
		return err
	}
	return Check(text, o)
}
