package awsfake

import (
	"encoding/json"
	"strings"
	"time"
)

func noRule(name string) *apiError {
	return errorf("ResourceNotFoundException", "Rule %s does not exist on EventBus default.", name)
}

func (s *Server) rule(name string) (*thing, *rule, *apiError) {
	t := s.thing("rule", name)
	if t == nil {
		return nil, nil, noRule(name)
	}
	return t, t.data.(*rule), nil
}

func describeRule(t *thing) doc {
	r := t.data.(*rule)
	state := "DISABLED"
	if r.enabled {
		state = "ENABLED"
	}
	return with(doc{"Name": t.name, "Arn": t.arn, "State": state, "EventBusName": "default"}, "EventPattern", str(t.in, "EventPattern"), "ScheduleExpression", r.schedule,
		"Description", str(t.in, "Description"), "RoleArn", str(t.in, "RoleArn"))
}

// putRule is also how stacks make rules.
func (s *Server) putRule(in doc, region string) (*thing, *apiError) {
	name := str(in, "Name")
	if (str(in, "EventPattern") == "") == (str(in, "ScheduleExpression") == "") && str(in, "EventPattern") == "" {
		return nil, errorf("ValidationException", "Parameter(s) EventPattern or ScheduleExpression must be specified.")
	}
	var pattern doc
	if text := str(in, "EventPattern"); text != "" {
		p, err := checkPattern(text)
		if err != nil {
			return nil, err
		}
		pattern = p
	}
	if e := str(in, "ScheduleExpression"); e != "" {
		if _, err := nextTime(e, s.clock.now()); err != nil {
			return nil, errorf("ValidationException", "Parameter ScheduleExpression is not valid.")
		}
	}
	t := s.thing("rule", name)
	if t == nil {
		t = s.add(&thing{kind: "rule", name: name, arn: arn("events", region, "rule/"+name), data: &rule{}})
		s.tag(t.arn, docs(in, "Tags"))
	}
	t.in = in
	r := t.data.(*rule)
	r.pattern, r.schedule, r.enabled = pattern, str(in, "ScheduleExpression"), str(in, "State") != "DISABLED"
	if r.schedule != "" {
		s.repeat(r.schedule, func() bool { return s.thing("rule", name) == t && r.schedule == str(t.in, "ScheduleExpression") }, func(at time.Time) {
			if r.enabled {
				s.fire(t, doc{"version": "0", "source": "aws.events", "detail-type": "Scheduled Event", "account": Account, "time": at.Format(time.RFC3339), "region": region, "resources": []any{t.arn}, "detail": doc{}}, region)
			}
		})
	}
	return t, nil
}

// putTargets adds targets and tells the entries that were refused.
func (s *Server) putTargets(r *rule, targets []doc) []any {
	failed := []any{}
next:
	for _, target := range targets {
		address := str(target, "Arn")
		if strings.Contains(address, ":pipeline/") && str(target, "RoleArn") == "" {
			failed = append(failed, doc{"TargetId": target["Id"], "ErrorCode": "ValidationException", "ErrorMessage": "RoleArn is required for target " + address + "."})
			continue
		}
		if strings.Contains(address, ":pipeline/") && address != strings.ToLower(address) {
			failed = append(failed, doc{"TargetId": target["Id"], "ErrorCode": "ValidationException", "ErrorMessage": "Provided Arn is not in correct format: the name of a pipeline is in small letters."})
			continue
		}
		for i, have := range r.targets {
			if have["Id"] == target["Id"] {
				r.targets[i] = target
				continue next
			}
		}
		if len(r.targets) >= 5 {
			failed = append(failed, doc{"TargetId": target["Id"], "ErrorCode": "LimitExceededException", "ErrorMessage": "A rule has at most 5 targets."})
			continue
		}
		r.targets = append(r.targets, target)
	}
	return failed
}

var _ = register("events", map[string]handler{
	"PutRule": func(s *Server, c *call) (doc, *apiError) {
		t, err := s.putRule(c.in, c.region)
		if err != nil {
			return nil, err
		}
		return doc{"RuleArn": t.arn}, nil
	},
	"DescribeRule": func(s *Server, c *call) (doc, *apiError) {
		t, _, err := s.rule(str(c.in, "Name"))
		if err != nil {
			return nil, err
		}
		return describeRule(t), nil
	},
	"ListRules": func(s *Server, c *call) (doc, *apiError) {
		var all []any
		for _, t := range s.all("rule") {
			if strings.HasPrefix(t.name, str(c.in, "NamePrefix")) {
				all = append(all, describeRule(t))
			}
		}
		some, next, err := page(c.in, all, 100)
		return with(doc{"Rules": some}, "NextToken", next), err
	},
	"DeleteRule": func(s *Server, c *call) (doc, *apiError) {
		t, r, err := s.rule(str(c.in, "Name"))
		if err != nil {
			return nil, nil // deleting what is not there is no error
		}
		if len(r.targets) > 0 {
			return nil, errorf("ValidationException", "Rule can't be deleted since it has targets.")
		}
		s.remove(t)
		return nil, nil
	},
	"EnableRule":  func(s *Server, c *call) (doc, *apiError) { return s.switchRule(c, true) },
	"DisableRule": func(s *Server, c *call) (doc, *apiError) { return s.switchRule(c, false) },
	"PutTargets": func(s *Server, c *call) (doc, *apiError) {
		_, r, err := s.rule(str(c.in, "Rule"))
		if err != nil {
			return nil, err
		}
		failed := s.putTargets(r, docs(c.in, "Targets"))
		return doc{"FailedEntryCount": int64(len(failed)), "FailedEntries": failed}, nil
	},
	"ListTargetsByRule": func(s *Server, c *call) (doc, *apiError) {
		_, r, err := s.rule(str(c.in, "Rule"))
		if err != nil {
			return nil, err
		}
		return doc{"Targets": anys(r.targets)}, nil
	},
	"RemoveTargets": func(s *Server, c *call) (doc, *apiError) {
		_, r, err := s.rule(str(c.in, "Rule"))
		if err != nil {
			return nil, err
		}
		failed := []any{}
		for _, id := range strs(c.in, "Ids") {
			n := len(r.targets)
			for i, t := range r.targets {
				if str(t, "Id") == id {
					r.targets = append(r.targets[:i:i], r.targets[i+1:]...)
					break
				}
			}
			if n == len(r.targets) {
				failed = append(failed, doc{"TargetId": id, "ErrorCode": "ResourceNotFoundException", "ErrorMessage": "no such target"})
			}
		}
		return doc{"FailedEntryCount": int64(len(failed)), "FailedEntries": failed}, nil
	},
	"ListRuleNamesByTarget": func(s *Server, c *call) (doc, *apiError) {
		out := []any{}
		for _, t := range s.all("rule") {
			for _, target := range t.data.(*rule).targets {
				if str(target, "Arn") == str(c.in, "TargetArn") {
					out = append(out, t.name)
				}
			}
		}
		return doc{"RuleNames": out}, nil
	},
	"PutEvents": func(s *Server, c *call) (doc, *apiError) {
		out, failed := []any{}, int64(0)
		for _, e := range docs(c.in, "Entries") {
			var detail doc
			if err := json.Unmarshal([]byte(str(e, "Detail")), &detail); err != nil {
				failed++
				out = append(out, doc{"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."})
				continue
			}
			if strings.HasPrefix(str(e, "Source"), "aws.") {
				failed++
				out = append(out, doc{"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": "Not authorized for the source."})
				continue
			}
			out = append(out, doc{"EventId": s.emit(c.region, busEvent{source: str(e, "Source"), detailType: str(e, "DetailType"), resources: strs(e, "Resources"), detail: detail})})
		}
		return doc{"FailedEntryCount": failed, "Entries": out}, nil
	},
	"TestEventPattern": func(s *Server, c *call) (doc, *apiError) {
		p, err := checkPattern(str(c.in, "EventPattern"))
		if err != nil {
			return nil, err
		}
		var event doc
		if e := json.Unmarshal([]byte(str(c.in, "Event")), &event); e != nil {
			return nil, errorf("ValidationException", "Parameter Event is not valid.")
		}
		return doc{"Result": matchPattern(p, event)}, nil
	},
	"TagResource": tagByMap,
	"ListTagsForResource": func(s *Server, c *call) (doc, *apiError) {
		return doc{"Tags": s.tagList(str(c.in, "ResourceARN"))}, nil
	},
})

func (s *Server) switchRule(c *call, on bool) (doc, *apiError) {
	_, r, err := s.rule(str(c.in, "Name"))
	if err != nil {
		return nil, err
	}
	r.enabled = on
	return nil, nil
}
