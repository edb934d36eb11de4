package awsfake

//lint:file-ignore ST1005 messages are spelled as the services and containers spell them

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"threatdetect/internal/lazyregexp"
)

// role is an IAM role.
type role struct {
	trust    string
	inline   map[string]string
	attached map[string]bool
	tags     map[string]string
}

var roleARN = lazyregexp.New(`^arn:(aws|aws-cn|aws-us-gov):iam::(\d{12}):role/([\x21-\x7e]*/)?([\w+=,.@-]{1,64})$`)

// checkRole holds a role's address and trust against who is to take it; principal "" is anybody. A role that nobody made here
// is taken as made elsewhere, unless the server is strict. The lock is held.
func (s *Server) checkRole(address, principal, region string) *apiError {
	m := roleARN.FindStringSubmatch(address)
	if m == nil {
		return invalid("RoleArn %q is no ARN of a role.", address)
	}
	if m[1] != partition(region) {
		return invalid("RoleArn %q is of partition %s, the call of %s.", address, m[1], partition(region))
	}
	if m[2] != Account {
		return invalid("RoleArn: Cross-account pass role is not allowed.")
	}
	t := s.thing("role", m[4])
	refused := invalid("Could not assume role %s. Please ensure that the role exists and allows principal '%s' to assume the role.", address, principal)
	if t == nil {
		if s.options.StrictIAM {
			return refused
		}
		return nil
	}
	if t.arn != address {
		return refused
	}
	if principal != "" && !trusts(t.data.(*role).trust, principal) {
		return refused
	}
	return nil
}

// trusts tells whether a trust policy lets a service take the role.
func trusts(document, principal string) bool {
	p, err := parsePolicy(document, true)
	if err != nil {
		return false
	}
	for _, st := range p {
		if st.effect == "Allow" && st.principals[principal] && matchAny(st.actions, "sts:AssumeRole", true) {
			return true
		}
	}
	return false
}

func noSuchEntity(what, name string) *apiError {
	return notFound("NoSuchEntity", "The %s with name %s cannot be found.", what, name)
}

func (s *Server) role(c *call) (*thing, *role, *apiError) {
	t := s.thing("role", str(c.in, "RoleName"))
	if t == nil {
		return nil, nil, noSuchEntity("role", str(c.in, "RoleName"))
	}
	return t, t.data.(*role), nil
}

func (s *Server) describeRole(t *thing) doc {
	r := t.data.(*role)
	out := with(doc{"Path": t.out["Path"], "RoleName": t.name, "RoleId": fmt.Sprintf("AROA%016X", len(t.name)), "Arn": t.arn, "CreateDate": t.created, "AssumeRolePolicyDocument": url.QueryEscape(r.trust)},
		"Description", str(t.in, "Description"))
	var tags []any
	for _, k := range sortedKeys(r.tags) {
		tags = append(tags, doc{"Key": k, "Value": r.tags[k]})
	}
	if tags != nil {
		out["Tags"] = tags
	}
	return out
}

// createRole is also how stacks make roles.
func (s *Server) createRole(in doc, region string) (*thing, *apiError) {
	name := str(in, "RoleName")
	if s.thing("role", name) != nil {
		e := errorf("EntityAlreadyExists", "Role with name %s already exists.", name)
		e.Status = 409
		return nil, e
	}
	if _, err := parsePolicy(str(in, "AssumeRolePolicyDocument"), true); err != nil {
		return nil, errorf("MalformedPolicyDocument", "%v", err)
	}
	path := str(in, "Path")
	if path == "" {
		path = "/"
	}
	t := s.add(&thing{kind: "role", name: name, arn: "arn:" + partition(region) + ":iam::" + Account + ":role" + path + name, in: in, out: doc{"Path": path},
		data: &role{trust: str(in, "AssumeRolePolicyDocument"), inline: map[string]string{}, attached: map[string]bool{}, tags: map[string]string{}}})
	for _, tag := range docs(in, "Tags") {
		t.data.(*role).tags[str(tag, "Key")] = str(tag, "Value")
	}
	return t, nil
}

func (s *Server) putRolePolicy(r *role, name, document string) *apiError {
	if _, err := parsePolicy(document, false); err != nil {
		return errorf("MalformedPolicyDocument", "%v", err)
	}
	total := len(strings.Join(strings.Fields(document), ""))
	for n, d := range r.inline {
		if n != name {
			total += len(strings.Join(strings.Fields(d), ""))
		}
	}
	if total > 10240 {
		return errorf("LimitExceeded", "Maximum policy size of 10240 bytes exceeded for role")
	}
	r.inline[name] = document
	return nil
}

var _ = register("iam", map[string]handler{
	"CreateRole": func(s *Server, c *call) (doc, *apiError) {
		t, err := s.createRole(c.in, c.region)
		if err != nil {
			return nil, err
		}
		return doc{"Role": s.describeRole(t)}, nil
	},
	"GetRole": func(s *Server, c *call) (doc, *apiError) {
		t, _, err := s.role(c)
		if err != nil {
			return nil, err
		}
		return doc{"Role": s.describeRole(t)}, nil
	},
	"DeleteRole": func(s *Server, c *call) (doc, *apiError) {
		t, r, err := s.role(c)
		if err != nil {
			return nil, err
		}
		if len(r.inline)+len(r.attached) > 0 {
			e := errorf("DeleteConflict", "Cannot delete entity, must delete policies first.")
			e.Status = 409
			return nil, e
		}
		s.remove(t)
		return nil, nil
	},
	"ListRoles": func(s *Server, c *call) (doc, *apiError) {
		var all []any
		for _, t := range s.all("role") {
			if strings.HasPrefix(str(t.out, "Path"), str(c.in, "PathPrefix")) {
				d := s.describeRole(t)
				delete(d, "Tags") // which this call leaves out
				all = append(all, d)
			}
		}
		some, next, err := page(c.in, all, 100)
		return with(doc{"Roles": some, "IsTruncated": next != ""}, "Marker", next), err
	},
	"UpdateAssumeRolePolicy": func(s *Server, c *call) (doc, *apiError) {
		_, r, err := s.role(c)
		if err != nil {
			return nil, err
		}
		if _, err := parsePolicy(str(c.in, "PolicyDocument"), true); err != nil {
			return nil, errorf("MalformedPolicyDocument", "%v", err)
		}
		r.trust = str(c.in, "PolicyDocument")
		return nil, nil
	},
	"PutRolePolicy": func(s *Server, c *call) (doc, *apiError) {
		_, r, err := s.role(c)
		if err != nil {
			return nil, err
		}
		return nil, s.putRolePolicy(r, str(c.in, "PolicyName"), str(c.in, "PolicyDocument"))
	},
	"GetRolePolicy": func(s *Server, c *call) (doc, *apiError) {
		t, r, err := s.role(c)
		if err != nil {
			return nil, err
		}
		document, ok := r.inline[str(c.in, "PolicyName")]
		if !ok {
			return nil, noSuchEntity("role policy", str(c.in, "PolicyName"))
		}
		return doc{"RoleName": t.name, "PolicyName": str(c.in, "PolicyName"), "PolicyDocument": url.QueryEscape(document)}, nil
	},
	"DeleteRolePolicy": func(s *Server, c *call) (doc, *apiError) {
		_, r, err := s.role(c)
		if err != nil {
			return nil, err
		}
		if _, ok := r.inline[str(c.in, "PolicyName")]; !ok {
			return nil, noSuchEntity("role policy", str(c.in, "PolicyName"))
		}
		delete(r.inline, str(c.in, "PolicyName"))
		return nil, nil
	},
	"ListRolePolicies": func(s *Server, c *call) (doc, *apiError) {
		_, r, err := s.role(c)
		if err != nil {
			return nil, err
		}
		return doc{"PolicyNames": anys(sortedKeys(r.inline)), "IsTruncated": false}, nil
	},
	"AttachRolePolicy": func(s *Server, c *call) (doc, *apiError) {
		_, r, err := s.role(c)
		if err != nil {
			return nil, err
		}
		r.attached[str(c.in, "PolicyArn")] = true
		return nil, nil
	},
	"DetachRolePolicy": func(s *Server, c *call) (doc, *apiError) {
		_, r, err := s.role(c)
		if err != nil {
			return nil, err
		}
		if !r.attached[str(c.in, "PolicyArn")] {
			return nil, noSuchEntity("policy", str(c.in, "PolicyArn"))
		}
		delete(r.attached, str(c.in, "PolicyArn"))
		return nil, nil
	},
	"ListAttachedRolePolicies": func(s *Server, c *call) (doc, *apiError) {
		_, r, err := s.role(c)
		if err != nil {
			return nil, err
		}
		out := []any{}
		for _, a := range sortedKeys(r.attached) {
			out = append(out, doc{"PolicyArn": a, "PolicyName": last(a)})
		}
		return doc{"AttachedPolicies": out, "IsTruncated": false}, nil
	},
	"ListInstanceProfilesForRole": func(s *Server, c *call) (doc, *apiError) {
		if _, _, err := s.role(c); err != nil {
			return nil, err
		}
		return doc{"InstanceProfiles": []any{}, "IsTruncated": false}, nil
	},
	"TagRole": func(s *Server, c *call) (doc, *apiError) {
		_, r, err := s.role(c)
		if err != nil {
			return nil, err
		}
		for _, tag := range docs(c.in, "Tags") {
			r.tags[str(tag, "Key")] = str(tag, "Value")
		}
		return nil, nil
	},
	"UntagRole": func(s *Server, c *call) (doc, *apiError) {
		_, r, err := s.role(c)
		if err != nil {
			return nil, err
		}
		for _, k := range strs(c.in, "TagKeys") {
			delete(r.tags, k)
		}
		return nil, nil
	},
	"ListRoleTags": func(s *Server, c *call) (doc, *apiError) {
		t, _, err := s.role(c)
		if err != nil {
			return nil, err
		}
		tags := list(s.describeRole(t), "Tags")
		if tags == nil {
			tags = []any{}
		}
		return doc{"Tags": tags, "IsTruncated": false}, nil
	},
})

// statement is one of a policy.
type statement struct {
	effect     string
	actions    []string
	resources  []string
	principals map[string]bool
	conditions map[string]map[string][]string // operator, key, values
}

// parsePolicy reads a policy; trust tells that it is one of who may take a role, which has principals and no resources.
func parsePolicy(document string, trust bool) ([]statement, error) {
	var raw struct {
		Version   string
		Id        string
		Statement json.RawMessage
	}
	d := json.NewDecoder(strings.NewReader(document))
	d.DisallowUnknownFields()
	if err := d.Decode(&raw); err != nil {
		return nil, fmt.Errorf("Syntax errors in policy: %v", err)
	}
	if raw.Version != "2012-10-17" && raw.Version != "2008-10-17" {
		return nil, fmt.Errorf("Policy version %q: want 2012-10-17", raw.Version)
	}
	type form struct {
		Sid, Effect                            string
		Action, NotAction, Resource, Principal json.RawMessage
		Condition                              map[string]map[string]json.RawMessage
	}
	var forms []form
	if err := json.Unmarshal(raw.Statement, &forms); err != nil {
		var one form
		if err := json.Unmarshal(raw.Statement, &one); err != nil {
			return nil, fmt.Errorf("Syntax errors in policy: %v", err)
		}
		forms = []form{one}
	}
	if len(forms) == 0 {
		return nil, fmt.Errorf("Policy statement must contain statements")
	}
	var out []statement
	sids := map[string]bool{}
	for _, f := range forms {
		st := statement{effect: f.Effect, actions: oneOrMore(f.Action), resources: oneOrMore(f.Resource), principals: map[string]bool{}, conditions: map[string]map[string][]string{}}
		if f.Effect != "Allow" && f.Effect != "Deny" {
			return nil, fmt.Errorf("Invalid effect: %q", f.Effect)
		}
		if f.Sid != "" && sids[f.Sid] {
			return nil, fmt.Errorf("Statement IDs (SID) in a single policy must be unique.")
		}
		sids[f.Sid] = true
		if len(st.actions) == 0 && len(f.NotAction) == 0 {
			return nil, fmt.Errorf("Policy statement must contain actions.")
		}
		for _, a := range st.actions {
			if a != "*" && !actionName.MatchString(a) {
				return nil, fmt.Errorf("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc. (%s)", a)
			}
		}
		if trust {
			var p map[string]json.RawMessage
			if err := json.Unmarshal(f.Principal, &p); err != nil || len(p) == 0 {
				return nil, fmt.Errorf("Missing required field Principal")
			}
			if len(st.resources) > 0 {
				return nil, fmt.Errorf("Has prohibited field Resource")
			}
			for _, v := range p {
				for _, name := range oneOrMore(v) {
					st.principals[name] = true
				}
			}
		} else {
			if len(f.Principal) > 0 {
				return nil, fmt.Errorf("Policy document should not specify a principal.")
			}
			if len(st.resources) == 0 {
				return nil, fmt.Errorf("Policy statement must contain resources.")
			}
			for _, r := range st.resources {
				if r != "*" && strings.Count(r, ":") < 5 {
					return nil, fmt.Errorf("Resource %s must be in ARN format or \"*\".", r)
				}
			}
		}
		for op, keys := range f.Condition {
			st.conditions[op] = map[string][]string{}
			for k, v := range keys {
				st.conditions[op][k] = oneOrMore(v)
			}
		}
		out = append(out, st)
	}
	return out, nil
}

var actionName = lazyregexp.New(`^[a-z0-9-]+:[A-Za-z0-9*?]+$`)

func oneOrMore(raw json.RawMessage) []string {
	var many []string
	if json.Unmarshal(raw, &many) == nil {
		return many
	}
	var one any
	if json.Unmarshal(raw, &one) == nil && one != nil {
		return []string{fmt.Sprint(one)}
	}
	return nil
}
