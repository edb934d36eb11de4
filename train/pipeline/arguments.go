package pipeline

// Training is the request of a training job. Fields are those of CreateTrainingJob.
type Training struct {
	RoleArn                               Value
	AlgorithmSpecification                Algorithm
	HyperParameters                       map[string]Value `json:",omitempty"`
	InputDataConfig                       []Channel
	OutputDataConfig                      OutputData
	ResourceConfig                        Resources
	StoppingCondition                     Stopping
	EnableManagedSpotTraining             bool             `json:",omitempty"`
	CheckpointConfig                      *Checkpoint      `json:",omitempty"`
	VpcConfig                             *VPC             `json:",omitempty"`
	EnableNetworkIsolation                bool             `json:",omitempty"`
	EnableInterContainerTrafficEncryption bool             `json:",omitempty"`
	Environment                           map[string]Value `json:",omitempty"`
	Tags                                  []Tag            `json:",omitempty"`
}

// Algorithm is the image of a training job and how it gets its data: File, FastFile or Pipe.
type Algorithm struct {
	TrainingImage     Value
	TrainingInputMode string
}

// Channel is one input of a training job.
type Channel struct {
	ChannelName string
	ContentType string `json:",omitempty"`
	DataSource  DataSource
}

// DataSource is where a channel's objects are.
type DataSource struct{ S3DataSource S3DataSource }

// S3DataSource is a prefix or a manifest, each instance of which gets all objects or its share.
type S3DataSource struct {
	S3DataType             string
	S3DataDistributionType string
	S3Uri                  Value
}

// OutputData is where a training job puts its model.
type OutputData struct {
	S3OutputPath Value
	KmsKeyId     Value `json:",omitempty"`
}

// Resources are the instances of a job.
type Resources struct {
	InstanceCount            Value
	InstanceType             Value
	VolumeSizeInGB           int
	VolumeKmsKeyId           Value `json:",omitempty"`
	KeepAlivePeriodInSeconds int   `json:",omitempty"` // a warm pool, of a training job
}

// Stopping is how long a job may take, which is what bounds its cost.
type Stopping struct {
	MaxRuntimeInSeconds  int
	MaxWaitTimeInSeconds int `json:",omitempty"` // with spot instances, the time spent waiting for them included
}

// Checkpoint is where checkpoints are kept.
type Checkpoint struct {
	S3Uri     Value
	LocalPath string `json:",omitempty"`
}

// VPC puts a job into a network.
type VPC struct {
	SecurityGroupIds []string
	Subnets          []string
}

// Processing is the request of a processing job. Fields are those of CreateProcessingJob.
type Processing struct {
	RoleArn                Value
	AppSpecification       App
	ProcessingResources    ProcessingResources
	ProcessingInputs       []ProcessingInput `json:",omitempty"`
	ProcessingOutputConfig ProcessingOutputs
	StoppingCondition      *Stopping        `json:",omitempty"`
	Environment            map[string]Value `json:",omitempty"`
	NetworkConfig          *Network         `json:",omitempty"`
	Tags                   []Tag            `json:",omitempty"`
}

// App is what a processing job runs.
type App struct {
	ImageUri            Value
	ContainerEntrypoint []Value `json:",omitempty"`
	ContainerArguments  []Value `json:",omitempty"`
}

// ProcessingResources are the instances of a processing job.
type ProcessingResources struct{ ClusterConfig Resources }

// ProcessingInput is a folder that is filled before the program starts.
type ProcessingInput struct {
	InputName string
	S3Input   S3Input
}

// S3Input is what a folder is filled with.
type S3Input struct {
	S3Uri                  Value
	LocalPath              string
	S3DataType             string
	S3InputMode            string
	S3DataDistributionType string `json:",omitempty"`
}

// ProcessingOutputs are folders whose files are kept when the program has ended.
type ProcessingOutputs struct {
	Outputs  []ProcessingOutput
	KmsKeyId Value `json:",omitempty"`
}

// ProcessingOutput is one of them.
type ProcessingOutput struct {
	OutputName string
	S3Output   S3Output
}

// S3Output is where the files of a folder go.
type S3Output struct {
	S3Uri        Value
	LocalPath    string
	S3UploadMode string
}

// Network is what a processing job can reach.
type Network struct {
	EnableNetworkIsolation bool `json:",omitempty"`
	VpcConfig              *VPC `json:",omitempty"`
}

// RegisterModel is the request of a model package, a version in a group of the registry.
type RegisterModel struct {
	ModelPackageGroupName      Value
	ModelApprovalStatus        Value
	InferenceSpecification     InferenceSpecification
	CustomerMetadataProperties map[string]Value `json:",omitempty"`
}

// InferenceSpecification says with which image and where a model can be deployed.
type InferenceSpecification struct {
	Containers                              []Container
	SupportedContentTypes                   []string
	SupportedResponseMIMETypes              []string
	SupportedRealtimeInferenceInstanceTypes []string `json:",omitempty"`
	SupportedTransformInstanceTypes         []string `json:",omitempty"`
}

// Container is an image and the artifact that it serves.
type Container struct {
	Image        Value
	ModelDataUrl Value
	Environment  map[string]Value `json:",omitempty"`
}
