package suffix

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/publicsuffix"

	"threatdetect/internal/suffix"
)

// ourRules are those of the dated copy.
func ourRules(t *testing.T) map[string]bool {
	text, err := os.ReadFile("../../internal/suffix/rules.txt")
	require.NoError(t, err)
	rules := make(map[string]bool)
	for _, rule := range strings.Fields(regexp.MustCompile(`(?m)^//.*`).ReplaceAllString(string(text), "")) {
		rules[rule] = true
	}
	return rules
}

// theirRules are those that the library's own test has in plain text.
func theirRules(t *testing.T) map[string]bool {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/net").Output()
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "publicsuffix", "table_test.go"))
	require.NoError(t, err)
	_, list, _ := strings.Cut(string(text), "var rules = [...]string{")
	list, _, _ = strings.Cut(list, "\n}")
	rules := make(map[string]bool)
	for _, m := range regexp.MustCompile(`"(.*)"`).FindAllStringSubmatch(list, -1) {
		rules[m[1]] = true
	}
	return rules
}

// fits reports whether one of the rules is about a name: a suffix of it, or next to one.
func fits(rules map[string]bool, name string) bool {
	for rest, more := name, true; more; {
		_, above, has := strings.Cut(rest, ".")
		if rules[rest] || rules["!"+rest] || rules["*."+rest] || has && rules["*."+above] {
			return true
		}
		rest, more = above, has
	}
	return false
}

// TestRegistered asks about names at, above and below every rule of both lists. The lists are of different days: where they have different rules about a name
// the answers may differ, and nowhere else.
func TestRegistered(t *testing.T) {
	ours, theirs := ourRules(t), theirRules(t)
	require.Greater(t, len(ours), 9_000)
	require.Greater(t, len(theirs), 9_000)
	changed := make(map[string]bool) // rules of one list alone
	all := make(map[string]bool)
	for _, list := range []map[string]bool{ours, theirs} {
		for rule := range list {
			all[rule] = true
			if !ours[rule] || !theirs[rule] {
				changed[rule] = true
			}
		}
	}
	equal, explained := 0, 0
	for rule := range all {
		name := strings.Replace(strings.TrimPrefix(rule, "!"), "*", "x", 1)
		_, above, _ := strings.Cut(name, ".")
		for _, name := range []string{above, name, "a." + name, "b.a." + name, "c.b.a." + name} {
			if name == "" {
				continue
			}
			want, err := publicsuffix.EffectiveTLDPlusOne(name)
			if err != nil { // the name is a suffix
				want = ""
			}
			got := ""
			if at := suffix.Registered([]byte(name)); at >= 0 {
				got = name[at:]
			}
			if got != want {
				require.True(t, fits(changed, name), "%q: %q, library %q, by the same rules", name, got, want)
				explained++
				continue
			}
			equal++
		}
	}
	t.Logf("%d names equal; %d differ by one of the %d rules that one of the lists lacks", equal, explained, len(changed))
	require.Less(t, explained, equal/10)
}
