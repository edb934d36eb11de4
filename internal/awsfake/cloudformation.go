package awsfake

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// stack is a CloudFormation stack, whose resources are those of the other services.
type stack struct {
	name, arn, region string
	text              string
	template          *template
	parameters        doc
	tags              []doc
	status, reason    string
	created, updated  time.Time
	made              map[string]*stackResource
	events            []doc
	capabilities      []string
	sets              map[string]*changeSet
}

type stackResource struct {
	logical, kind, id string
	attributes        map[string]string
	properties        string
	retain            bool
	remove            func(*Server) *apiError // unless nil
}

func (s *Server) stack(name string) (*stack, *apiError) {
	for _, k := range s.stacks {
		if k.name == name && k.status != "DELETE_COMPLETE" || k.arn == name {
			return k, nil
		}
	}
	return nil, errorf("ValidationError", "Stack with id %s does not exist", name)
}

func (k *stack) event(logical, kind, id, status, reason string, at time.Time) {
	k.events = append(k.events, with(doc{"StackId": k.arn, "StackName": k.name, "EventId": fmt.Sprintf("%s-%d", k.name, len(k.events)), "LogicalResourceId": logical, "ResourceType": kind, "ResourceStatus": status, "Timestamp": at},
		"PhysicalResourceId", id, "ResourceStatusReason", reason))
}

// prepare reads a request's template and parameters into a stack.
func (s *Server) prepare(k *stack, in doc) *apiError {
	text := str(in, "TemplateBody")
	if flag(in, "UsePreviousTemplate") {
		text = k.text
	}
	if text == "" {
		return errorf("ValidationError", "Either Template URL or Template Body must be specified. awsfake reads the body only.")
	}
	if len(text) > 51200 {
		return errorf("ValidationError", "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to 51200")
	}
	t, err := parseTemplate(text)
	if err != nil {
		return errorf("ValidationError", "%v", err)
	}
	values := doc{}
	for _, p := range docs(in, "Parameters") {
		name := str(p, "ParameterKey")
		if t.parameters[name] == nil {
			return errorf("ValidationError", "Parameters: [%s] do not exist in the template", name)
		}
		values[name] = str(p, "ParameterValue")
		if flag(p, "UsePreviousValue") {
			values[name] = k.parameters[name]
		}
	}
	for name, raw := range t.parameters {
		p := raw.(doc)
		if values[name] == nil {
			if p["Default"] == nil {
				return errorf("ValidationError", "Parameters: [%s] must have values", name)
			}
			values[name] = plainText(p["Default"])
		}
		if allowed := list(p, "AllowedValues"); allowed != nil {
			ok := false
			for _, a := range allowed {
				ok = ok || plainText(a) == values[name]
			}
			if !ok {
				return errorf("ValidationError", "Template format error: Parameter '%s' must be one of AllowedValues", name)
			}
		}
		if strings.HasPrefix(str(p, "Type"), "List<") || str(p, "Type") == "CommaDelimitedList" {
			values[name] = anys(strings.Split(fmt.Sprint(values[name]), ","))
		}
	}
	for _, r := range t.resources {
		if str(r.(doc), "Type") == "AWS::IAM::Role" {
			need := "CAPABILITY_IAM"
			if get(r.(doc), "Properties", "RoleName") != nil {
				need = "CAPABILITY_NAMED_IAM"
			}
			got := strs(in, "Capabilities")
			if !slices.Contains(got, need) && !slices.Contains(got, "CAPABILITY_NAMED_IAM") {
				return errorf("InsufficientCapabilitiesException", "Requires capabilities : [%s]", need)
			}
		}
	}
	if _, err := t.order(); err != nil {
		return errorf("ValidationError", "%v", err)
	}
	k.text, k.template, k.parameters, k.tags, k.capabilities = text, t, values, docs(in, "Tags"), strs(in, "Capabilities")
	return nil
}

// build makes, changes and deletes resources until the stack is what its template says. The lock is held.
func (s *Server) build(k *stack, verb string) {
	at := s.clock.now()
	k.status = verb + "_IN_PROGRESS"
	k.event(k.name, "AWS::CloudFormation::Stack", k.arn, k.status, "User Initiated", at)
	s.clock.at(at.Add(30*time.Second), func(at time.Time) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if k.status != verb+"_IN_PROGRESS" {
			return
		}
		k.updated = at
		order, _ := k.template.order()
		var wanted []string
		for _, logical := range order {
			r := k.template.resources[logical].(doc)
			if c := str(r, "Condition"); c != "" {
				if ok, err := k.condition(c); err != nil || !ok {
					continue
				}
			}
			wanted = append(wanted, logical)
			if err := s.makeResource(k, logical, r, at); err != nil {
				k.event(logical, str(r, "Type"), "", verb+"_FAILED", err.Message, at)
				k.reason = fmt.Sprintf("The following resource(s) failed to create: [%s].", logical)
				if verb == "CREATE" {
					s.unmake(k, nil, at)
					k.status = "ROLLBACK_COMPLETE"
				} else {
					k.status = "UPDATE_ROLLBACK_COMPLETE"
				}
				k.event(k.name, "AWS::CloudFormation::Stack", k.arn, k.status, k.reason, at)
				return
			}
		}
		s.unmake(k, wanted, at)
		k.status, k.reason = verb+"_COMPLETE", ""
		k.event(k.name, "AWS::CloudFormation::Stack", k.arn, k.status, "", at)
	})
}

// unmake removes resources but for those to keep, the ones that others speak of last. It gives what could not be removed.
func (s *Server) unmake(k *stack, keep []string, at time.Time) (failed []string) {
	order, _ := k.template.order()
	for logical := range k.made {
		if !slices.Contains(order, logical) {
			order = append(order, logical)
		}
	}
	slices.Reverse(order)
	for _, logical := range order {
		r := k.made[logical]
		if r == nil || slices.Contains(keep, logical) {
			continue
		}
		if r.retain {
			k.event(logical, r.kind, r.id, "DELETE_SKIPPED", "", at)
			delete(k.made, logical)
			continue
		}
		if r.remove != nil {
			if err := r.remove(s); err != nil {
				k.event(logical, r.kind, r.id, "DELETE_FAILED", err.Message, at)
				failed = append(failed, logical)
				continue
			}
		}
		k.event(logical, r.kind, r.id, "DELETE_COMPLETE", "", at)
		delete(k.made, logical)
	}
	return failed
}

func (s *Server) describeStack(k *stack) doc {
	parameters, outputs := []any{}, []any{}
	for _, name := range sortedKeys(k.parameters) {
		parameters = append(parameters, doc{"ParameterKey": name, "ParameterValue": plainText(k.parameters[name])})
	}
	if strings.HasSuffix(k.status, "_COMPLETE") && len(k.made) > 0 {
		for _, name := range sortedKeys(k.template.outputs) {
			o := k.template.outputs[name].(doc)
			if c := str(o, "Condition"); c != "" {
				if ok, _ := k.condition(c); !ok {
					continue
				}
			}
			if v, err := k.value(o["Value"]); err == nil {
				outputs = append(outputs, with(doc{"OutputKey": name, "OutputValue": plainText(v)}, "Description", str(o, "Description")))
			}
		}
	}
	return with(doc{"StackName": k.name, "StackId": k.arn, "StackStatus": k.status, "CreationTime": k.created, "Parameters": parameters, "Outputs": outputs, "Tags": anys(k.tags), "Capabilities": anys(k.capabilities)},
		"LastUpdatedTime", k.updated, "StackStatusReason", k.reason)
}

var _ = register("cloudformation", map[string]handler{
	"ValidateTemplate": func(s *Server, c *call) (doc, *apiError) {
		t, err := parseTemplate(str(c.in, "TemplateBody"))
		if err == nil {
			_, err = t.order()
		}
		if err != nil {
			return nil, errorf("ValidationError", "%v", err)
		}
		parameters := []any{}
		for _, name := range sortedKeys(t.parameters) {
			parameters = append(parameters, doc{"ParameterKey": name, "NoEcho": false})
		}
		return doc{"Parameters": parameters}, nil
	},
	"CreateStack": func(s *Server, c *call) (doc, *apiError) {
		name := str(c.in, "StackName")
		if k, err := s.stack(name); err == nil && k.status != "DELETE_COMPLETE" {
			return nil, errorf("AlreadyExistsException", "Stack [%s] already exists", name)
		}
		s.serial++
		k := &stack{name: name, region: c.region, arn: arn("cloudformation", c.region, fmt.Sprintf("stack/%s/%08x-0000-4000-8000-000000000000", name, s.serial)), created: s.clock.now(), made: map[string]*stackResource{}}
		if err := s.prepare(k, c.in); err != nil {
			return nil, err
		}
		s.stacks[k.arn] = k
		s.build(k, "CREATE")
		return doc{"StackId": k.arn}, nil
	},
	"UpdateStack": func(s *Server, c *call) (doc, *apiError) {
		k, err := s.stack(str(c.in, "StackName"))
		if err != nil {
			return nil, err
		}
		if !strings.HasSuffix(k.status, "_COMPLETE") || k.status == "ROLLBACK_COMPLETE" {
			return nil, errorf("ValidationError", "Stack:%s is in %s state and can not be updated.", k.arn, k.status)
		}
		old := *k
		if err := s.prepare(k, c.in); err != nil {
			*k = old
			return nil, err
		}
		if old.text == k.text && toJSON(old.parameters) == toJSON(k.parameters) && toJSON(old.tags) == toJSON(k.tags) {
			return nil, errorf("ValidationError", "No updates are to be performed.")
		}
		s.build(k, "UPDATE")
		return doc{"StackId": k.arn}, nil
	},
	"DeleteStack": func(s *Server, c *call) (doc, *apiError) {
		k, err := s.stack(str(c.in, "StackName"))
		if err != nil || k.status == "DELETE_COMPLETE" {
			return nil, nil // what is not there is deleted
		}
		k.status = "DELETE_IN_PROGRESS"
		at := s.clock.now()
		k.event(k.name, "AWS::CloudFormation::Stack", k.arn, k.status, "User Initiated", at)
		s.clock.at(at.Add(30*time.Second), func(at time.Time) {
			s.mu.Lock()
			defer s.mu.Unlock()
			k.status = "DELETE_COMPLETE"
			if failed := s.unmake(k, nil, at); len(failed) > 0 {
				k.status, k.reason = "DELETE_FAILED", fmt.Sprintf("The following resource(s) failed to delete: [%s].", strings.Join(failed, ", "))
			}
			k.event(k.name, "AWS::CloudFormation::Stack", k.arn, k.status, k.reason, at)
		})
		return nil, nil
	},
	"DescribeStacks": func(s *Server, c *call) (doc, *apiError) {
		out := []any{}
		if name := str(c.in, "StackName"); name != "" {
			k, err := s.stack(name)
			if err != nil {
				return nil, err
			}
			return doc{"Stacks": []any{s.describeStack(k)}}, nil
		}
		for _, id := range sortedKeys(s.stacks) {
			if k := s.stacks[id]; k.status != "DELETE_COMPLETE" {
				out = append(out, s.describeStack(k))
			}
		}
		return doc{"Stacks": out}, nil
	},
	"ListStacks": func(s *Server, c *call) (doc, *apiError) {
		out := []any{}
		for _, id := range sortedKeys(s.stacks) {
			k := s.stacks[id]
			if want := strs(c.in, "StackStatusFilter"); len(want) == 0 || slices.Contains(want, k.status) {
				out = append(out, doc{"StackName": k.name, "StackId": k.arn, "StackStatus": k.status, "CreationTime": k.created})
			}
		}
		return doc{"StackSummaries": out}, nil
	},
	"DescribeStackEvents": func(s *Server, c *call) (doc, *apiError) {
		k, err := s.stack(str(c.in, "StackName"))
		if err != nil {
			return nil, err
		}
		events := slices.Clone(k.events)
		slices.Reverse(events)
		return doc{"StackEvents": anys(events)}, nil
	},
	"ListStackResources": func(s *Server, c *call) (doc, *apiError) {
		k, err := s.stack(str(c.in, "StackName"))
		if err != nil {
			return nil, err
		}
		return doc{"StackResourceSummaries": k.resources(false)}, nil
	},
	"DescribeStackResources": func(s *Server, c *call) (doc, *apiError) {
		k, err := s.stack(str(c.in, "StackName"))
		if err != nil {
			return nil, err
		}
		return doc{"StackResources": k.resources(true)}, nil
	},
	"GetTemplate": func(s *Server, c *call) (doc, *apiError) {
		k, err := s.stack(str(c.in, "StackName"))
		if err != nil {
			return nil, err
		}
		return doc{"TemplateBody": k.text, "StagesAvailable": []any{"Original"}}, nil
	},
})

func (k *stack) resources(full bool) []any {
	out := []any{}
	for _, logical := range sortedKeys(k.made) {
		r := k.made[logical]
		d := doc{"LogicalResourceId": logical, "PhysicalResourceId": r.id, "ResourceType": r.kind, "ResourceStatus": "CREATE_COMPLETE"}
		if full {
			d["StackName"], d["StackId"], d["Timestamp"] = k.name, k.arn, k.created
		} else {
			d["LastUpdatedTimestamp"] = k.created
		}
		out = append(out, d)
	}
	return out
}
