package awsfake

import (
	"fmt"
	"strings"

	"threatdetect/internal/lazyregexp"
)

// checkProperty follows a path into what the description of a step's job has.
func checkProperty(st *step, property string) error {
	parts, err := splitProperty(property)
	if err != nil {
		return err
	}
	if len(parts) == 2 && parts[0].name == "PropertyFiles" {
		for _, f := range docs(st.raw, "PropertyFiles") {
			if str(f, "PropertyFileName") == parts[1].name {
				return nil
			}
		}
		return fmt.Errorf("step %s has no property file %s", st.name, parts[1].name)
	}
	if st.kind == "Lambda" && len(parts) == 2 && parts[0].name == "OutputParameters" || st.kind == "Condition" && len(parts) == 1 && parts[0].name == "Outcome" {
		return nil
	}
	sm := services()["sagemaker"]
	at := stepKinds[st.kind].answer
	for _, p := range parts {
		sh := sm.Shapes[at]
		if sh == nil {
			return fmt.Errorf("steps of type %s have no properties", st.kind)
		}
		switch sh.Type {
		case "structure":
			m, ok := sh.Members[p.name]
			if !ok {
				return fmt.Errorf("%s has no %s", at, p.name)
			}
			at = m.Shape
		case "map":
			at = sh.Value.Shape
		default:
			return fmt.Errorf("%s has no members", at)
		}
		if p.indexed {
			sh = sm.Shapes[at]
			switch sh.Type {
			case "list":
				at = sh.Of.Shape
			case "map":
				at = sh.Value.Shape
			default:
				return fmt.Errorf("%s is no list", p.name)
			}
		}
	}
	return nil
}

type propertyPart struct {
	name    string
	indexed bool
	index   string // a name in quotes, or a number
	quoted  bool
}

var propertyPattern = lazyregexp.New(`^([A-Za-z0-9_]+)(?:\[(?:'([^']*)'|"([^"]*)"|(\d+))\])?$`)

// splitProperty takes FinalMetricDataList['validation:auc'].Value apart.
func splitProperty(path string) ([]propertyPart, error) {
	var out []propertyPart
	depth, from := 0, 0
	for i := 0; i <= len(path); i++ {
		if i < len(path) && path[i] == '[' {
			depth++
		}
		if i < len(path) && path[i] == ']' {
			depth--
		}
		if i < len(path) && (path[i] != '.' || depth > 0) {
			continue
		}
		m := propertyPattern.FindStringSubmatch(path[from:i])
		if m == nil {
			return nil, fmt.Errorf("%q", path[from:i])
		}
		p := propertyPart{name: m[1], index: m[2] + m[3] + m[4], quoted: m[4] == ""}
		p.indexed = strings.Contains(path[from:i], "[")
		out = append(out, p)
		from = i + 1
	}
	return out, nil
}
