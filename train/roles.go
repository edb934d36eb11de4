package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// CreateRoles makes the roles that the stack wants made, with the least rights that do, or brings them up to date. It is for those who do without deploy, which
// makes them too. It returns their names.
func (a *AWS) CreateRoles(ctx context.Context) (names []string, err error) {
	account, err := a.Account(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range a.stack.Policies(account) {
		if p.Role == "" || a.stack.RoleARN(p.Kind, account) != (site{a.stack.Partition(), a.stack.Region, account}).role(p.Role) {
			continue
		}
		if err := a.createRole(ctx, &p); err != nil {
			return names, err
		}
		names = append(names, p.Role)
	}
	return names, nil
}

func (a *AWS) createRole(ctx context.Context, p *Permissions) error {
	trust, err := json.Marshal(p.Trust)
	if err != nil {
		return err
	}
	policy, err := json.Marshal(p.Policy)
	if err != nil {
		return err
	}
	in := &iam.CreateRoleInput{RoleName: &p.Role, Path: aws.String(RolePath), AssumeRolePolicyDocument: aws.String(string(trust)),
		Description: aws.String(fmt.Sprintf("threatdetect %s: %s", a.stack.Name, p.Kind))}
	tags := a.stack.AllTags()
	for k, v := range tags {
		in.Tags = append(in.Tags, types.Tag{Key: aws.String(k), Value: aws.String(v)})
	}
	slices.SortFunc(in.Tags, func(a, b types.Tag) int {
		if *a.Key < *b.Key {
			return -1
		}
		return 1
	})
	switch _, err := a.IAM().CreateRole(ctx, in); {
	case errors.Is(err, ErrExists):
		if _, err := a.IAM().UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: &p.Role, PolicyDocument: in.AssumeRolePolicyDocument}); err != nil {
			return err
		}
	case err != nil:
		return err
	}
	_, err = a.IAM().PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &p.Role, PolicyName: &p.Kind, PolicyDocument: aws.String(string(policy))})
	return err
}
