package awsfake

import (
	"sort"
	"strconv"
	"strings"
	"time"
)

// logGroup is a group of CloudWatch Logs.
type logGroup struct {
	name      string
	retention int64
	created   time.Time
	streams   map[string]*logStream
}

type logStream struct {
	name    string
	created time.Time
	lines   []logLine
}

type logLine struct {
	at   time.Time
	text string
}

// print adds lines to a stream, made if need be; they show when the clock reaches their time. The lock is held.
func (s *Server) print(group, stream string, created time.Time, lines ...logLine) {
	g := s.logs[group]
	if g == nil {
		g = &logGroup{name: group, created: created, streams: map[string]*logStream{}}
		s.logs[group] = g
	}
	st := g.streams[stream]
	if st == nil {
		st = &logStream{name: stream, created: created}
		g.streams[stream] = st
	}
	st.lines = append(st.lines, lines...)
}

// shown are the lines that the clock has reached.
func (s *Server) shown(st *logStream) []logLine {
	now := s.clock.now()
	n := sort.Search(len(st.lines), func(i int) bool { return st.lines[i].at.After(now) })
	return st.lines[:n]
}

func noSuchGroup() *apiError {
	return errorf("ResourceNotFoundException", "The specified log group does not exist.")
}

func (s *Server) group(c *call) (*logGroup, *apiError) {
	name := str(c.in, "logGroupName")
	if name == "" {
		name = str(c.in, "logGroupIdentifier")
		if strings.HasPrefix(name, "arn:") {
			name = strings.TrimSuffix(name[strings.Index(name, ":log-group:")+len(":log-group:"):], ":*")
		}
	}
	g := s.logs[name]
	if g == nil || g.created.After(s.clock.now()) {
		return nil, noSuchGroup()
	}
	return g, nil
}

func (g *logGroup) arn(region string) string { return arn("logs", region, "log-group:"+g.name) }

var _ = register("logs", map[string]handler{
	"CreateLogGroup": func(s *Server, c *call) (doc, *apiError) {
		name := str(c.in, "logGroupName")
		if s.logs[name] != nil {
			return nil, errorf("ResourceAlreadyExistsException", "The specified log group already exists")
		}
		g := &logGroup{name: name, created: s.clock.now(), streams: map[string]*logStream{}}
		s.logs[name] = g
		tags := s.tags[g.arn(c.region)]
		if tags == nil {
			tags = map[string]string{}
		}
		for k, v := range sub(c.in, "tags") {
			tags[k], _ = v.(string)
		}
		s.tags[g.arn(c.region)] = tags
		return nil, nil
	},
	"DeleteLogGroup": func(s *Server, c *call) (doc, *apiError) {
		g, err := s.group(c)
		if err != nil {
			return nil, err
		}
		delete(s.logs, g.name)
		return nil, nil
	},
	"PutRetentionPolicy": func(s *Server, c *call) (doc, *apiError) {
		g, err := s.group(c)
		if err != nil {
			return nil, err
		}
		g.retention = num(c.in, "retentionInDays")
		return nil, nil
	},
	"DescribeLogGroups": func(s *Server, c *call) (doc, *apiError) {
		var all []doc
		for _, name := range sortedKeys(s.logs) {
			g := s.logs[name]
			if strings.HasPrefix(name, str(c.in, "logGroupNamePrefix")) && strings.Contains(name, str(c.in, "logGroupNamePattern")) && !g.created.After(s.clock.now()) {
				d := doc{"logGroupName": name, "creationTime": g.created, "arn": g.arn(c.region) + ":*", "logGroupArn": g.arn(c.region), "storedBytes": int64(0)}
				if g.retention > 0 {
					d["retentionInDays"] = g.retention
				}
				all = append(all, d)
			}
		}
		some, next, err := page(c.in, all, 50)
		return with(doc{"logGroups": anys(some)}, "nextToken", next), err
	},
	"CreateLogStream": func(s *Server, c *call) (doc, *apiError) {
		g, err := s.group(c)
		if err != nil {
			return nil, err
		}
		if g.streams[str(c.in, "logStreamName")] != nil {
			return nil, errorf("ResourceAlreadyExistsException", "The specified log stream already exists")
		}
		s.print(g.name, str(c.in, "logStreamName"), s.clock.now())
		return nil, nil
	},
	"DeleteLogStream": func(s *Server, c *call) (doc, *apiError) {
		g, err := s.group(c)
		if err != nil {
			return nil, err
		}
		if g.streams[str(c.in, "logStreamName")] == nil {
			return nil, errorf("ResourceNotFoundException", "The specified log stream does not exist.")
		}
		delete(g.streams, str(c.in, "logStreamName"))
		return nil, nil
	},
	"DescribeLogStreams": func(s *Server, c *call) (doc, *apiError) {
		g, err := s.group(c)
		if err != nil {
			return nil, err
		}
		var all []doc
		for _, name := range sortedKeys(g.streams) {
			st := g.streams[name]
			if !strings.HasPrefix(name, str(c.in, "logStreamNamePrefix")) || st.created.After(s.clock.now()) {
				continue
			}
			d := doc{"logStreamName": name, "creationTime": st.created, "arn": g.arn(c.region) + ":log-stream:" + name}
			if lines := s.shown(st); len(lines) > 0 {
				d["firstEventTimestamp"], d["lastEventTimestamp"] = lines[0].at, lines[len(lines)-1].at
			}
			all = append(all, d)
		}
		some, next, err := page(c.in, all, 50)
		return with(doc{"logStreams": anys(some)}, "nextToken", next), err
	},
	"PutLogEvents": func(s *Server, c *call) (doc, *apiError) {
		g, err := s.group(c)
		if err != nil {
			return nil, err
		}
		if g.streams[str(c.in, "logStreamName")] == nil {
			return nil, errorf("ResourceNotFoundException", "The specified log stream does not exist.")
		}
		for _, e := range docs(c.in, "logEvents") {
			s.print(g.name, str(c.in, "logStreamName"), s.clock.now(), logLine{time.UnixMilli(num(e, "timestamp")).UTC(), str(e, "message")})
		}
		return doc{"nextSequenceToken": "1"}, nil
	},
	"GetLogEvents": func(s *Server, c *call) (doc, *apiError) {
		g, err := s.group(c)
		if err != nil {
			return nil, err
		}
		st := g.streams[str(c.in, "logStreamName")]
		if st == nil || st.created.After(s.clock.now()) {
			return nil, errorf("ResourceNotFoundException", "The specified log stream does not exist.")
		}
		lines := s.shown(st)
		limit := int(num(c.in, "limit"))
		if limit == 0 {
			limit = 10000
		}
		from := max(len(lines)-limit, 0)
		if flag(c.in, "startFromHead") {
			from = 0
		}
		// A token is f/ or b/ and a position. The same token back says that there is nothing more for now.
		if token := str(c.in, "nextToken"); token != "" {
			n, e := strconv.Atoi(strings.TrimLeft(token, "fb/"))
			if e != nil {
				return nil, errorf("InvalidParameterException", "The specified nextToken is invalid.")
			}
			if from = min(n, len(lines)); strings.HasPrefix(token, "b/") {
				from = max(from-limit, 0)
			}
		}
		to := min(from+limit, len(lines))
		events := []any{}
		for _, l := range lines[from:to] {
			if start := num(c.in, "startTime"); l.at.UnixMilli() >= start {
				events = append(events, doc{"timestamp": l.at, "ingestionTime": l.at, "message": l.text})
			}
		}
		return doc{"events": events, "nextForwardToken": "f/" + strconv.Itoa(to), "nextBackwardToken": "b/" + strconv.Itoa(from)}, nil
	},
	"FilterLogEvents": func(s *Server, c *call) (doc, *apiError) {
		g, err := s.group(c)
		if err != nil {
			return nil, err
		}
		var all []doc
		for _, name := range sortedKeys(g.streams) {
			if !strings.HasPrefix(name, str(c.in, "logStreamNamePrefix")) {
				continue
			}
			for i, l := range s.shown(g.streams[name]) {
				if strings.Contains(l.text, strings.Trim(str(c.in, "filterPattern"), `"`)) && l.at.UnixMilli() >= num(c.in, "startTime") {
					all = append(all, doc{"logStreamName": name, "timestamp": l.at, "ingestionTime": l.at, "message": l.text, "eventId": name + strconv.Itoa(i)})
				}
			}
		}
		sort.SliceStable(all, func(i, j int) bool { return all[i]["timestamp"].(time.Time).Before(all[j]["timestamp"].(time.Time)) })
		some, next, err := page(c.in, all, 10000)
		return with(doc{"events": anys(some)}, "nextToken", next), err
	},
	"TagResource":         tagByMap,
	"ListTagsForResource": listTagMap,
})

// tagByMap and listTagMap are of the services whose tags are a map.
func tagByMap(s *Server, c *call) (doc, *apiError) {
	arn := firstOf(c.in, "resourceArn", "ResourceARN", "Resource", "ResourceArn")
	if s.tags[arn] == nil {
		s.tags[arn] = map[string]string{}
	}
	for _, name := range []string{"tags", "Tags"} {
		for k, v := range sub(c.in, name) {
			s.tags[arn][k], _ = v.(string)
		}
		s.tag(arn, docs(c.in, name))
	}
	return nil, nil
}

func listTagMap(s *Server, c *call) (doc, *apiError) {
	out := doc{}
	for k, v := range s.tags[firstOf(c.in, "resourceArn", "Resource")] {
		out[k] = v
	}
	name := "tags"
	if c.service.Name == "lambda" {
		name = "Tags"
	}
	return doc{name: out}, nil
}
