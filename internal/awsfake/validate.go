package awsfake

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// validate holds a decoded request against its shape. All faults come back, each in the service's own words.
func (s *service) validate(shapeName string, value any, path string) []string {
	sh := s.Shapes[shapeName]
	if sh == nil {
		return nil
	}
	var faults []string
	fault := func(constraint string) {
		faults = append(faults, fmt.Sprintf("Value '%s' at '%s' failed to satisfy constraint: %s", brief(value), path, constraint))
	}
	bounds := func(n float64, what string) {
		if sh.Min != nil && n < *sh.Min {
			fault(what + " greater than or equal to " + strconv.FormatFloat(*sh.Min, 'f', -1, 64))
		}
		if sh.Max != nil && n > *sh.Max {
			fault(what + " less than or equal to " + strconv.FormatFloat(*sh.Max, 'f', -1, 64))
		}
	}
	switch v := value.(type) {
	case string:
		bounds(float64(utf8.RuneCountInString(v)), "Member must have length")
		if sh.pattern != nil && !sh.pattern.MatchString(v) {
			fault("Member must satisfy regular expression pattern: " + sh.Pattern)
		}
		if len(sh.Enum) > 0 && !slices.Contains(sh.Enum, v) {
			fault("Member must satisfy enum value set: [" + strings.Join(sh.Enum, ", ") + "]")
		}
	case []byte:
		bounds(float64(len(v)), "Member must have length")
	case int64:
		bounds(float64(v), "Member must have value")
	case float64:
		bounds(v, "Member must have value")
		if math.IsNaN(v) {
			fault("Member must be a number")
		}
	case []any:
		bounds(float64(len(v)), "Member must have length")
		for i, e := range v {
			faults = append(faults, s.validate(sh.Of.Shape, e, fmt.Sprintf("%s.%d.member", path, i+1))...)
		}
	case map[string]any:
		if sh.Type == "map" {
			bounds(float64(len(v)), "Member must have length")
			for _, k := range sortedKeys(v) {
				for _, f := range s.validate(sh.Key.Shape, k, path) {
					faults = append(faults, "Map keys: "+f)
				}
				faults = append(faults, s.validate(sh.Value.Shape, v[k], path+"."+k+".member")...)
			}
			break
		}
		for _, name := range sh.Required {
			if v[name] == nil {
				faults = append(faults, fmt.Sprintf("Value null at '%s' failed to satisfy constraint: Member must not be null", join(path, name)))
			}
		}
		for _, name := range sortedKeys(v) {
			m, ok := sh.Members[name]
			if !ok {
				faults = append(faults, fmt.Sprintf("Unknown member '%s'", join(path, name)))
				continue
			}
			faults = append(faults, s.validate(m.Shape, v[name], join(path, name))...)
		}
	}
	return faults
}

// join writes a path as the services do: the first letter is small.
func join(path, name string) string {
	name = strings.ToLower(name[:1]) + name[1:]
	if path == "" {
		return name
	}
	return path + "." + name
}

func brief(v any) string {
	text := fmt.Sprint(v)
	if len(text) > 100 {
		text = text[:100] + "…"
	}
	return text
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// validationError joins faults into the one message of the service.
func validationError(faults []string) *apiError {
	n := "error"
	if len(faults) > 1 {
		n = "errors"
	}
	return invalid("%d validation %s detected: %s", len(faults), n, strings.Join(faults, "; "))
}
