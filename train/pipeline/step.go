package pipeline

import "encoding/json"

// Step is one step. Arguments say what kind it is: [*Training], [*Processing], [*RegisterModel], [*Condition], [*Fail] or [*Other].
type Step struct {
	Name                     string // up to 64 of A-Z a-z 0-9 - _, once in a definition
	DisplayName, Description string
	Arguments                Arguments
	DependsOn                []string // steps to wait for that no value refers to
	Cache                    *Cache   // nil: the step always runs
	Retries                  []Retry
	PropertyFiles            []PropertyFile // of a processing step
}

// Arguments are the request that a step makes, without the name of the job, which the service chooses.
type Arguments interface{ stepType() string }

// Cache lets a step with the same arguments as one before take its result.
type Cache struct {
	Enabled     bool
	ExpireAfter string `json:",omitempty"` // ISO 8601: P30D
}

// Retry says after which failures a step is tried again. MaxAttempts or ExpireAfterMin is set, not both.
type Retry struct {
	ExceptionType   []string
	IntervalSeconds int     `json:",omitempty"`
	BackoffRate     float64 `json:",omitempty"`
	MaxAttempts     int     `json:",omitempty"`
	ExpireAfterMin  int     `json:",omitempty"`
}

// What a step can be tried again after.
const (
	ServiceFault  = "Step.SERVICE_FAULT"
	Throttling    = "Step.THROTTLING"
	JobInternal   = "SageMaker.JOB_INTERNAL_ERROR"
	CapacityError = "SageMaker.CAPACITY_ERROR"
	ResourceLimit = "SageMaker.RESOURCE_LIMIT"
)

// PropertyFile is a JSON file that a processing step writes and [Step.JSON] reads.
type PropertyFile struct {
	PropertyFileName, OutputName, FilePath string
}

// MarshalJSON writes the step with its type.
func (s *Step) MarshalJSON() ([]byte, error) {
	kind := ""
	if s.Arguments != nil {
		kind = s.Arguments.stepType()
	}
	return json.Marshal(struct {
		Name, Type    string
		DisplayName   string         `json:",omitempty"`
		Description   string         `json:",omitempty"`
		DependsOn     []string       `json:",omitempty"`
		CacheConfig   *Cache         `json:",omitempty"`
		RetryPolicies []Retry        `json:",omitempty"`
		PropertyFiles []PropertyFile `json:",omitempty"`
		Arguments     Arguments
	}{s.Name, kind, s.DisplayName, s.Description, s.DependsOn, s.Cache, s.Retries, s.PropertyFiles, s.Arguments})
}

// Tag is a tag of a resource that a step makes.
type Tag struct{ Key, Value string }

// Fail ends the run as failed, with a reason.
type Fail struct{ ErrorMessage Value }

// Other is a step of a kind that this package has no type for, such as Transform or Lambda.
type Other struct {
	Type      string
	Arguments any // marshals as the request of that kind
}

// MarshalJSON writes the arguments alone.
func (o *Other) MarshalJSON() ([]byte, error) { return json.Marshal(o.Arguments) }

func (*Training) stepType() string      { return "Training" }
func (*Processing) stepType() string    { return "Processing" }
func (*RegisterModel) stepType() string { return "RegisterModel" }
func (*Condition) stepType() string     { return "Condition" }
func (*Fail) stepType() string          { return "Fail" }
func (o *Other) stepType() string       { return o.Type }
