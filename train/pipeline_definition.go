package train

import (
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"threatdetect/train/pipeline"
	"threatdetect/train/trigger"
)

// Parameters of the pipeline, with their defaults from the stack.
const (
	ParameterInput    = "InputPrefix"        // where the raw logs are
	ParameterTrigger  = trigger.KeyParameter // key of the marker that started the run; empty if none did
	ParameterInstance = "InstanceType"       // of preparation and training
	ParameterLimit    = "Minimum"            // of the gate; the most, if less of the metric is better
	ParameterApproval = "Approval"
)

// Metadata of a model package.
const (
	metaContract = "contract" // address of the contract that belongs to the artifact
	metaSet      = "featureSet"
	metaRun      = "execution"
)

// Folders of the prepare step.
const (
	prepareIn     = "/opt/ml/processing/in"
	prepareOut    = "/opt/ml/processing/out"
	prepareLabels = "/opt/ml/processing/labels"
)

// Definition is the pipeline of the stack: prepare all complete raw logs, train on them, and register the model if its metric passes the gate, or fail with the
// reason. It is valid for a rule or a schedule that sets nothing but the key of the marker; errors are [pipeline.Errors].
func (s *Stack) Definition(account string) (*pipeline.Definition, error) {
	image, err := s.ImageURI()
	if err != nil {
		return nil, err
	}
	b := &definer{
		s: s, account: account, image: pipeline.Text(image), role: pipeline.Text(s.RoleARN(RoleTraining, account)),
		input:    &pipeline.Parameter{Name: ParameterInput, Type: pipeline.String, Default: s.S3(s.Prefixes.Raw)},
		marker:   &pipeline.Parameter{Name: ParameterTrigger, Type: pipeline.String, Default: ""},
		instance: &pipeline.Parameter{Name: ParameterInstance, Type: pipeline.String, Default: s.Training.Instance},
		limit:    &pipeline.Parameter{Name: ParameterLimit, Type: pipeline.Float, Default: s.Gate.Minimum},
		approval: &pipeline.Parameter{Name: ParameterApproval, Type: pipeline.String, Default: "PendingManualApproval", Enum: []string{"PendingManualApproval", "Approved"}},
	}
	if s.Approval == "automatic" {
		b.approval.Default = "Approved"
	}
	prepare := b.prepare()
	training := b.training(prepare)
	d := &pipeline.Definition{
		Parameters: []*pipeline.Parameter{b.input, b.marker, b.instance, b.limit, b.approval},
		Steps:      []*pipeline.Step{prepare, training, b.gate(prepare, training)},
	}
	return d, d.Validate(s.definitionOptions())
}

// definitionOptions say how the pipeline of the stack is used.
func (s *Stack) definitionOptions() *pipeline.Options {
	return &pipeline.Options{Triggered: true, Sets: []string{ParameterTrigger}, Watched: s.S3(s.Prefixes.Raw)}
}

// definer makes the steps.
type definer struct {
	s                                        *Stack
	account                                  string
	image, role                              pipeline.Value
	input, marker, instance, limit, approval *pipeline.Parameter
}

// again is after what a job is tried once more.
var again = []pipeline.Retry{
	{ExceptionType: []string{pipeline.ServiceFault, pipeline.Throttling}, IntervalSeconds: 10, BackoffRate: 2, MaxAttempts: 5},
	{ExceptionType: []string{pipeline.JobInternal, pipeline.CapacityError}, IntervalSeconds: 60, BackoffRate: 2, MaxAttempts: 3},
}

// run is an address that only this run has.
func (b *definer) run(names ...string) pipeline.Value {
	values := []pipeline.Value{pipeline.Text(strings.TrimSuffix(b.s.S3(b.s.Prefixes.Runs), "/")), pipeline.ExecutionID}
	for _, name := range names {
		values = append(values, pipeline.Text(name))
	}
	return pipeline.Join("/", values...)
}

func (b *definer) prepare() *pipeline.Step {
	s := b.s
	var outputs []pipeline.ProcessingOutput
	for _, name := range []string{"train", "validation", "test", "contract", "report"} {
		outputs = append(outputs, pipeline.ProcessingOutput{OutputName: name,
			S3Output: pipeline.S3Output{S3Uri: b.run(name), LocalPath: prepareOut + "/" + name, S3UploadMode: "EndOfJob"}})
	}
	arguments := []pipeline.Value{
		pipeline.Text("prepare"), pipeline.Text("--set"), pipeline.Text(s.Features.Set), pipeline.Text("--split"), pipeline.Text(s.Features.Split),
		pipeline.Text("--in"), pipeline.Text(prepareIn), pipeline.Text("--out"), pipeline.Text(prepareOut),
	}
	inputs := []pipeline.ProcessingInput{folderInput("raw", b.input, prepareIn)}
	label := s.Features.Label
	if strings.HasPrefix(label, "s3://") {
		inputs = append(inputs, folderInput("labels", pipeline.Text(label), prepareLabels))
		label = path.Join(prepareLabels, path.Base(label))
	}
	arguments = append(arguments, pipeline.Text("--label"), pipeline.Text(label))
	for nets := range slices.Chunk(s.Features.LocalNets, 5) { // an argument has 256 characters
		arguments = append(arguments, pipeline.Text("--local-nets"), pipeline.Text(strings.Join(nets, ",")))
	}
	if weights := s.Features.Weights(); weights != "" {
		arguments = append(arguments, pipeline.Text("--beacon-weights"), pipeline.Text(weights))
	}
	if s.Trigger.Marker != "" {
		arguments = append(arguments, pipeline.Text("--marker"), pipeline.Text(s.Trigger.Marker), pipeline.Join("", pipeline.Text("--trigger="), b.marker))
	}
	if s.Training.Count > 1 && s.Training.Sharded {
		arguments = append(arguments, pipeline.Text("--parts"), pipeline.Text(strconv.Itoa(s.Training.Count)))
	}
	p := &pipeline.Processing{
		RoleArn:                b.role,
		AppSpecification:       pipeline.App{ImageUri: pipeline.Text(s.OwnImage(b.account)), ContainerEntrypoint: []pipeline.Value{pipeline.Text("/threatdetect")}, ContainerArguments: arguments},
		ProcessingResources:    pipeline.ProcessingResources{ClusterConfig: b.machines(1)},
		ProcessingInputs:       inputs,
		ProcessingOutputConfig: pipeline.ProcessingOutputs{Outputs: outputs, KmsKeyId: optional(s.Training.KMSKey)},
		StoppingCondition:      &pipeline.Stopping{MaxRuntimeInSeconds: int(s.Training.MaxRuntime / time.Second)},
		Tags:                   b.tags(),
	}
	if vpc := b.vpc(); vpc != nil || s.Training.NetworkIsolation {
		p.NetworkConfig = &pipeline.Network{EnableNetworkIsolation: s.Training.NetworkIsolation, VpcConfig: vpc}
	}
	return &pipeline.Step{Name: "Prepare", Description: "Raw logs become training rows", Arguments: p, Retries: again}
}

func folderInput(name string, address pipeline.Value, local string) pipeline.ProcessingInput {
	return pipeline.ProcessingInput{InputName: name, S3Input: pipeline.S3Input{S3Uri: address, LocalPath: local, S3DataType: "S3Prefix", S3InputMode: "File",
		S3DataDistributionType: "FullyReplicated"}}
}

// optional is text, or nothing.
func optional(text string) pipeline.Value {
	if text == "" {
		return nil
	}
	return pipeline.Text(text)
}

func (b *definer) machines(count int) pipeline.Resources {
	return pipeline.Resources{InstanceCount: pipeline.Int(count), InstanceType: b.instance, VolumeSizeInGB: b.s.Training.VolumeGB, VolumeKmsKeyId: optional(b.s.Training.KMSKey)}
}

func (b *definer) vpc() *pipeline.VPC {
	if len(b.s.Training.Subnets) == 0 {
		return nil
	}
	return &pipeline.VPC{SecurityGroupIds: b.s.Training.SecurityGroups, Subnets: b.s.Training.Subnets}
}

func (b *definer) tags() []pipeline.Tag {
	var list []pipeline.Tag
	tags := b.s.AllTags()
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, pipeline.Tag{Key: k, Value: tags[k]})
	}
	return list
}

func (b *definer) training(prepare *pipeline.Step) *pipeline.Step {
	t := &b.s.Training
	sharing := "FullyReplicated"
	if t.Count > 1 && t.Sharded {
		sharing = "ShardedByS3Key"
	}
	var channels []pipeline.Channel
	for _, name := range []string{"train", "validation"} {
		channels = append(channels, pipeline.Channel{ChannelName: name, ContentType: "text/csv", DataSource: pipeline.DataSource{S3DataSource: pipeline.S3DataSource{
			S3DataType: "S3Prefix", S3DataDistributionType: sharing, S3Uri: prepare.Output(name)}}})
	}
	hyperparameters := map[string]pipeline.Value{}
	for name, value := range b.s.Hyperparameters {
		hyperparameters[name] = pipeline.Text(value)
	}
	machines := b.machines(t.Count)
	machines.KeepAlivePeriodInSeconds = int(t.WarmPool / time.Second)
	job := &pipeline.Training{
		RoleArn:                               b.role,
		AlgorithmSpecification:                pipeline.Algorithm{TrainingImage: b.image, TrainingInputMode: t.InputMode},
		HyperParameters:                       hyperparameters,
		InputDataConfig:                       channels,
		OutputDataConfig:                      pipeline.OutputData{S3OutputPath: pipeline.Text(b.s.S3(b.s.Prefixes.Models)), KmsKeyId: optional(t.KMSKey)},
		ResourceConfig:                        machines,
		StoppingCondition:                     pipeline.Stopping{MaxRuntimeInSeconds: int(t.MaxRuntime / time.Second)},
		VpcConfig:                             b.vpc(),
		EnableNetworkIsolation:                t.NetworkIsolation,
		EnableInterContainerTrafficEncryption: t.Count > 1,
		Tags:                                  b.tags(),
	}
	if t.Spot {
		job.EnableManagedSpotTraining = true
		job.StoppingCondition.MaxWaitTimeInSeconds = int(t.MaxWait / time.Second)
		job.CheckpointConfig = &pipeline.Checkpoint{S3Uri: pipeline.Join("/", pipeline.Text(strings.TrimSuffix(b.s.S3(b.s.Prefixes.Checkpoints), "/")), pipeline.ExecutionID)}
	}
	return &pipeline.Step{Name: "Train", Description: "SageMaker's built-in XGBoost", Arguments: job, Retries: again}
}

// gate registers the model if its metric is good enough.
func (b *definer) gate(prepare, training *pipeline.Step) *pipeline.Step {
	register := &pipeline.Step{Name: "Register", Arguments: &pipeline.RegisterModel{
		ModelPackageGroupName: pipeline.Text(b.s.Resource(KindModels)),
		ModelApprovalStatus:   b.approval,
		InferenceSpecification: pipeline.InferenceSpecification{
			Containers:                              []pipeline.Container{{Image: b.image, ModelDataUrl: training.Artifact()}},
			SupportedContentTypes:                   []string{"text/csv", "text/libsvm"},
			SupportedResponseMIMETypes:              []string{"text/csv", "application/json"},
			SupportedRealtimeInferenceInstanceTypes: []string{b.s.Endpoint.Instance},
			SupportedTransformInstanceTypes:         []string{b.s.Endpoint.Instance},
		},
		CustomerMetadataProperties: map[string]pipeline.Value{
			metaContract: pipeline.Join("/", prepare.Output("contract"), pipeline.Text("contract.json")),
			metaSet:      pipeline.Text(b.s.Features.Set),
			metaRun:      pipeline.ExecutionID,
		},
	}}
	metric := training.Metric(b.s.Gate.Metric)
	test, word := pipeline.AtLeast(metric, b.limit), "below"
	if more, err := MetricMaximised(b.s.Gate.Metric); err == nil && !more {
		test, word = pipeline.AtMost(metric, b.limit), "above"
	}
	weak := &pipeline.Step{Name: "TooWeak", Arguments: &pipeline.Fail{ErrorMessage: pipeline.Join(" ", pipeline.Text(b.s.Gate.Metric), metric,
		pipeline.Text("is "+word), b.limit, pipeline.Text("- nothing was registered"))}}
	return &pipeline.Step{Name: "Gate", Description: "Is the model good enough?", Arguments: &pipeline.Condition{
		Conditions: []pipeline.Test{test}, IfSteps: []*pipeline.Step{register}, ElseSteps: []*pipeline.Step{weak}}}
}
