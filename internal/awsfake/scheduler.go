package awsfake

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// nextTime is when a schedule expression is next due after a time: rate(1 day), cron(0 3 ? * MON *), at(2026-01-02T03:04:05).
func nextTime(expression string, after time.Time) (time.Time, error) {
	kind, rest, ok := strings.Cut(strings.TrimSuffix(expression, ")"), "(")
	if !ok || !strings.HasSuffix(expression, ")") {
		return time.Time{}, fmt.Errorf("%q", expression)
	}
	fields := strings.Fields(rest)
	switch kind {
	case "at":
		t, err := time.Parse("2006-01-02T15:04:05", rest)
		if err == nil && !t.After(after) {
			t = time.Time{}
		}
		return t, err
	case "rate":
		if len(fields) != 2 {
			return time.Time{}, fmt.Errorf("rate %q", rest)
		}
		n, err := strconv.Atoi(fields[0])
		unit := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[strings.TrimSuffix(fields[1], "s")]
		if err != nil || n < 1 || unit == 0 || (n == 1) == strings.HasSuffix(fields[1], "s") {
			return time.Time{}, fmt.Errorf("rate %q", rest)
		}
		return after.Add(time.Duration(n) * unit), nil
	case "cron":
		if len(fields) != 6 || (fields[2] == "?") == (fields[4] == "?") {
			return time.Time{}, fmt.Errorf("cron %q: want six fields, and ? for day of month or day of week", rest)
		}
		var sets [6]map[int]bool
		for i, f := range fields {
			set, err := cronField(f, i)
			if err != nil {
				return time.Time{}, err
			}
			sets[i] = set
		}
		in := func(i, n int) bool { return sets[i] == nil || sets[i][n] }
		t := after.Truncate(time.Minute).Add(time.Minute)
		for end := t.AddDate(5, 0, 0); t.Before(end); {
			switch {
			case !in(5, t.Year()) || !in(3, int(t.Month())) || !in(2, t.Day()) || !in(4, int(t.Weekday())+1):
				t = time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, time.UTC)
			case !in(1, t.Hour()):
				t = t.Truncate(time.Hour).Add(time.Hour)
			case !in(0, t.Minute()):
				t = t.Add(time.Minute)
			default:
				return t, nil
			}
		}
		return time.Time{}, nil
	}
	return time.Time{}, fmt.Errorf("%q", expression)
}

var cronNames = map[string]int{"JAN": 1, "FEB": 2, "MAR": 3, "APR": 4, "MAY": 5, "JUN": 6, "JUL": 7, "AUG": 8, "SEP": 9, "OCT": 10, "NOV": 11, "DEC": 12,
	"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}

var cronBounds = [6][2]int{{0, 59}, {0, 23}, {1, 31}, {1, 12}, {1, 7}, {1970, 2199}}

// cronField is the set of a field; nil is all.
func cronField(text string, field int) (map[int]bool, error) {
	if text == "*" || text == "?" {
		return nil, nil
	}
	set := map[int]bool{}
	number := func(s string) (int, error) {
		if n, ok := cronNames[s]; ok && field >= 3 {
			return n, nil
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < cronBounds[field][0] || n > cronBounds[field][1] {
			return 0, fmt.Errorf("cron field %q", text)
		}
		return n, nil
	}
	for _, part := range strings.Split(text, ",") {
		part, stepText, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			n, err := strconv.Atoi(stepText)
			if err != nil || n < 1 {
				return nil, fmt.Errorf("cron field %q", text)
			}
			step = n
		}
		lo, hi := cronBounds[field][0], cronBounds[field][1]
		if part != "*" {
			from, to, ranged := strings.Cut(part, "-")
			n, err := number(from)
			if err != nil {
				return nil, err
			}
			if lo = n; !stepped {
				hi = n
			}
			if ranged {
				if hi, err = number(to); err != nil {
					return nil, err
				}
			}
		}
		for n := lo; n <= hi; n += step {
			set[n] = true
		}
	}
	return set, nil
}

// repeat runs something at each time of an expression as long as alive says so. The lock is held, also for run.
func (s *Server) repeat(expression string, alive func() bool, run func(at time.Time)) {
	var plan func(after time.Time)
	plan = func(after time.Time) {
		next, err := nextTime(expression, after)
		if err != nil || next.IsZero() {
			return
		}
		s.clock.at(next, func(at time.Time) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if alive() {
				run(at)
				plan(at)
			}
		})
	}
	plan(s.clock.now())
}

func scheduleKey(in doc) string {
	group := str(in, "GroupName")
	if group == "" {
		group = "default"
	}
	return group + "/" + str(in, "Name")
}

func (s *Server) putSchedule(t *thing, in doc, region string) *apiError {
	if _, err := nextTime(str(in, "ScheduleExpression"), s.clock.now()); err != nil {
		return invalid("Invalid Schedule Expression %s.", str(in, "ScheduleExpression"))
	}
	target := sub(in, "Target")
	if err := s.checkRole(str(target, "RoleArn"), "scheduler.amazonaws.com", region); err != nil {
		return invalid("The execution role you provide must allow AWS EventBridge Scheduler to assume the role.")
	}
	mode := str(in, "FlexibleTimeWindow", "Mode")
	if (mode == "FLEXIBLE") != (get(in, "FlexibleTimeWindow", "MaximumWindowInMinutes") != nil) {
		return invalid("MaximumWindowInMinutes must be given with a flexible window, and only then.")
	}
	t.in, t.modified = in, s.clock.now()
	name := t.name
	s.repeat(str(in, "ScheduleExpression"), func() bool { return s.thing("schedule", name) == t && toJSON(t.in) == toJSON(in) }, func(at time.Time) {
		if str(in, "State") == "DISABLED" {
			return
		}
		s.clock.at(at, func(time.Time) {
			s.mu.Lock()
			roleErr := s.checkRole(str(target, "RoleArn"), "scheduler.amazonaws.com", region)
			if next, _ := nextTime(str(in, "ScheduleExpression"), at); next.IsZero() && str(in, "ActionAfterCompletion") == "DELETE" {
				s.remove(t)
			}
			s.mu.Unlock()
			err := roleErr
			if err == nil {
				err, _ = s.invokeTarget("arn:aws:scheduler", target, doc{"time": at.Format(time.RFC3339)}, region)
			}
			if err != nil {
				s.logf("scheduler: %s: %v", name, err)
				if queue := str(target, "DeadLetterConfig", "Arn"); queue != "" {
					s.mu.Lock()
					s.send(queue, toJSON(target), map[string]string{"ERROR_CODE": err.Code, "ERROR_MESSAGE": err.Message})
					s.mu.Unlock()
				}
			}
		})
	})
	return nil
}

var _ = register("scheduler", map[string]handler{
	"CreateSchedule": func(s *Server, c *call) (doc, *apiError) {
		name := scheduleKey(c.in)
		if s.thing("schedule", name) != nil {
			return nil, &apiError{Code: "ConflictException", Status: 409, Message: "Schedule " + str(c.in, "Name") + " already exists."}
		}
		t := s.add(&thing{kind: "schedule", name: name, arn: arn("scheduler", c.region, "schedule/"+name)})
		if err := s.putSchedule(t, c.in, c.region); err != nil {
			s.remove(t)
			return nil, err
		}
		return doc{"ScheduleArn": t.arn}, nil
	},
	"UpdateSchedule": func(s *Server, c *call) (doc, *apiError) {
		t := s.thing("schedule", scheduleKey(c.in))
		if t == nil {
			return nil, notFound("ResourceNotFoundException", "Schedule %s does not exist.", str(c.in, "Name"))
		}
		if err := s.putSchedule(t, c.in, c.region); err != nil {
			return nil, err
		}
		return doc{"ScheduleArn": t.arn}, nil
	},
	"GetSchedule": func(s *Server, c *call) (doc, *apiError) {
		t := s.thing("schedule", scheduleKey(c.in))
		if t == nil {
			return nil, notFound("ResourceNotFoundException", "Schedule %s does not exist.", str(c.in, "Name"))
		}
		state := str(t.in, "State")
		if state == "" {
			state = "ENABLED"
		}
		return with(pick(t.in, "Name", "Description", "EndDate", "FlexibleTimeWindow", "KmsKeyArn", "ScheduleExpression", "ScheduleExpressionTimezone", "StartDate", "Target"),
			"Arn", t.arn, "State", state, "GroupName", strings.Split(t.name, "/")[0], "CreationDate", t.created, "LastModificationDate", t.modified), nil
	},
	"DeleteSchedule": func(s *Server, c *call) (doc, *apiError) {
		t := s.thing("schedule", scheduleKey(c.in))
		if t == nil {
			return nil, notFound("ResourceNotFoundException", "Schedule %s does not exist.", str(c.in, "Name"))
		}
		s.remove(t)
		return nil, nil
	},
	"ListSchedules": func(s *Server, c *call) (doc, *apiError) {
		var all []any
		for _, t := range s.all("schedule") {
			group, name, _ := strings.Cut(t.name, "/")
			if strings.HasPrefix(name, str(c.in, "NamePrefix")) && (str(c.in, "GroupName") == "" || str(c.in, "GroupName") == group) {
				all = append(all, doc{"Arn": t.arn, "Name": name, "GroupName": group, "State": "ENABLED", "CreationDate": t.created, "Target": doc{"Arn": str(t.in, "Target", "Arn")}})
			}
		}
		some, next, err := page(c.in, all, 100)
		return with(doc{"Schedules": some}, "NextToken", next), err
	},
})
