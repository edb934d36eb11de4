package awsfake

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"
)

// state is everything that requests make and change.
type state struct {
	objects map[string]*objectInfo
	uploads map[string]*upload
	things  map[string]map[string]*thing // kind, then name
	logs    map[string]*logGroup
	tags    map[string]map[string]string // by ARN
	metrics []datum
	stacks  map[string]*stack
	tokens  map[string]string // ARN of what was made for an idempotency token
}

func newState() state {
	return state{things: map[string]map[string]*thing{}, logs: map[string]*logGroup{}, tags: map[string]map[string]string{}, stacks: map[string]*stack{}, tokens: map[string]string{}}
}

// thing is a named resource: what it was asked to be, and what has become of it.
type thing struct {
	kind, name, arn string
	in              doc // the request that made it
	out             doc // what its description says besides
	created         time.Time
	modified        time.Time
	job             *job
	data            any // of the kind's own
}

func (s *Server) thing(kind, name string) *thing { return s.things[kind][name] }

func (s *Server) add(t *thing) *thing {
	if s.things[t.kind] == nil {
		s.things[t.kind] = map[string]*thing{}
	}
	if t.created.IsZero() {
		t.created = s.clock.now()
	}
	t.modified = t.created
	if t.out == nil {
		t.out = doc{}
	}
	s.things[t.kind][t.name] = t
	return t
}

func (s *Server) remove(t *thing) {
	if t == nil {
		return
	}
	delete(s.things[t.kind], t.name)
	delete(s.tags, t.arn)
}

// all lists the things of a kind, the oldest first.
func (s *Server) all(kind string) []*thing {
	var out []*thing
	for _, t := range s.things[kind] {
		out = append(out, t)
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].created.Equal(out[j].created) {
			return out[i].name < out[j].name
		}
		return out[i].created.Before(out[j].created)
	})
	return out
}

// arn makes a name of the account's own.
func arn(service, region, what string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", partition(region), service, region, Account, what)
}

func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// last is the part of an ARN or a plain name that names the resource.
func last(arn string) string {
	return arn[strings.LastIndexAny(arn, "/:")+1:]
}

// page cuts a list as MaxResults and NextToken ask; the token is a position.
func page[T any](in doc, all []T, fallback int) ([]T, string, *apiError) {
	from := 0
	if token := firstOf(in, "NextToken", "Marker", "nextToken"); token != "" {
		n, err := strconv.Atoi(token)
		if err != nil || n < 0 || n > len(all) {
			return nil, "", invalid("Invalid pagination token")
		}
		from = n
	}
	size := fallback
	for _, name := range []string{"MaxResults", "Limit", "limit", "MaxItems", "MaxRecords"} {
		if n := num(in, name); n > 0 {
			size = int(n)
		}
	}
	to := min(from+size, len(all))
	next := ""
	if to < len(all) {
		next = strconv.Itoa(to)
	}
	return all[from:to], next, nil
}

func firstOf(in doc, names ...string) string {
	for _, n := range names {
		if t := str(in, n); t != "" {
			return t
		}
	}
	return ""
}

// found is the listing of SageMaker: filtered by name, time and status, sorted and cut.
func (s *Server) found(c *call, kind string, status func(*thing) string) ([]*thing, string, *apiError) {
	var out []*thing
	for _, t := range s.all(kind) {
		if q := str(c.in, "NameContains"); q != "" && !strings.Contains(strings.ToLower(t.name), strings.ToLower(q)) {
			continue
		}
		if q := str(c.in, "StatusEquals"); q != "" && status != nil && status(t) != q {
			continue
		}
		if at, ok := c.in["CreationTimeAfter"].(time.Time); ok && t.created.Before(at) {
			continue
		}
		if at, ok := c.in["CreationTimeBefore"].(time.Time); ok && t.created.After(at) {
			continue
		}
		out = append(out, t)
	}
	if by := str(c.in, "SortBy"); by == "Name" {
		sort.SliceStable(out, func(i, j int) bool { return out[i].name < out[j].name })
	}
	if str(c.in, "SortOrder") != "Ascending" {
		for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
			out[i], out[j] = out[j], out[i]
		}
	}
	return page(c.in, out, 10)
}

// tag keeps tags of an ARN, in whichever of the two forms they came.
func (s *Server) tag(arn string, tags []doc) {
	if s.tags[arn] == nil {
		s.tags[arn] = map[string]string{}
	}
	for _, t := range tags {
		s.tags[arn][str(t, "Key")] = str(t, "Value")
	}
}

func (s *Server) tagList(arn string) []any {
	out := []any{}
	for _, k := range sortedKeys(s.tags[arn]) {
		out = append(out, doc{"Key": k, "Value": s.tags[arn][k]})
	}
	return out
}
