package train

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const someDefinition = `{"Version":"2020-12-01","Parameters":[],"Steps":[{"Name":"Train","Type":"Training","Arguments":{"RoleArn":"arn:aws:iam::${AWS::AccountId}:role/x"}}]}`

func TestTemplateGolden(t *testing.T) {
	plain, err := initStack(t).Template(someDefinition)
	require.NoError(t, err)
	golden(t, "template.yaml", plain)
	full, err := fullStack(t).Template(someDefinition)
	require.NoError(t, err)
	golden(t, "template-full.yaml", full)
	require.Less(t, len(full), maxTemplate)
	require.NotContains(t, string(full), "111122223333:role", "accounts are pseudo parameters")
}

func TestTemplateLeavesOutWhatIsThere(t *testing.T) {
	text, err := initStack(t).Template(someDefinition, logicalBucket, logicalModels)
	require.NoError(t, err)
	require.NotContains(t, string(text), "AWS::S3::Bucket")
	require.NotContains(t, string(text), "AWS::SageMaker::ModelPackageGroup")
	text, err = initStack(t, "pipeline: create", "pipeline: arn:aws:iam::111122223333:role/mine").Template("")
	require.NoError(t, err)
	require.NotContains(t, string(text), "PipelineRole")
	require.NotContains(t, string(text), "AWS::Events::Rule", "there is nothing that it could start")
}
