package model

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// DumpText returns tree i in the words of XGBoost's text dump with statistics, one node on a line, children below their parent and one tab
// further in:
//
//	0:[f2<0.5] yes=1,no=2,missing=1,gain=7.25,cover=100
//		1:leaf=0.125,cover=60
//		2:leaf=-0.25,cover=40
//
// Features have their names if the booster has them. There are no statistics if the file has none.
func (b *Booster) DumpText(i int) (string, error) {
	t, err := b.dumped(i)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	t.visit(func(n int32, depth int) {
		for range depth {
			out.WriteByte('\t')
		}
		fmt.Fprintf(&out, "%d:", n)
		if t.IsLeaf(n) {
			fmt.Fprintf(&out, "leaf=%s", t.leafText(n))
		} else {
			left, right := t.Left[n], t.Right[n]
			missing := right
			if t.DefaultLeft[n] {
				missing = left
			}
			condition, swapped := b.condition(t, n)
			switch {
			case b.isIndicator(t, n):
				yes := left + right - missing
				fmt.Fprintf(&out, "[%s] yes=%d,no=%d", condition, yes, missing)
			case swapped: // who is in the set goes right
				fmt.Fprintf(&out, "[%s] yes=%d,no=%d,missing=%d", condition, right, left, missing)
			default:
				fmt.Fprintf(&out, "[%s] yes=%d,no=%d,missing=%d", condition, left, right, missing)
			}
			if t.LossChange != nil {
				fmt.Fprintf(&out, ",gain=%s", dumpFloat(t.LossChange[n]))
			}
		}
		if t.SumHessian != nil {
			fmt.Fprintf(&out, ",cover=%s", dumpFloat(t.SumHessian[n]))
		}
		out.WriteByte('\n')
	})
	return out.String(), nil
}

// DumpDOT returns tree i as a graph in the language of Graphviz. An edge says for what it is taken; dashed ones are also for missing values.
func (b *Booster) DumpDOT(i int) (string, error) {
	t, err := b.dumped(i)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	fmt.Fprintf(&out, "digraph tree%d {\n\tnode [shape=box]\n", i)
	t.visit(func(n int32, _ int) {
		if t.IsLeaf(n) {
			fmt.Fprintf(&out, "\t%d [label=%s, style=rounded]\n", n, quoteDOT("leaf "+t.leafText(n)))
			return
		}
		condition, swapped := b.condition(t, n)
		fmt.Fprintf(&out, "\t%d [label=%s]\n", n, quoteDOT(condition))
		left, right := "yes", "no"
		if swapped || b.isIndicator(t, n) && t.DefaultLeft[n] {
			left, right = right, left
		}
		for _, edge := range []struct {
			child   int32
			label   string
			missing bool
		}{{t.Left[n], left, t.DefaultLeft[n]}, {t.Right[n], right, !t.DefaultLeft[n]}} {
			extra := ""
			if edge.missing {
				edge.label += ", missing"
				extra = ", style=dashed"
			}
			fmt.Fprintf(&out, "\t%d -> %d [label=%q%s]\n", n, edge.child, edge.label, extra)
		}
	})
	out.WriteString("}\n")
	return out.String(), nil
}

// dumped is tree i of a sound booster.
func (b *Booster) dumped(i int) (*Tree, error) {
	if i < 0 || i >= len(b.Trees) {
		return nil, fmt.Errorf("model: there is no tree %d: the booster has %d", i, len(b.Trees))
	}
	if err := b.Validate(); err != nil {
		return nil, err
	}
	return &b.Trees[i], nil
}

// visit calls f for each node that can be reached, parents before children and left before right.
func (t *Tree) visit(f func(n int32, depth int)) {
	type place struct {
		node  int32
		depth int
	}
	for stack := []place{{}}; len(stack) > 0; {
		p := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		f(p.node, p.depth)
		if !t.IsLeaf(p.node) {
			stack = append(stack, place{t.Right[p.node], p.depth + 1}, place{t.Left[p.node], p.depth + 1})
		}
	}
}

func (b *Booster) featureType(f int32) string {
	if b.FeatureTypes == nil {
		return ""
	}
	return b.FeatureTypes[f]
}

// isIndicator tells a split of a feature that is there or not, which XGBoost's dump writes without a threshold.
func (b *Booster) isIndicator(t *Tree, n int32) bool {
	_, categorical := slices.BinarySearch(t.CategoryNodes, n)
	return !categorical && b.featureType(t.Feature[n]) == "i"
}

// condition says what a split asks. Swapped tells that yes is the right child.
func (b *Booster) condition(t *Tree, n int32) (text string, swapped bool) {
	f, value := t.Feature[n], t.Value[n]
	name := "f" + strconv.Itoa(int(f))
	if b.FeatureNames != nil {
		name = b.FeatureNames[f]
	}
	if i, found := slices.BinarySearch(t.CategoryNodes, n); found {
		var codes []string
		for _, code := range t.CategoryCodes[t.CategoryStart[i]:t.CategoryStart[i+1]] {
			codes = append(codes, strconv.Itoa(int(code)))
		}
		return name + ":{" + strings.Join(codes, ",") + "}", true
	}
	switch b.featureType(f) {
	case "i":
		return name, false
	case "int":
		if up := math.Ceil(float64(value)); math.Abs(up) < 1<<31 {
			return name + "<" + strconv.Itoa(int(up)), false
		}
	}
	return name + "<" + dumpFloat(value), false
}

func (t *Tree) leafText(n int32) string {
	if t.LeafSize < 2 {
		return dumpFloat(t.Value[n])
	}
	var values []string
	for _, v := range t.LeafVector[int(t.LeafIndex[n])*t.LeafSize:][:t.LeafSize] {
		values = append(values, dumpFloat(v))
	}
	return "[" + strings.Join(values, ",") + "]"
}

// dumpFloat has nine significant digits, which tell any float32 from its neighbours: %.9g of C.
func dumpFloat(v float32) string {
	switch wide := float64(v); {
	case wide != wide:
		return "nan"
	case math.IsInf(wide, 0):
		return strings.ToLower(strconv.FormatFloat(wide, 'g', -1, 32))
	default:
		return cFloat(wide, 9)
	}
}

// cFloat is %.*g of C: without trailing zeros, with an exponent below 1e-4 and from 10^digits on.
func cFloat(v float64, digits int) string {
	text := strconv.FormatFloat(v, 'e', digits-1, 64)
	mantissa, exponent, _ := strings.Cut(text, "e")
	e, _ := strconv.Atoi(exponent) // which FormatFloat has just written
	if e < -4 || e >= digits {
		if strings.Contains(mantissa, ".") {
			mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
		}
		return mantissa + "e" + exponent
	}
	text = strconv.FormatFloat(v, 'f', digits-1-e, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// quoteDOT quotes a label: names of features may hold anything.
func quoteDOT(text string) string {
	text = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", " ").Replace(text)
	return `"` + text + `"`
}
