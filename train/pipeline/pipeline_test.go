package pipeline

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// retrain is the pipeline of a stack: prepare, train, check, register or fail.
func retrain() *Definition {
	input := &Parameter{Name: "InputPrefix", Type: String, Default: "s3://td-bucket/new-data/"}
	instance := &Parameter{Name: "InstanceType", Type: String, Default: "ml.m5.large"}
	least := &Parameter{Name: "MinAUC", Type: Float, Default: 0.95}
	approval := &Parameter{Name: "Approval", Type: String, Default: "PendingManualApproval", Enum: []string{"PendingManualApproval", "Approved"}}
	role := Text("arn:aws:iam::111122223333:role/td-training")
	output := func(name string) ProcessingOutput {
		return ProcessingOutput{name, S3Output{Join("/", Text("s3://td-bucket/runs"), ExecutionID, Text(name)), "/opt/ml/processing/out/" + name, "EndOfJob"}}
	}
	prepare := &Step{Name: "Prepare", Arguments: &Processing{
		RoleArn: role,
		AppSpecification: App{Text("111122223333.dkr.ecr.us-east-1.amazonaws.com/threatdetect:1"), []Value{Text("/threatdetect")},
			[]Value{Text("prepare"), Text("--in"), Text("/opt/ml/processing/in"), Text("--out"), Text("/opt/ml/processing/out")}},
		ProcessingResources:    ProcessingResources{Resources{InstanceCount: Int(1), InstanceType: Text("ml.m5.large"), VolumeSizeInGB: 20}},
		ProcessingInputs:       []ProcessingInput{{"raw", S3Input{S3Uri: input, LocalPath: "/opt/ml/processing/in", S3DataType: "S3Prefix", S3InputMode: "File"}}},
		ProcessingOutputConfig: ProcessingOutputs{Outputs: []ProcessingOutput{output("train"), output("validation")}},
	}}
	channel := func(name string) Channel {
		return Channel{name, "text/csv", DataSource{S3DataSource{"S3Prefix", "FullyReplicated", prepare.Output(name)}}}
	}
	train := &Step{Name: "Train", Retries: []Retry{{ExceptionType: []string{JobInternal, CapacityError}, IntervalSeconds: 60, BackoffRate: 2, MaxAttempts: 3}},
		Arguments: &Training{
			RoleArn:                role,
			AlgorithmSpecification: Algorithm{Text("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"), "File"},
			HyperParameters:        map[string]Value{"objective": Text("binary:logistic"), "num_round": Text("100"), "eval_metric": Text("logloss,auc")},
			InputDataConfig:        []Channel{channel("train"), channel("validation")},
			OutputDataConfig:       OutputData{S3OutputPath: Text("s3://td-bucket/models/")},
			ResourceConfig:         Resources{InstanceCount: Int(1), InstanceType: instance, VolumeSizeInGB: 10},
			StoppingCondition:      Stopping{MaxRuntimeInSeconds: 3600},
		}}
	register := &Step{Name: "Register", Arguments: &RegisterModel{
		ModelPackageGroupName: Text("td-models"), ModelApprovalStatus: approval,
		InferenceSpecification: InferenceSpecification{
			Containers:            []Container{{Image: Text("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"), ModelDataUrl: train.Artifact()}},
			SupportedContentTypes: []string{"text/csv", "text/libsvm"}, SupportedResponseMIMETypes: []string{"text/csv", "application/json"},
			SupportedRealtimeInferenceInstanceTypes: []string{"ml.m5.large"}, SupportedTransformInstanceTypes: []string{"ml.m5.large"},
		},
		CustomerMetadataProperties: map[string]Value{"featureSet": Text("flow-portable/1")},
	}}
	weak := &Step{Name: "TooWeak", Arguments: &Fail{Join(" ", Text("validation AUC below"), least)}}
	gate := &Step{Name: "CheckAUC", Arguments: &Condition{
		Conditions: []Test{AtLeast(train.Metric("validation:auc"), least)},
		IfSteps:    []*Step{register}, ElseSteps: []*Step{weak},
	}}
	return &Definition{Parameters: []*Parameter{input, instance, least, approval}, Steps: []*Step{prepare, train, gate}}
}

// The definition is, member for member, one written by hand.
func TestGolden(t *testing.T) {
	d := retrain()
	require.NoError(t, d.Validate(&Options{Triggered: true, Watched: "s3://td-bucket/new-data/"}))
	got, err := d.JSON()
	require.NoError(t, err)
	want, err := os.ReadFile("testdata/retrain.json")
	require.NoError(t, err)
	require.JSONEq(t, string(want), string(got))
	again, err := d.JSON()
	require.NoError(t, err)
	require.Equal(t, got, again)
	require.NotContains(t, string(got), "null")
}

// Each change of a good definition gives the faults that belong to it, and no others.
func TestFaults(t *testing.T) {
	text, err := retrain().JSON()
	require.NoError(t, err)
	for _, test := range []struct {
		name, old, new string
		kind           error
		want           string // "|" between faults
	}{
		{"unknown step", `Steps.Train.ModelArtifacts`, `Steps.Trian.ModelArtifacts`, ErrReference,
			`Steps[2].Arguments.IfSteps[0].Arguments.InferenceSpecification.Containers[0].ModelDataUrl: there is no step "Trian"`},
		{"unknown property", `Steps.Train.ModelArtifacts`, `Steps.Train.ModelArtefacts`, ErrReference,
			`Steps[2].Arguments.IfSteps[0].Arguments.InferenceSpecification.Containers[0].ModelDataUrl: step "Train" of type Training has no property ModelArtefacts`},
		{"unknown parameter", `"Get":"Parameters.Approval"`, `"Get":"Parameters.Aproval"`, ErrReference,
			`Steps[2].Arguments.IfSteps[0].Arguments.ModelApprovalStatus: there is no parameter "Aproval"`},
		{"unknown variable", `Execution.PipelineExecutionId"},"train"`, `Execution.Id"},"train"`, ErrReference,
			`Steps[0].Arguments.ProcessingOutputConfig.Outputs[0].S3Output.S3Uri.Std:Join.Values[1]: a run has no "Id"; it has PipelineExecutionId, PipelineExecutionArn, PipelineName, PipelineArn, StartDateTime, CurrentDateTime, TrainingJobName, ProcessingJobName`},
		{"unknown output", `Outputs['train']`, `Outputs['trian']`, ErrReference,
			`Steps[1].Arguments.InputDataConfig[0].DataSource.S3DataSource.S3Uri: step "Prepare" has no output "trian"`},
		{"unmeasured metric", `"logloss,auc"`, `"logloss"`, ErrReference,
			`Steps[2].Arguments.Conditions[0].LeftValue: step "Train" measures logloss and not auc`},
		{"no validation channel", `"ChannelName":"validation"`, `"ChannelName":"test"`, ErrReference,
			`Steps[2].Arguments.Conditions[0].LeftValue: step "Train" has no channel validation, so that it measures no validation:auc`},
		{"name of a step twice", `"Name":"TooWeak"`, `"Name":"Train"`, ErrName,
			`Steps[2].Arguments.ElseSteps[0].Name: "Train" is used twice; it is also Steps[1]`},
		{"name of a step", `"Name":"TooWeak"`, `"Name":"too weak"`, ErrName,
			`Steps[2].Arguments.ElseSteps[0].Name: "too weak": want 1 to 64 of A-Z a-z 0-9 - _`},
		{"name of a parameter twice", `"Name":"InstanceType"`, `"Name":"MinAUC"`, ErrName,
			`Parameters[2].Name: "MinAUC" is used twice|Steps[1].Arguments.ResourceConfig.InstanceType: there is no parameter "InstanceType"|` +
				`Steps[2].Arguments.Conditions[0]: compares a number with text|Steps[2].Arguments.Conditions[0]: GreaterThanOrEqualTo of text: want numbers`},
		{"no default", `,"DefaultValue":0.95`, ``, ErrParameter,
			`Parameters[2]: "MinAUC" has no default, and what starts the pipeline does not set it`},
		{"default of another type", `"DefaultValue":0.95`, `"DefaultValue":"0.95"`, ErrParameter,
			`Parameters[2].DefaultValue: "0.95" is not of the type Float`},
		{"default outside", `"DefaultValue":"PendingManualApproval"`, `"DefaultValue":"Pending"`, ErrParameter,
			`Parameters[3].DefaultValue: "Pending" is not among EnumValues`},
		{"cycle", `{"Name":"Prepare","Type":"Processing"`, `{"Name":"Prepare","Type":"Processing","DependsOn":["CheckAUC"]`, ErrCycle,
			`Steps[1]: steps wait for each other: Prepare → CheckAUC → Train → Prepare`},
		{"itself", `{"Name":"Prepare","Type":"Processing"`, `{"Name":"Prepare","Type":"Processing","DependsOn":["Prepare"]`, ErrCycle,
			`Steps[0]: steps wait for each other: Prepare → Prepare`},
		{"the other branch", `{"Name":"TooWeak","Type":"Fail"`, `{"Name":"TooWeak","Type":"Fail","DependsOn":["Register"]`, ErrReference,
			`Steps[2].Arguments.ElseSteps[0].DependsOn[0]: step "Register" is in the other branch of the same condition: it never ran before this one`},
		{"sets itself off", `"s3://td-bucket/runs"`, `"s3://td-bucket/new-data"`, ErrCycle,
			`Steps[0].Arguments.ProcessingOutputConfig.Outputs[0].S3Output.S3Uri: writes to s3://td-bucket/new-data/, where new objects start the pipeline (s3://td-bucket/new-data/)`},
		{"job name", `{"RoleArn":"arn:aws:iam::111122223333:role/td-training","AlgorithmSpecification"`,
			`{"TrainingJobName":"x","RoleArn":"arn:aws:iam::111122223333:role/td-training","AlgorithmSpecification"`, ErrSyntax,
			`Steps[1].Arguments.TrainingJobName: the service chooses it: leave it out`},
		{"missing member", `"OutputDataConfig":{"S3OutputPath":"s3://td-bucket/models/"},`, ``, ErrSyntax,
			`Steps[1].Arguments: OutputDataConfig is missing`},
		{"retry", `"MaxAttempts":3`, `"MaxAttempts":3,"ExpireAfterMin":9`, ErrSyntax,
			`Steps[1].RetryPolicies[0]: want MaxAttempts or ExpireAfterMin, exactly one of them`},
		{"retry what", `SageMaker.CAPACITY_ERROR`, `SageMaker.CAPACITY`, ErrSyntax,
			`Steps[1].RetryPolicies[0].ExceptionType[1]: "SageMaker.CAPACITY": want Step.SERVICE_FAULT, Step.THROTTLING, SageMaker.JOB_INTERNAL_ERROR, SageMaker.CAPACITY_ERROR, SageMaker.RESOURCE_LIMIT`},
		{"cache", `{"Name":"Train",`, `{"Name":"Train","CacheConfig":{"Enabled":true,"ExpireAfter":"30 days"},`, ErrSyntax,
			`Steps[1].CacheConfig.ExpireAfter: "30 days": want a duration such as P30D or PT6H`},
		{"type of a test", `"GreaterThanOrEqualTo"`, `"AtLeast"`, ErrSyntax,
			`Steps[2].Arguments.Conditions[0].Type: "AtLeast": want Equals, GreaterThan, GreaterThanOrEqualTo, LessThan, LessThanOrEqualTo, In, Not or Or`},
		{"a number and text", `"RightValue":{"Get":"Parameters.MinAUC"}`, `"RightValue":"0.95"`, ErrSyntax,
			`Steps[2].Arguments.Conditions[0]: compares a number with text|Steps[2].Arguments.Conditions[0]: GreaterThanOrEqualTo of text: want numbers`},
		{"hyperparameter", `"num_round":"100"`, `"num_round":100`, ErrSyntax,
			`Steps[1].Arguments.HyperParameters.num_round: 100: every value is text, "100"`},
		{"long argument", `"prepare"`, `"` + strings.Repeat("x", 257) + `"`, ErrLimit,
			`Steps[0].Arguments.AppSpecification.ContainerArguments[0]: 257 bytes: the service takes 256`},
		{"version", `"2020-12-01"`, `"2021"`, ErrSyntax, `Version: "2021": want "2020-12-01"`},
		{"type of a step", `"Type":"Fail"`, `"Type":"Failure"`, ErrSyntax,
			`Steps[2].Arguments.ElseSteps[0].Type: "Failure": want Training, Processing, Transform, Tuning, Model, RegisterModel, Condition, Fail, Lambda, Callback, AutoML, EMR, EMRServerless, QualityCheck or ClarifyCheck`},
		{"function", `"Std:Join":{"On":" "`, `"Std:Jion":{"On":" "`, ErrSyntax, `Steps[2].Arguments.ElseSteps[0].Arguments.ErrorMessage.Std:Jion: no such function; there are Std:Join and Std:JsonGet`},
		{"member twice", `"Metadata":{}`, `"Metadata":{},"Metadata":{}`, ErrSyntax, `byte 48: member "Metadata" twice`},
		{"unknown member", `"Metadata":{}`, `"Meta":{}`, ErrSyntax, `Meta: no such member; there are Version, Metadata, Parameters, PipelineExperimentConfig, MlflowConfig, Steps`},
		{"cut", `"Get":"Parameters.Approval"`, `"Get`, ErrSyntax, `invalid character 'I' after object key`},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.Contains(t, string(text), test.old, "the change changes something")
			changed := strings.Replace(string(text), test.old, test.new, 1)
			err := Check([]byte(changed), &Options{Triggered: true, Watched: "s3://td-bucket/new-data/"})
			var errs Errors
			require.ErrorAs(t, err, &errs)
			require.ErrorIs(t, err, test.kind)
			var got []string
			for _, e := range errs {
				got = append(got, e.Error())
			}
			require.Equal(t, test.want, strings.Join(got, "|"))
		})
	}
}

// What nobody sets needs no default when people start the pipeline, or when the trigger sets it.
func TestDefaults(t *testing.T) {
	d := retrain()
	key := &Parameter{Name: "TriggerKey", Type: String}
	d.Parameters = append(d.Parameters, key)
	require.NoError(t, d.Validate(nil))
	require.ErrorIs(t, d.Validate(&Options{Triggered: true}), ErrParameter)
	require.NoError(t, d.Validate(&Options{Triggered: true, Sets: []string{"TriggerKey"}}))
	require.EqualError(t, d.Validate(&Options{Triggered: true, Sets: []string{"TriggerKey", "TriggerBucket"}}),
		`Parameters: the trigger sets "TriggerBucket", which is no parameter`)
}

func TestPropertyFiles(t *testing.T) {
	d := retrain()
	prepare, gate := d.Steps[0], d.Steps[2]
	prepare.PropertyFiles = []PropertyFile{{"Report", "train", "report.json"}}
	gate.Arguments.(*Condition).Conditions = append(gate.Arguments.(*Condition).Conditions, Not(Any(Below(prepare.JSON("Report", "rows"), Int(100)), In(Text("a"), Text("b")))))
	require.NoError(t, d.Validate(nil))
	prepare.PropertyFiles[0].OutputName = "reports"
	require.EqualError(t, d.Validate(nil), `Steps[0].PropertyFiles[0].OutputName: the step has no output "reports"`)
	prepare.PropertyFiles = nil
	require.EqualError(t, d.Validate(nil), `Steps[2].Arguments.Conditions[1].Condition.Conditions[0].LeftValue.Std:JsonGet.PropertyFile: step "Prepare" has no property file "Report"`)
}

func TestLimits(t *testing.T) {
	d := retrain()
	for len(d.Steps) < 60 {
		d.Steps = append(d.Steps, &Step{Name: "Lambda" + string(rune('A'+len(d.Steps)%26)) + strings.Repeat("x", len(d.Steps)/26), Arguments: &Other{"Lambda", map[string]string{"a": "b"}}})
	}
	require.EqualError(t, d.Validate(nil), "Steps: 62 steps: the service takes 50")
	require.ErrorIs(t, Check(make([]byte, MaxBytes+1), nil), ErrLimit)
	require.ErrorIs(t, Check([]byte(strings.Repeat("[", 10000)), nil), ErrSyntax)
	require.EqualError(t, (&Definition{}).Validate(nil), "Steps: want a step")
}

// All faults come at once, and the sentinels of all are found.
func TestAllFaults(t *testing.T) {
	d := retrain()
	d.Parameters[2].Default = nil
	d.Steps[1].DependsOn = []string{"Nobody"}
	err := d.Validate(&Options{Triggered: true})
	require.ErrorIs(t, err, ErrParameter)
	require.ErrorIs(t, err, ErrReference)
	require.EqualError(t, err, `2 faults; Parameters[2]: "MinAUC" has no default, and what starts the pipeline does not set it; Steps[1].DependsOn[0]: there is no step "Nobody"`)
}

// Whatever a definition is, Check says where it is wrong or that it is not, and what it accepts is JSON.
func FuzzCheck(f *testing.F) {
	text, err := retrain().JSON()
	require.NoError(f, err)
	f.Add(text)
	f.Add([]byte(`{"Version":"2020-12-01","Steps":[{"Name":"A","Type":"Condition","Arguments":{"Conditions":[{"Type":"Or","Conditions":[]}],"IfSteps":[{"Name":"A"}],"ElseSteps":7}}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		err := Check(b, &Options{Triggered: true, Watched: "s3://td-bucket/new-data/"})
		if err == nil {
			require.True(t, json.Valid(b))
			return
		}
		var errs Errors
		require.ErrorAs(t, err, &errs)
		require.NotEmpty(t, errs)
		for _, e := range errs {
			require.NotNil(t, e.Kind)
			require.NotEmpty(t, e.Text)
		}
	})
}
