package train

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"threatdetect/internal/lazyregexp"
)

// What the services accept, as their API models say. The SDK checks that required members are there, and no more.
var (
	stackName     = lazyregexp.New(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	jobName       = lazyregexp.New(`^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$`)
	regionName    = lazyregexp.New(`^[a-z]{2,3}(-[a-z]+)+-\d$`)
	bucketName    = lazyregexp.New(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	bucketAddress = lazyregexp.New(`^\d+\.\d+\.\d+\.\d+$`)
	accountID     = lazyregexp.New(`^\d{12}$`)
	roleARN       = lazyregexp.New(`^arn:aws[a-z\-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+$`)
	topicARN      = lazyregexp.New(`^arn:aws[a-z\-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?$`)
	kmsKey        = lazyregexp.New(`^(arn:aws[a-z\-]*:kms:[a-z0-9-]+:\d{12}:(key|alias)/[A-Za-z0-9/_-]+|alias/[A-Za-z0-9/_-]+|[A-Fa-f0-9]{8}(-[A-Fa-f0-9]{4}){3}-[A-Fa-f0-9]{12}|mrk-[a-f0-9]{32})$`)
	instanceType  = lazyregexp.New(`^ml\.[a-z][a-z0-9-]*\.(\d*x?large|medium|metal|metal-\d+xl)$`)
	subnetID      = lazyregexp.New(`^subnet-[0-9a-zA-Z]{1,25}$`)
	securityGroup = lazyregexp.New(`^sg-[0-9a-zA-Z]{1,29}$`)
	imageURI      = lazyregexp.New(`^[a-zA-Z0-9][a-zA-Z0-9.\-]*(:\d+)?/[a-z0-9._\-/]+((:[A-Za-z0-9._\-]{1,128})|(@sha256:[0-9a-f]{64}))?$`)
	tagKey        = lazyregexp.New(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$`)
	tagValue      = lazyregexp.New(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$`)
	schedule      = lazyregexp.New(`^(rate\([1-9]\d* (minute|minutes|hour|hours|day|days)\)|cron\(\S+( \S+){5}\)|at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\))$`)
	metricName    = lazyregexp.New(`^(train|validation):[a-z0-9@._-]+$`)
	mailAddress   = lazyregexp.New(`^[^\s@]+@[^\s@]+\.[^\s@]+$`)
	setName       = lazyregexp.New(`^[a-z0-9][a-z0-9-]*/\d+$`)
)

const (
	maxStackName  = 20 // so that every derived name keeps below the 32 of a tuning job and the 63 of the rest
	maxTags       = 48 // 50, of which we take two
	maxURI        = 1024
	maxHyperKeys  = 100
	maxHyperKey   = 256
	maxHyperValue = 2500
	maxRuntime    = 28 * 24 * time.Hour
	maxWarmPool   = time.Hour
	maxVolumeGB   = 16384
	maxInstances  = 100
)

func (s *Stack) check(f *Faults) {
	c := checker{f, s.lines}
	for _, key := range []string{"name", "region", "bucket"} {
		if _, ok := s.lines[key]; !ok {
			f.add(0, key, "is missing")
		}
	}
	c.match("name", s.Name, stackName, "lower-case letters, digits and hyphens, beginning with a letter")
	if len(s.Name) > maxStackName {
		c.fault("name", "%d characters, want at most %d", len(s.Name), maxStackName)
	}
	c.match("region", s.Region, regionName, "a region, such as us-east-1")
	c.bucket(s.Bucket)
	c.optional("account", s.Account, accountID, "12 digits, in quotes")
	c.prefixes(&s.Prefixes)
	for _, r := range []struct{ key, arn string }{
		{"training", s.Roles.Training}, {"pipeline", s.Roles.Pipeline}, {"events", s.Roles.Events}, {"lambda", s.Roles.Lambda}, {"scheduler", s.Roles.Scheduler},
	} {
		if r.arn != CreateRole {
			c.match("roles."+r.key, r.arn, roleARN, "create, or an ARN such as arn:aws:iam::111122223333:role/name")
		}
	}
	c.image(s)
	c.hyperparameters(s)
	c.training(&s.Training)
	c.optional("features.set", s.Features.Set, setName, "a set with its version, such as flow-portable/1")
	c.oneOf("features.split", s.Features.Split, "auto", "time", "host", "group", "random")
	c.options(&s.Features)
	c.match("gate.metric", s.Gate.Metric, metricName, "a metric such as validation:auc")
	c.oneOf("approval", s.Approval, "manual", "automatic")
	c.tuning(&s.Tuning)
	c.trigger(&s.Trigger)
	c.endpoint(&s.Endpoint)
	c.monitor(&s.Monitor)
	c.tags(s.Tags)
}

// options checks those of the feature set. Whether the set has columns of them is seen where it is made.
func (c checker) options(f *Features) {
	for i, net := range f.LocalNets {
		if p, err := netip.ParsePrefix(net); err != nil || p != p.Masked() {
			c.fault(fmt.Sprintf("features.local_nets[%d]", i), "%q: want a network, such as 10.0.0.0/8", clip(net))
		}
	}
	sum := 0.0
	for i, w := range f.BeaconWeights {
		if !(w >= 0 && w <= 1) {
			c.fault(fmt.Sprintf("features.beacon_weights[%d]", i), "%v: want 0 to 1", w)
		}
		sum += w
	}
	if n := len(f.BeaconWeights); n > 0 && (n != 4 || math.Abs(sum-1) > 1e-9) {
		c.fault("features.beacon_weights", "%d numbers that add up to %v: want four that add up to 1", n, sum)
	}
}

// checker adds faults with the lines of their keys.
type checker struct {
	faults *Faults
	lines  map[string]int
}

func (c checker) fault(key, format string, args ...any) {
	c.faults.add(c.lines[key], key, format, args...)
}

func (c checker) match(key, value string, pattern *lazyregexp.Regexp, want string) {
	if !pattern.MatchString(value) {
		c.fault(key, "%q: want %s", clip(value), want)
	}
}

func (c checker) optional(key, value string, pattern *lazyregexp.Regexp, want string) {
	if value != "" {
		c.match(key, value, pattern, want+", or nothing")
	}
}

func (c checker) oneOf(key, value string, names ...string) {
	for _, name := range names {
		if value == name {
			return
		}
	}
	c.fault(key, "%q: want %s", clip(value), strings.Join(names, ", "))
}

func (c checker) between(key string, value, least, most int) {
	if value < least || value > most {
		c.fault(key, "%d: want %d to %d", value, least, most)
	}
}

func (c checker) time(key string, value, least, most time.Duration) {
	if value < least || value > most {
		c.fault(key, "%v: want %v to %v", value, least, most)
	}
}

func clip(s string) string {
	if len(s) <= 80 {
		return s
	}
	n := 80
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

func (c checker) bucket(name string) {
	switch {
	case !bucketName.MatchString(name) || strings.Contains(name, "..") || bucketAddress.MatchString(name):
		c.fault("bucket", "%q: want 3 to 63 lower-case letters, digits, dots and hyphens, no address", clip(name))
	case strings.HasPrefix(name, "xn--") || strings.HasSuffix(name, "-s3alias") || strings.HasSuffix(name, "--ol-s3"):
		c.fault("bucket", "%q: such a name is reserved", clip(name))
	}
}

func (c checker) prefixes(p *Prefixes) {
	all := []struct{ key, prefix string }{
		{"raw", p.Raw}, {"runs", p.Runs}, {"models", p.Models}, {"approved", p.Approved}, {"checkpoints", p.Checkpoints},
	}
	for i, a := range all {
		switch {
		case !strings.HasSuffix(a.prefix, "/"), strings.HasPrefix(a.prefix, "/"), strings.Contains(a.prefix, "//"):
			// Without the slash a prefix also names whatever goes on behind it: train is also train-old.
			c.fault("prefixes."+a.key, "%q: want a prefix that ends in a slash, such as %s/", clip(a.prefix), a.key)
			continue
		case len(a.prefix) > 200:
			c.fault("prefixes."+a.key, "%d characters, want at most 200", len(a.prefix))
		}
		for _, b := range all[:i] {
			if strings.HasPrefix(a.prefix, b.prefix) || strings.HasPrefix(b.prefix, a.prefix) && b.prefix != "" {
				// A trigger on a prefix that the pipeline writes to starts it for ever.
				c.fault("prefixes."+a.key, "%q lies in, or holds, prefixes.%s %q", clip(a.prefix), b.key, clip(b.prefix))
			}
		}
	}
}

func (c checker) image(s *Stack) {
	c.optional("image.uri", s.Image.URI, imageURI, "the URI of an image")
	c.optional("image.own", s.Image.Own, imageURI, "the URI of an image")
	for key, uri := range map[string]string{"image.uri": s.Image.URI, "image.own": s.Image.Own} {
		if len(uri) > 255 {
			c.fault(key, "%d characters, want at most 255", len(uri))
		}
	}
	v, err := LookupImage(s.Image.Version)
	if err != nil {
		c.fault("image.version", "%v", err)
		return
	}
	if v.Version == outdatedVersion && !s.Image.Outdated {
		c.fault("image.version", "%q is XGBoost 0.72, the oldest and not the newest: say 1.7-1, or image.outdated: true if you mean it", s.Image.Version)
	}
	if s.Image.URI == "" && regionName.MatchString(s.Region) {
		if _, err := v.URI(s.Region); err != nil {
			c.fault("region", "%v", err)
		}
	}
}

func (c checker) hyperparameters(s *Stack) {
	v, err := LookupImage(s.Image.Version)
	if err != nil {
		return
	}
	for _, p := range CheckHyperparameters(s.Hyperparameters, v) {
		key := "hyperparameters." + p.Name
		if _, ok := c.lines[key]; !ok {
			key = "hyperparameters"
			c.fault(key, "%s: %s", p.Name, p.What)
			continue
		}
		c.fault(key, "%s", p.What)
	}
}

func (c checker) training(t *Training) {
	c.match("training.instance", t.Instance, instanceType, "a type of machine, such as ml.m5.large")
	c.between("training.count", t.Count, 1, maxInstances)
	c.between("training.volume_gb", t.VolumeGB, 1, maxVolumeGB)
	c.time("training.max_runtime", t.MaxRuntime, time.Minute, maxRuntime)
	if t.Spot {
		if t.MaxWait < t.MaxRuntime {
			c.fault("training.max_wait", "%v is less than max_runtime %v: want at least as much", t.MaxWait, t.MaxRuntime)
		}
		if t.MaxWait > maxRuntime {
			c.fault("training.max_wait", "%v: want at most %v", t.MaxWait, maxRuntime)
		}
		if t.WarmPool > 0 {
			c.fault("training.warm_pool", "does not go with spot: true")
		}
	}
	c.time("training.warm_pool", t.WarmPool, 0, maxWarmPool)
	c.optional("training.kms_key", t.KMSKey, kmsKey, "an id, alias or ARN of a KMS key")
	if (len(t.Subnets) > 0) != (len(t.SecurityGroups) > 0) {
		c.fault("training.subnets", "want both subnets and security_groups, or neither")
	}
	c.list("training.subnets", t.Subnets, 16, subnetID, "an id such as subnet-0123456789abcdef0")
	c.list("training.security_groups", t.SecurityGroups, 5, securityGroup, "an id such as sg-0123456789abcdef0")
	c.oneOf("training.input_mode", t.InputMode, "File", "FastFile")
	if t.Sharded && t.Count == 1 {
		c.fault("training.sharded", "true with one machine: want count above 1, or false")
	}
}

func (c checker) list(key string, values []string, most int, pattern *lazyregexp.Regexp, want string) {
	if len(values) > most {
		c.fault(key, "%d entries, want at most %d", len(values), most)
	}
	for i, v := range values {
		c.match(fmt.Sprintf("%s[%d]", key, i), v, pattern, want)
	}
}

func (c checker) trigger(t *Trigger) {
	if t.Marker == "" || strings.ContainsAny(t.Marker, "/*?\\\n") || len(t.Marker) > 100 {
		c.fault("trigger.marker", "%q: want the name of an object, without slash and wildcard", clip(t.Marker))
	}
	c.optional("trigger.schedule", t.Schedule, schedule, "rate(7 days), cron(0 3 * * ? *) or at(2026-01-31T03:00:00)")
	c.time("trigger.debounce", t.Debounce, 0, 24*time.Hour)
}

func (c checker) endpoint(e *Endpoint) {
	c.match("endpoint.instance", e.Instance, instanceType, "a type of machine, such as ml.m5.large")
	c.between("endpoint.count", e.Count, 1, maxInstances)
	if m := e.Serverless.MemoryMB; m != 0 {
		if m < 1024 || m > 6144 || m%1024 != 0 {
			c.fault("endpoint.serverless.memory_mb", "%d: want 1024, 2048, 3072, 4096, 5120 or 6144", m)
		}
		c.between("endpoint.serverless.max_concurrency", e.Serverless.MaxConcurrency, 1, 200)
		if e.Autoscale.Max > 0 {
			c.fault("endpoint.autoscale.max", "%d: a serverless endpoint scales by itself", e.Autoscale.Max)
		}
	}
	if e.Autoscale.Max != 0 {
		c.between("endpoint.autoscale.min", e.Autoscale.Min, 1, maxInstances)
		c.between("endpoint.autoscale.max", e.Autoscale.Max, max(e.Autoscale.Min, 1), maxInstances)
		if !(e.Autoscale.Target > 0) {
			c.fault("endpoint.autoscale.target", "%v: want more than 0", e.Autoscale.Target)
		}
	}
}

func (c checker) monitor(m *Monitor) {
	c.optional("monitor.topic", m.Topic, topicARN, "the ARN of an SNS topic")
	c.optional("monitor.email", m.Email, mailAddress, "an address")
	if m.Topic != "" && m.Email != "" {
		c.fault("monitor.email", "want a topic or an address, not both")
	}
	if m.MinAUC < 0 || m.MinAUC > 1 {
		c.fault("monitor.min_auc", "%v: want 0 to 1", m.MinAUC)
	}
	c.time("monitor.max_age", m.MaxAge, time.Hour, 365*24*time.Hour)
	c.time("monitor.idle_after", m.IdleAfter, time.Hour, 7*24*time.Hour)
	c.time("monitor.latency", m.Latency, time.Millisecond, time.Minute)
}

func (c checker) tags(tags map[string]string) {
	if len(tags) > maxTags {
		c.fault("tags", "%d entries, want at most %d", len(tags), maxTags)
	}
	for k, v := range tags {
		switch key := "tags." + k; {
		case !tagKey.MatchString(k), strings.HasPrefix(strings.ToLower(k), "aws:"), strings.HasPrefix(k, "threatdetect:"):
			c.fault(key, "want at most 128 letters, digits, spaces and _.:/=+-@, beginning with neither aws: nor threatdetect:")
		case !tagValue.MatchString(v):
			c.fault(key, "%q: want at most 256 letters, digits, spaces and _.:/=+-@", clip(v))
		}
	}
}

func (c checker) tuning(t *Tuning) {
	c.oneOf("tuning.strategy", t.Strategy, "Bayesian", "Random", "Hyperband", "Grid")
	c.match("tuning.metric", t.Metric, metricName, "a metric such as validation:auc")
	if metricName.MatchString(t.Metric) {
		if _, err := MetricMaximised(t.Metric); err != nil {
			c.fault("tuning.metric", "%v", err)
		}
	}
	c.between("tuning.max_jobs", t.MaxJobs, 1, 750)
	c.between("tuning.max_parallel", t.MaxParallel, 1, 100)
	if t.MaxParallel > t.MaxJobs {
		c.fault("tuning.max_parallel", "%d: want at most max_jobs %d", t.MaxParallel, t.MaxJobs)
	}
	c.oneOf("tuning.early_stopping", t.EarlyStopping, "Off", "Auto")
	if len(t.Ranges) > 30 {
		c.fault("tuning.ranges", "%d entries, want at most 30", len(t.Ranges))
	}
	seen := map[string]bool{}
	for i, r := range t.Ranges {
		key := fmt.Sprintf("tuning.ranges[%d]", i)
		for _, what := range r.check(t.Strategy) {
			c.fault(key, "%s: %s", r.Name, what)
		}
		if seen[r.Name] {
			c.fault(key, "%s is there twice", r.Name)
		}
		seen[r.Name] = true
	}
}

// check returns what is wrong with a range.
func (r *Range) check(strategy string) (faults []string) {
	h, ok := hyperparameters[r.Name]
	if !ok || !h.tunable {
		return []string{"is no hyperparameter that can be tuned"}
	}
	if len(r.Values) > 0 {
		if r.Min+r.Max+r.Scale != "" {
			faults = append(faults, "want min and max, or values")
		}
		for _, v := range r.Values {
			if what := h.check(v); what != "" {
				faults = append(faults, what)
			}
		}
		return faults
	}
	if strategy == "Grid" {
		faults = append(faults, "the strategy Grid takes values only")
	}
	if h.kind != kindInt && h.kind != kindFloat {
		return append(faults, "want values")
	}
	for _, v := range []string{r.Min, r.Max} {
		if what := h.check(v); what != "" {
			faults = append(faults, what)
		}
	}
	least, err1 := strconv.ParseFloat(r.Min, 64)
	most, err2 := strconv.ParseFloat(r.Max, 64)
	if err1 == nil && err2 == nil {
		switch {
		case least >= most:
			faults = append(faults, fmt.Sprintf("min %s is not below max %s", r.Min, r.Max))
		case r.Scale == "Logarithmic" && least <= 0:
			faults = append(faults, "the logarithmic scale wants a min above 0")
		case r.Scale == "ReverseLogarithmic" && (least < 0 || most >= 1):
			faults = append(faults, "the reverse logarithmic scale wants 0 <= min and max < 1")
		}
	}
	switch r.Scale {
	case "", "Auto", "Linear", "Logarithmic", "ReverseLogarithmic":
	default:
		faults = append(faults, fmt.Sprintf("scale %q: want Auto, Linear, Logarithmic or ReverseLogarithmic", clip(r.Scale)))
	}
	return faults
}
