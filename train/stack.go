package train

import (
	"strconv"
	"strings"
	"time"
)

// Stack describes everything that belongs together on AWS: the file threatdetect.yaml. Keys of the file are the field names in lower snake case.
type Stack struct {
	Name    string // lower-case letters, digits and hyphens, at most 20; every resource is named after it
	Region  string
	Bucket  string
	Account string // 12 digits; "": asked from STS when needed, and 111122223333 in a dry run
	// Prefixes are parts of the bucket, each ending in a slash.
	Prefixes Prefixes
	// Roles are ARNs, or "create": then their names are derived, and deploy makes them.
	Roles           Roles
	Image           Image
	Hyperparameters map[string]string
	Training        Training
	Features        Features
	Gate            Gate
	Approval        string // manual or automatic: whether a model that passes the gate is approved by a person
	Tuning          Tuning
	Trigger         Trigger
	Endpoint        Endpoint
	Monitor         Monitor
	Tags            map[string]string // besides those that every resource gets

	path  string         // of the file, for messages
	lines map[string]int // of keys, for messages
}

// Prefixes are parts of the bucket.
type Prefixes struct {
	Raw         string // raw logs that a trigger waits for
	Runs        string // training files, one folder a run
	Models      string // artifacts, as SageMaker writes them
	Approved    string // pointer to the newest approved bundle
	Checkpoints string // of spot training
}

// Roles are ARNs of IAM roles, or "create".
type Roles struct {
	Training, Pipeline, Events, Lambda, Scheduler string
}

// Image chooses containers.
type Image struct {
	Version  string // of the built-in XGBoost: 1.7-1
	URI      string // in place of the table's
	Own      string // URI of this program's own image, for prepare, process and transform
	Outdated bool   // accept "1", alias latest, which is XGBoost 0.72
}

// Training is the machine that a training job runs on, and its limits.
type Training struct {
	Instance         string
	Count            int
	VolumeGB         int `yaml:"volume_gb"`
	MaxRuntime       time.Duration
	Spot             bool
	MaxWait          time.Duration // of spot training, at least MaxRuntime
	KMSKey           string        `yaml:"kms_key"` // id, alias or ARN; "": none of ours
	Subnets          []string
	SecurityGroups   []string
	NetworkIsolation bool
	WarmPool         time.Duration // how long the machine is kept, at most an hour
	InputMode        string        // File or FastFile
	Sharded          bool          // each instance gets its share of the files
}

// Features says how logs become training rows.
type Features struct {
	Set   string // name and version of a feature set
	Label string // column of the log, or file, that holds the labels
	Split string // time, host, group, random or auto
	// LocalNets are the networks of the site, and BeaconWeights four numbers that add up to 1, for sets that have columns of them; see
	// features.SetOptions. Neither is wanted.
	LocalNets     []string
	BeaconWeights []float64
}

// Weights is BeaconWeights as threatdetect fit and prepare take them; empty if there are none.
func (f *Features) Weights() string {
	var texts []string
	for _, w := range f.BeaconWeights {
		texts = append(texts, strconv.FormatFloat(w, 'g', -1, 64))
	}
	return strings.Join(texts, ",")
}

// Gate is what a model has to reach.
type Gate struct {
	Metric  string // as SageMaker names it: validation:auc
	Minimum float64
}

// Tuning is a hyperparameter tuning job.
type Tuning struct {
	Strategy      string // Bayesian, Random, Hyperband or Grid
	Metric        string // validation:auc; whether more or less of it is better is known
	MaxJobs       int
	MaxParallel   int
	EarlyStopping string // Off or Auto
	Ranges        []Range
}

// Range is what tuning tries for one hyperparameter: numbers from Min to Max, or one of Values.
type Range struct {
	Name     string
	Min, Max string
	Scale    string // Auto, Linear, Logarithmic or ReverseLogarithmic
	Values   []string
}

// Trigger says what starts the pipeline.
type Trigger struct {
	Marker   string        // name of the object whose arrival says that a folder of raw logs is complete
	Schedule string        // a rate or cron expression of EventBridge Scheduler instead; "": none
	Debounce time.Duration // of the Lambda: no second start within this time
}

// Endpoint is a real-time or serverless endpoint.
type Endpoint struct {
	Wanted     bool // false: deploy makes none
	Instance   string
	Count      int
	Serverless Serverless
	Autoscale  Autoscale
}

// Serverless replaces the instances of an endpoint if MemoryMB is not 0.
type Serverless struct {
	MemoryMB       int `yaml:"memory_mb"` // 1024 to 6144 in steps of 1024
	MaxConcurrency int
}

// Autoscale bounds the number of instances of an endpoint; Max 0 is none.
type Autoscale struct {
	Min, Max int
	Target   float64 // invocations per instance and minute
}

// Monitor says when alarms ring, and where.
type Monitor struct {
	Topic     string        // ARN of an SNS topic; "": alarms change their state only
	Email     string        // deploy makes a topic for this address
	MinAUC    float64       `yaml:"min_auc"`
	MaxAge    time.Duration // without a new run of the pipeline
	IdleAfter time.Duration // without an invocation of the endpoint, which costs all the same
	Latency   time.Duration // of the endpoint, 99th percentile
}

// CreateRole is the value of a role that is to be made.
const CreateRole = "create"

// DryRunAccount stands for an account that nobody was asked for.
const DryRunAccount = "111122223333"

// RolePath is the path of the roles that are made, by which they are found again.
const RolePath = "/threatdetect/"

// Kinds of roles, as in the names of those that are made.
const (
	RoleTraining  = "training"
	RolePipeline  = "pipeline"
	RoleEvents    = "events"
	RoleLambda    = "lambda"
	RoleScheduler = "scheduler"
)

// Path is the name of the file that the stack came from, "" if it came from none.
func (s *Stack) Path() string { return s.path }

// Resource is the name of the stack's resource of a kind: td-NAME-KIND.
func (s *Stack) Resource(kind string) string { return "td-" + s.Name + "-" + kind }

// Partition is that of the region in ARNs: aws, aws-cn, aws-us-gov and so on.
func (s *Stack) Partition() string {
	for _, p := range []struct{ prefix, partition string }{
		{"cn-", "aws-cn"}, {"us-gov-", "aws-us-gov"}, {"us-isob-", "aws-iso-b"}, {"us-isof-", "aws-iso-f"}, {"us-iso-", "aws-iso"},
	} {
		if strings.HasPrefix(s.Region, p.prefix) {
			return p.partition
		}
	}
	return "aws"
}

// RoleARN is the ARN of a role of one of the kinds above in an account: the one of the file, or that of the role that deploy makes.
func (s *Stack) RoleARN(kind, account string) string {
	arn := map[string]string{
		RoleTraining: s.Roles.Training, RolePipeline: s.Roles.Pipeline, RoleEvents: s.Roles.Events, RoleLambda: s.Roles.Lambda, RoleScheduler: s.Roles.Scheduler,
	}[kind]
	if arn != CreateRole {
		return arn
	}
	return "arn:" + s.Partition() + ":iam::" + account + ":role" + RolePath + s.Resource(kind)
}

// S3 is the address of a key in the stack's bucket.
func (s *Stack) S3(key string) string { return "s3://" + s.Bucket + "/" + key }

// AllTags are the tags of the file and those that every resource gets, by which cleanup finds it again.
func (s *Stack) AllTags() map[string]string {
	tags := map[string]string{"threatdetect:stack": s.Name, "threatdetect:managed": "true"}
	for k, v := range s.Tags {
		tags[k] = v
	}
	return tags
}
