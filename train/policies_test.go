package train

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// golden compares with a file of testdata, or writes it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE") != "" {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "UPDATE=1 go test ./train if the change is meant")
}

func initStack(t *testing.T, changes ...string) *Stack {
	t.Helper()
	text := string(InitFile())
	for i := 0; i < len(changes); i += 2 {
		require.Contains(t, text, changes[i])
		text = strings.Replace(text, changes[i], changes[i+1], 1)
	}
	s, err := Parse([]byte(text), "threatdetect.yaml")
	require.NoError(t, err)
	return s
}

// fullStack has everything that a stack can have.
func fullStack(t *testing.T, changes ...string) *Stack {
	return initStack(t, append(changes, `kms_key: "" `, `kms_key: alias/td `, "subnets: [] ", "subnets: [subnet-0123456789abcdef0] ",
		"security_groups: []", "security_groups: [sg-0123456789abcdef0]", `email: "" `, "email: soc@example.com ", "wanted: false", "wanted: true")...)
}

func TestPoliciesGolden(t *testing.T) {
	text, err := json.MarshalIndent(initStack(t).Policies("111122223333"), "", "  ")
	require.NoError(t, err)
	golden(t, "policies.json", append(text, '\n'))
}

// Least privilege: no statement allows everything, wildcards stand for things that have no ARN, and each role passes and is passed where it should.
func TestPoliciesAreNarrow(t *testing.T) {
	withoutARN := map[string]bool{"ecr:GetAuthorizationToken": true, "cloudwatch:PutMetricData": true}
	for _, s := range []*Stack{initStack(t), fullStack(t)} {
		for _, p := range s.Policies("111122223333") {
			sids := map[string]bool{}
			for _, st := range p.Policy.Statement {
				require.False(t, sids[st.Sid], "%s: %s twice", p.Kind, st.Sid)
				sids[st.Sid] = true
				require.Equal(t, "Allow", st.Effect)
				for _, a := range st.Action {
					require.NotContains(t, a, "*", "%s: %s", p.Kind, st.Sid)
					if p.Kind != PermitOperator && !strings.HasPrefix(a, "ec2:") {
						require.Equal(t, withoutARN[a], len(st.Resource) == 1 && st.Resource[0] == "*", "%s: %s: %s", p.Kind, st.Sid, a)
					}
					if a == "iam:PassRole" {
						require.Contains(t, st.Condition["StringEquals"], "iam:PassedToService")
					}
				}
				for _, r := range st.Resource {
					require.NotContains(t, r, "arn:aws:s3:::*", p.Kind)
					require.NotContains(t, r, ":role/*", p.Kind)
				}
			}
			text, err := json.Marshal(p.Policy)
			require.NoError(t, err)
			limit := 10240 // of all inline policies of a role
			if p.Role == "" {
				limit = 2 * 6144 // managed policies, of which a user has up to ten
			}
			require.LessOrEqual(t, len(text), limit, p.Kind)
		}
	}
}

func TestAlarmsFitCloudWatch(t *testing.T) {
	s := fullStack(t)
	names := map[string]bool{}
	for _, a := range s.alarms(watched{function: true, endpoint: true}) {
		require.False(t, names[a.Name])
		names[a.Name] = true
		require.True(t, strings.HasPrefix(a.Name, "td-demo-"))
		require.LessOrEqual(t, int(a.Period.Seconds())*a.Periods, 7*24*3600, a.Name)
		if a.Period.Seconds() < 3600 {
			require.LessOrEqual(t, int(a.Period.Seconds())*a.Periods, 24*3600, a.Name)
		}
		require.Positive(t, a.Periods, a.Name)
		require.LessOrEqual(t, len(a.Description), 1024)
	}
	require.True(t, json.Valid([]byte(s.dashboard(watched{true, true}))))
	require.Less(t, len(s.alarms(watched{})), len(names))
}
