package features

import (
	"fmt"
	"slices"
	"strings"
)

// Column is one number of a row.
type Column struct {
	Name string // stable identifier; a formula never changes under its name
	Unit string // empty for a ratio, a flag or a code
	Doc  string // the formula, in the terms of Flow's fields
}

// Schema is the ordered list of columns of a row.
type Schema struct {
	Set     string // name and version of the feature set, such as "flow-portable/1"
	Columns []Column
}

// Names returns the names of the columns, in order.
func (s *Schema) Names() []string {
	names := make([]string, len(s.Columns))
	for i, c := range s.Columns {
		names[i] = c.Name
	}
	return names
}

// Set is a named, versioned feature set. Sets are immutable; [Set.With] gives one with options.
type Set struct {
	Name    string // name and version, such as "flow-portable/1"
	Doc     string
	Formats []string // the log formats whose flows hold what the set needs

	// NeedsFit tells that columns or scaling come from data: a pipeline can be made only from a contract that Fit wrote.
	NeedsFit bool

	// Joins tells that columns are made of Flow.Joined: the reader has to join the other logs of the sensor.
	Joins bool

	// Stateful tells that columns depend on earlier flows: rows come out in order of time, later than their flows went in.
	// See [Extractor.Push].
	Stateful bool

	columns []Column // nil if NeedsFit
	fill    func(row []float32, f *Flow)
	source  source // that flows have to be of

	// Of a set whose columns depend on options: which ones, what was given, and fill where networks of the site were.
	takes    optionsOf
	settings *settings // nil without options
	fillSite func(row []float32, f *Flow, s site)

	// Of a Stateful set: how many columns fill writes, and what fills the others.
	stateless int
	memory    func(o *StateOptions, with *settings, stats *Stats) memory
}

// source is a data set whose records have columns of their own.
type source string

const (
	sourceUNSW source = "UNSW-NB15"
	sourceNSL  source = "NSL-KDD"
)

var flowFormats = []string{"zeek", "eve", "vpcflow", "netflow", "binetflow", "cicflow", "unsw"}

// contextFormats are those whose flows have times and addresses, in the order in which a sensor saw them.
var contextFormats = []string{"zeek", "eve", "vpcflow", "netflow"}

// sets are the feature sets of this version.
var sets = []*Set{
	{Name: "flow-min/1", Doc: "counts, rates and protocol of a flow: any source has them", Formats: flowFormats,
		columns: minColumns, fill: fillMin},
	{Name: "flow-portable/1", Doc: "flow-min with TCP flags, state, application and port class: the same from every source of whole flows",
		Formats: flowFormats, columns: portableColumns, fill: fillPortable},
	{Name: "flow-zeek/1", Doc: "flow-portable with payload, losses, direction and the history of the connection: Zeek alone has them",
		Formats: []string{"zeek"}, columns: zeekColumns, fill: fillZeek},
	{Name: "flow-full/1", Doc: "flow-portable with logarithms, kinds of addresses, direction, and the time of day, which gives away when a data set was recorded",
		Formats: flowFormats, columns: slices.Concat(portableColumns, fullColumns), fill: fillFull, fillSite: fillFullOf, takes: takesNets},
	{Name: "unsw-42/1", Doc: "the 42 columns of UNSW-NB15, categories as numbers: for comparing with published results", Formats: []string{"unsw"},
		columns: unsw42Columns, fill: fillUNSW42, source: sourceUNSW},
	{Name: "nsl-41/1", Doc: "the 41 columns of NSL-KDD, categories as numbers: for comparing with published results", Formats: []string{"nslkdd"},
		columns: nsl41Columns, fill: fillNSL41, source: sourceNSL},
	{Name: "flow-context/1", Doc: "flow-portable with what the same hosts and services did in the last 2 seconds and 100 flows",
		Formats: contextFormats, Stateful: true, columns: slices.Concat(portableColumns, contextColumns), fill: fillPortable,
		stateless: len(portableColumns), memory: newContext},
	{Name: "flow-context/2", Doc: "flow-context/1 with what host/1 remembers, and the last 256 flows", Formats: contextFormats, Stateful: true,
		columns: slices.Concat(portableColumns, contextColumns, hostColumns, wideColumns), fill: fillPortable, stateless: len(portableColumns), memory: newContextAndHosts,
		takes: takesNets},
	{Name: "host/1", Doc: "what source, destination, the two of them and their networks did in the last minutes to days", Formats: contextFormats, Stateful: true,
		columns: hostColumns, fill: fillNone, memory: newHosts, takes: takesNets},
	{Name: "beacon/1", Doc: "how regularly a source calls one port of a destination", Formats: contextFormats, Stateful: true,
		columns: beaconColumns, fill: fillNone, memory: newBeacons, takes: takesNets | takesWeights},
	{Name: "name/1", Doc: "how a source meets a name, of a server or host: for the first time, or how regularly", Formats: []string{"zeek", "eve"}, Stateful: true, Joins: true,
		columns: slices.Concat(nameColumns, warmColumns), fill: fillNone, memory: warmed(newNames, nameColumns), takes: takesNets | takesWeights},
	{Name: "dns/1", Doc: "the names that a source asks for, and what the names are made of", Formats: []string{"zeek", "eve"}, Stateful: true, Joins: true,
		columns: slices.Concat(dnsColumns, warmColumns), fill: fillNone, memory: warmed(newLookups, dnsColumns), takes: takesNets},
	{Name: "tls/1", Doc: "TLS handshakes and HTTP requests, and how rare they are at this site", Formats: []string{"zeek", "eve"}, Stateful: true, Joins: true,
		columns: slices.Concat(tlsColumns, warmColumns), fill: fillNone, memory: warmed(newHandshakes, tlsColumns), takes: takesNets},
	{Name: "seed/1", Doc: "the columns of UNSW-NB15 with the three features of the project's origin, on raw values", Formats: []string{"unsw"},
		NeedsFit: true, source: sourceUNSW},
	{Name: "seed-compat/1", Doc: "seed with the origin's arithmetic: columns are standardised first", Formats: []string{"unsw"}, NeedsFit: true,
		source: sourceUNSW},
}

// Sets returns the feature sets of this version.
func Sets() []*Set { return slices.Clone(sets) }

// LookupSet returns the feature set of a name with a version, such as "flow-portable/1", or the newest version of a bare
// name. The error lists the sets there are.
func LookupSet(name string) (*Set, error) {
	var found *Set
	for _, s := range sets {
		if s.Name == name {
			return s, nil
		}
		if bare, _, _ := strings.Cut(s.Name, "/"); bare == name {
			found = s // sets are listed oldest version first
		}
	}
	if found != nil {
		return found, nil
	}
	var names []string
	for _, s := range sets {
		names = append(names, s.Name)
	}
	return nil, fmt.Errorf("features: no set %q; there are %s", name, strings.Join(names, ", "))
}

// CheckFormat reports whether flows of a log format hold what the set needs.
func (s *Set) CheckFormat(format string) error {
	if slices.Contains(s.Formats, format) {
		return nil
	}
	return fmt.Errorf("features: set %s cannot be computed from %s logs; it needs %s", s.Name, format, strings.Join(s.Formats, ", "))
}
