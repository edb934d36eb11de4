package awsfake

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"sort"
	"strings"
	"sync"
)

//go:embed shapes.json
var shapesJSON []byte

// service is what one API is made of.
type service struct {
	Name       string `json:"-"`
	Meta       serviceMeta
	Operations map[string]*operation
	Shapes     map[string]*shape
	routes     []route
}

type serviceMeta struct {
	Target, Signing, Version string
	JSON                     string
	XMLNS                    string
	Rest, Query              bool
}

type operation struct {
	Name          string `json:"-"`
	HTTP          string
	Status        int
	Input, Output string
	Wrapper       string
	Errors        map[string]int // HTTP status of each modelled error
}

type shape struct {
	Type            string `json:"t"`
	Min, Max        *float64
	Pattern         string
	Enum            []string
	Members         map[string]member
	Required        []string
	Of, Key, Value  member
	Payload         string
	Flattened       bool
	TimestampFormat string
	pattern         *regexp.Regexp
}

type member struct {
	Shape           string `json:"s"`
	Loc             string
	Name            string
	TimestampFormat string
	Flattened       bool
}

// wire is the member's name in a message.
func (m member) wire(name string) string {
	if m.Name != "" {
		return m.Name
	}
	return name
}

// unsupported are patterns that Go's regexp has no words for (they look around), in words that it has.
var unsupported = map[string]string{
	`(?!\s*$).+`:  `.*\S.*`,
	`^(?!\s*$).+`: `.*\S.*`,
	`(arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:[0-9]{12}:[a-z\-]*\/)?([a-zA-Z0-9]([a-zA-Z0-9-]){0,62})(?<!-)`:                `(arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:[0-9]{12}:[a-z\-]*/)?[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?`,
	`(arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:[0-9]{12}:[a-z\-]*\/)?([a-zA-Z0-9]([a-zA-Z0-9-]){0,62})(?<!-)(\/[0-9]{1,9})?`: `(arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:[0-9]{12}:[a-z\-]*/)?[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(/[0-9]{1,9})?`,
	`[0-9A-Za-z\.\-_]*(?<!\.)`: `([0-9A-Za-z.\-_]*[0-9A-Za-z\-_])?`,
}

// services parses shapes.json, once.
var services = sync.OnceValue(func() map[string]*service {
	var file struct{ Services map[string]*service }
	if err := json.Unmarshal(shapesJSON, &file); err != nil {
		panic(fmt.Sprintf("awsfake: shapes.json: %v", err))
	}
	for name, s := range file.Services {
		s.Name = name
		for opName, op := range s.Operations {
			op.Name = opName
			if s.Meta.Rest {
				s.routes = append(s.routes, newRoute(op))
			}
		}
		// The route with more literal segments is asked first.
		sort.Slice(s.routes, func(i, j int) bool {
			a, b := s.routes[i], s.routes[j]
			if a.literals != b.literals {
				return a.literals > b.literals
			}
			return a.op.Name < b.op.Name
		})
		for _, sh := range s.Shapes {
			if sh.Pattern == "" {
				continue
			}
			pattern := sh.Pattern
			if other, ok := unsupported[pattern]; ok {
				pattern = other
			}
			// A pattern that cannot be said is not checked: patterns_test.go counts them.
			sh.pattern, _ = regexp.Compile(`^(?s:` + strings.TrimSuffix(strings.TrimPrefix(pattern, "^"), "$") + `)$`)
		}
	}
	return file.Services
})
