package features

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SchemaVersion is the version of the contract's own layout that this package writes and reads.
const SchemaVersion = 1

// maxContract bounds what ParseContract reads, in bytes.
const maxContract = 64 << 20

// Contract is everything besides the model's trees that decides a verdict: how a flow becomes a row, and how a score is
// judged. It travels with the model in a bundle. Its JSON form is canonical: equal contracts have equal bytes and hence
// equal digests. Treat it as read-only once a pipeline was made from it.
type Contract struct {
	SchemaVersion int    `json:"schema_version"`
	Library       string `json:"library"` // name and version of the program that wrote it
	Created       string `json:"created"` // RFC 3339, UTC
	Set           string `json:"set"`     // name and version of the feature set
	// Options are those of the set; nil, and not there in JSON, for one without any. See [Set.With].
	Options *SetOptions `json:"options,omitempty"`

	Columns  []ColumnSpec `json:"columns"`  // of a row, in order
	Encoders []Encoder    `json:"encoders"` // of the categorical fields
	Scaler   []Scale      `json:"scaler"`   // empty: values are not scaled
	Steps    []string     `json:"steps"`    // the order in which a row is made
	Missing  Missing      `json:"missing"`
	State    *StateSpec   `json:"state"` // parameters of sets that remember flows; nil for the others

	Output   Output   `json:"output"`
	Training Training `json:"training"`
	Golden   []Golden `json:"golden"`
}

// ColumnSpec fixes one column of a row.
type ColumnSpec struct {
	Index   int    `json:"index"`
	Name    string `json:"name"`
	Type    string `json:"type"`    // always "f32"
	Formula string `json:"formula"` // identifier and version: the set and the name
	Source  string `json:"source"`  // what it is computed from, for readers of the contract
	Unit    string `json:"unit"`
}

// Encoder fixes how a categorical field becomes one-hot columns.
type Encoder struct {
	Field        string   `json:"field"`
	Vocabulary   []string `json:"vocabulary"` // exact values, in the order of their columns
	Normalise    []string `json:"normalise"`  // steps applied to a value before it is looked up
	Unknown      string   `json:"unknown"`    // what a value outside the vocabulary gives: "zeros"
	Missing      string   `json:"missing"`    // what a missing value gives: "nan"
	MinFrequency int      `json:"min_frequency"`
}

// Scale fixes the standardisation of one numeric column: (x - Mean) / Scale. Scale is the population's standard
// deviation, or 1 where that is zero.
type Scale struct {
	Column string  `json:"column"`
	Mean   Float17 `json:"mean"`
	Scale  Float17 `json:"scale"`
}

// Float17 is a float64 that is written with 17 significant digits, so that every reader gets the same bits.
type Float17 float64

// MarshalJSON implements json.Marshaler.
func (f Float17) MarshalJSON() ([]byte, error) {
	if v := float64(f); math.IsNaN(v) || math.IsInf(v, 0) {
		return nil, fmt.Errorf("features: %v has no JSON form", v)
	}
	return strconv.AppendFloat(nil, float64(f), 'e', 16, 64), nil
}

// Missing says which value the model was trained to read as missing, besides NaN.
type Missing struct {
	Policy string   `json:"policy"` // "nan": none; "zero": 0, as in models trained on libsvm files; "value": Value
	Value  *float32 `json:"value"`
}

func (m Missing) value() (*float32, error) {
	switch {
	case m.Policy == "nan" && m.Value == nil:
		return nil, nil
	case m.Policy == "zero" && m.Value == nil:
		return new(float32), nil
	case m.Policy == "value" && m.Value != nil:
		return m.Value, nil
	}
	return nil, fmt.Errorf("%w: missing policy %q: want nan or zero without a value, or value with one", ErrContract, m.Policy)
}

// StateSpec holds the parameters of a set whose columns depend on earlier flows.
type StateSpec struct {
	ReorderSeconds float64 `json:"reorder_seconds"`
	ReorderRecords int     `json:"reorder_records"`
	CountsCurrent  bool    `json:"counts_current"`
}

// Output fixes how a score is read.
type Output struct {
	Objective  string      `json:"objective"`
	Classes    []string    `json:"classes"` // in the model's order; the first is the benign one
	BaseScore  []float32   `json:"base_score"`
	Thresholds []Threshold `json:"thresholds"` // the first one decides unless another is asked for
	// Calibration makes probabilities out of scores; nil leaves them what the model makes them. It changes neither scores nor verdicts.
	Calibration *Calibration `json:"calibration"`
}

// Threshold is an operating point: a flow is judged a threat if its score is at least Value.
type Threshold struct {
	Name   string  `json:"name"`
	Value  float32 `json:"value"`
	Chosen string  `json:"chosen"` // how and on what data it was chosen
}

// Training identifies what the model was trained on.
type Training struct {
	Files []TrainingFile `json:"files"`
	Rows  int64          `json:"rows"`
	From  string         `json:"from"` // RFC 3339; time of the first and the last flow, empty if they have none
	To    string         `json:"to"`
	Split string         `json:"split"` // how training rows were told from the held-out ones
	Model string         `json:"model"` // SHA-256 of the model file that the contract was made for; empty: any that fits
}

// TrainingFile is one file of the training data.
type TrainingFile struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
	Rows   int64  `json:"rows"`
}

// Golden is a record with the row and the score that it must give.
type Golden struct {
	// Log is a whole small log: what its format needs ahead of the record, and the record. For a set that remembers flows it
	// may hold more of them, and the last one to come out counts.
	Log    string     `json:"log"`
	Row    []*float32 `json:"row"` // null is missing
	Margin float32    `json:"margin"`
	Score  float32    `json:"score"`
}

// NewContract returns a contract for a set whose columns are fixed, with the set's options and its defaults: nothing scaled, NaN alone
// is missing, and no threshold. Sets that need data are fitted by [Fit].
func NewContract(set *Set, created time.Time) (*Contract, error) {
	p, err := NewPipeline(set)
	if err != nil {
		return nil, err
	}
	c := newContract(set, created)
	c.setColumns(p.Schema())
	c.Encoders = []Encoder{
		{Field: "proto", Vocabulary: []string{"tcp", "udp", "icmp", "other"}, Normalise: []string{"lower"}, Unknown: "other", Missing: "nan", MinFrequency: 1},
	}
	if set.Name != "flow-min/1" {
		var apps []string
		for a := AppDNS; a < numApp; a++ {
			apps = append(apps, a.String())
		}
		c.Encoders = append(c.Encoders,
			Encoder{Field: "state", Vocabulary: stateColumns, Normalise: []string{}, Unknown: "unknown", Missing: "unknown", MinFrequency: 1},
			Encoder{Field: "app", Vocabulary: append(apps, "none"), Normalise: []string{"trim", "lower"}, Unknown: "other", Missing: "none", MinFrequency: 1})
	}
	return c, nil
}

func newContract(set *Set, created time.Time) *Contract {
	var state *StateSpec
	if set.Stateful {
		state = &StateSpec{ReorderSeconds: reorderSpan / 1e9, ReorderRecords: reorderRecords, CountsCurrent: true}
	}
	return &Contract{
		State:         state,
		Options:       set.Options(),
		SchemaVersion: SchemaVersion, Library: Library, Created: created.UTC().Format(time.RFC3339), Set: set.Name,
		Scaler: []Scale{}, Steps: []string{"parse", "derive", "missing", "encode", "scale"},
		Missing:  Missing{Policy: "nan"},
		Output:   Output{Classes: []string{}, BaseScore: []float32{}, Thresholds: []Threshold{}},
		Training: Training{Files: []TrainingFile{}}, Golden: []Golden{},
	}
}

func (c *Contract) setColumns(s *Schema) {
	c.Columns = make([]ColumnSpec, len(s.Columns))
	for i, col := range s.Columns {
		c.Columns[i] = ColumnSpec{Index: i, Name: col.Name, Type: "f32", Formula: s.Set + ":" + col.Name, Source: col.Doc, Unit: col.Unit}
	}
}

func (c *Contract) columnNames() []string {
	names := make([]string, len(c.Columns))
	for i, col := range c.Columns {
		names[i] = col.Name
	}
	return names
}

// Threshold returns the operating point that decides: the first one of the contract, or 0.5 if it has none.
func (c *Contract) Threshold() float32 {
	if len(c.Output.Thresholds) == 0 {
		return 0.5
	}
	return c.Output.Thresholds[0].Value
}

// Canonical returns the contract's JSON form: keys in bytewise order, no white space but a final newline, floats in the
// shortest form that reads back to the same bits (17 digits for scales). Equal contracts give equal bytes.
func (c *Contract) Canonical() ([]byte, error) {
	plain, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("features: contract: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(plain))
	dec.UseNumber()
	var tree any // maps are written with sorted keys
	if err := dec.Decode(&tree); err != nil {
		return nil, fmt.Errorf("features: contract: %w", err)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(tree); err != nil {
		return nil, fmt.Errorf("features: contract: %w", err)
	}
	return out.Bytes(), nil
}

// Digest returns the SHA-256 of the canonical form, in hexadecimal.
func (c *Contract) Digest() (string, error) {
	b, err := c.Canonical()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

// ParseContract reads a contract and checks everything that does not need the model: its version, the set, columns,
// encoders, scales, thresholds and the calibration. Unknown keys are refused, since they could change what a row means. The error answers
// errors.Is for ErrContract.
func ParseContract(b []byte) (*Contract, error) {
	if len(b) > maxContract {
		return nil, fmt.Errorf("%w: %d bytes are over the limit of %d", ErrContract, len(b), maxContract)
	}
	var version struct {
		SchemaVersion int `json:"schema_version"`
	}
	if err := json.Unmarshal(b, &version); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrContract, err)
	}
	if version.SchemaVersion != SchemaVersion {
		return nil, fmt.Errorf("%w: schema_version is %d, this version reads %d", ErrContract, version.SchemaVersion, SchemaVersion)
	}
	c := new(Contract)
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(c); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrContract, err)
	}
	if err := c.validate(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Contract) validate() error {
	for i, col := range c.Columns {
		if col.Index != i || col.Type != "f32" {
			return fmt.Errorf("%w: columns[%d]: want index %d and type f32, got %d and %q", ErrContract, i, i, col.Index, col.Type)
		}
	}
	for i, s := range c.Scaler {
		if !(s.Scale > 0) { // JSON has no infinities and no NaN
			return fmt.Errorf("%w: scaler[%d]: a scale of %v", ErrContract, i, s.Scale)
		}
	}
	for i, class := range c.Output.Classes {
		if class == "" || slices.Contains(c.Output.Classes[:i], class) {
			return fmt.Errorf("%w: output.classes[%d]: %q is empty or there already", ErrContract, i, class)
		}
	}
	for i, t := range c.Output.Thresholds {
		if t.Value != t.Value {
			return fmt.Errorf("%w: output.thresholds[%d]: not a number", ErrContract, i)
		}
	}
	if c.Output.Calibration != nil {
		if err := c.Output.Calibration.Check(); err != nil {
			return err
		}
	}
	for i, g := range c.Golden {
		if len(g.Row) != len(c.Columns) {
			return fmt.Errorf("%w: golden[%d]: %d values for %d columns", ErrContract, i, len(g.Row), len(c.Columns))
		}
	}
	_, err := c.Pipeline()
	return err
}

// DiffNames says how the column names got differ from those wanted: lengths, the first place where they part, and
// names that one side lacks. It returns "" if they are equal.
func DiffNames(got, want []string) string {
	at := 0
	for at < len(got) && at < len(want) && got[at] == want[at] {
		at++
	}
	if at == len(got) && at == len(want) {
		return ""
	}
	name := func(names []string) string {
		if at < len(names) {
			return strconv.Quote(names[at])
		}
		return "nothing"
	}
	s := fmt.Sprintf("%d columns where %d are wanted; column %d is %s where %s is wanted", len(got), len(want), at, name(got), name(want))
	if only := without(got, want); only != "" {
		s += "; unknown: " + only
	}
	if only := without(want, got); only != "" {
		s += "; lacking: " + only
	}
	return s
}

// maxListed is how many names a difference spells out.
const maxListed = 8

// without lists the first few names of a that b lacks.
func without(a, b []string) string {
	has := make(map[string]bool, len(b))
	for _, name := range b {
		has[name] = true
	}
	var only []string
	for _, name := range a {
		if !has[name] {
			only = append(only, strconv.Quote(name))
		}
	}
	if len(only) > maxListed {
		return strings.Join(only[:maxListed], ", ") + fmt.Sprintf(" and %d more", len(only)-maxListed)
	}
	return strings.Join(only, ", ")
}
