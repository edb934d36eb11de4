package awsfake

import (
	"fmt"
	"maps"
	"strings"
)

// changeSet is a change of a stack that was planned, and is made when somebody says so.
type changeSet struct {
	name, arn, kind           string
	status, execution, reason string
	in                        doc // the request
	changes                   []any
}

func (s *Server) changeSet(c *call) (*stack, *changeSet, *apiError) {
	k, err := s.stack(str(c.in, "StackName"))
	if err != nil {
		return nil, nil, err
	}
	set := k.sets[str(c.in, "ChangeSetName")]
	if set == nil {
		return nil, nil, notFound("ChangeSetNotFound", "ChangeSet [%s] does not exist", str(c.in, "ChangeSetName"))
	}
	return k, set, nil
}

var _ = register("cloudformation", map[string]handler{
	"CreateChangeSet": createChangeSet,
	"DescribeChangeSet": func(s *Server, c *call) (doc, *apiError) {
		k, set, err := s.changeSet(c)
		if err != nil {
			return nil, err
		}
		return with(doc{"ChangeSetName": set.name, "ChangeSetId": set.arn, "StackId": k.arn, "StackName": k.name, "Status": set.status, "ExecutionStatus": set.execution,
			"Changes": set.changes, "CreationTime": k.created}, "StatusReason", set.reason), nil
	},
	"DeleteChangeSet": func(s *Server, c *call) (doc, *apiError) {
		k, set, err := s.changeSet(c)
		if err != nil {
			return nil, err
		}
		delete(k.sets, set.name)
		return nil, nil
	},
	"ExecuteChangeSet": func(s *Server, c *call) (doc, *apiError) {
		k, set, err := s.changeSet(c)
		if err != nil {
			return nil, err
		}
		if set.execution != "AVAILABLE" {
			return nil, errorf("InvalidChangeSetStatus", "ChangeSet [%s] cannot be executed in its current execution status of [%s]", set.name, set.execution)
		}
		if err := s.prepare(k, set.in); err != nil {
			return nil, err
		}
		k.sets = nil
		s.build(k, set.kind)
		return nil, nil
	},
})

func createChangeSet(s *Server, c *call) (doc, *apiError) {
	name, kind := str(c.in, "StackName"), str(c.in, "ChangeSetType")
	if kind == "" {
		kind = "UPDATE"
	}
	k, missing := s.stack(name)
	exists := missing == nil && k.status != "REVIEW_IN_PROGRESS"
	switch {
	case kind != "CREATE" && kind != "UPDATE":
		return nil, errorf("ValidationError", "awsfake makes no change sets of type %s", kind)
	case kind == "CREATE" && exists:
		return nil, errorf("ValidationError", "Stack [%s] already exists and cannot be created again with the changeSet [%s].", name, str(c.in, "ChangeSetName"))
	case kind == "UPDATE" && !exists:
		return nil, errorf("ValidationError", "Stack [%s] does not exist", name)
	case exists && (!strings.HasSuffix(k.status, "_COMPLETE") || k.status == "ROLLBACK_COMPLETE"):
		return nil, errorf("ValidationError", "Stack:%s is in %s state and can not be updated.", k.arn, k.status)
	}
	if missing != nil {
		s.serial++
		k = &stack{name: name, region: c.region, arn: arn("cloudformation", c.region, fmt.Sprintf("stack/%s/%08x-0000-4000-8000-000000000000", name, s.serial)),
			created: s.clock.now(), status: "REVIEW_IN_PROGRESS", made: map[string]*stackResource{}}
	}
	trial := *k
	trial.made = maps.Clone(k.made)
	if err := s.prepare(&trial, c.in); err != nil {
		return nil, err
	}
	set := &changeSet{name: str(c.in, "ChangeSetName"), kind: kind, in: c.in, status: "CREATE_COMPLETE", execution: "AVAILABLE", changes: trial.compare()}
	set.arn = arn("cloudformation", c.region, "changeSet/"+set.name+"/"+last(k.arn))
	if k.sets[set.name] != nil {
		return nil, errorf("AlreadyExistsException", "ChangeSet %s already exists", set.name)
	}
	if len(set.changes) == 0 {
		set.status, set.execution = "FAILED", "UNAVAILABLE"
		set.reason = "The submitted information didn't contain changes. Submit different information to create a change set."
	}
	if k.sets == nil {
		k.sets = map[string]*changeSet{}
	}
	k.sets[set.name] = set
	s.stacks[k.arn] = k
	return doc{"Id": set.arn, "StackId": k.arn}, nil
}

// compare lists what a template would change of what was made.
func (k *stack) compare() []any {
	changes := []any{}
	add := func(action, logical, kind, id string) {
		r := with(doc{"Action": action, "LogicalResourceId": logical, "ResourceType": kind}, "PhysicalResourceId", id)
		if action == "Modify" {
			r["Replacement"] = "False"
		}
		changes = append(changes, doc{"Type": "Resource", "ResourceChange": r})
	}
	order, _ := k.template.order()
	wanted := map[string]bool{}
	for _, logical := range order {
		r := k.template.resources[logical].(doc)
		if c := str(r, "Condition"); c != "" {
			if ok, err := k.condition(c); err != nil || !ok {
				continue
			}
		}
		wanted[logical] = true
		old := k.made[logical]
		if old == nil {
			add("Add", logical, str(r, "Type"), "")
			continue
		}
		properties := doc{}
		if v, err := k.value(r["Properties"]); err == nil {
			properties, _ = v.(doc)
		}
		if toJSON(properties) != old.properties {
			add("Modify", logical, old.kind, old.id)
		}
	}
	for _, logical := range sortedKeys(k.made) {
		if !wanted[logical] {
			add("Remove", logical, k.made[logical].kind, k.made[logical].id)
		}
	}
	return changes
}
