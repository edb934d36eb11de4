package train

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// cleanupRoles removes the roles that were made for the stack.
func (a *AWS) cleanupRoles() []cleanupStep {
	s := a.stack
	var steps []cleanupStep
	for _, role := range []struct{ kind, arn string }{{RoleTraining, s.Roles.Training}, {RolePipeline, s.Roles.Pipeline}, {RoleEvents, s.Roles.Events},
		{RoleLambda, s.Roles.Lambda}, {RoleScheduler, s.Roles.Scheduler}} {
		if role.arn != CreateRole {
			continue
		}
		name := s.Resource(role.kind)
		steps = append(steps, cleanupStep{kind: "role", assume: []string{name},
			find: only(name, func(ctx context.Context) error {
				out, err := a.IAM().GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
				if err == nil && out.Role != nil && aws.ToString(out.Role.Path) != RolePath {
					return fmt.Errorf("%w: role %s is at %s and not at %s: it is not the stack's", ErrExists, name, aws.ToString(out.Role.Path), RolePath)
				}
				return err
			}),
			remove: a.removeRole})
	}
	return steps
}

// removeRole first takes from the role whatever it may do, without which it cannot be deleted.
func (a *AWS) removeRole(ctx context.Context, name string) error {
	inline := &iam.ListRolePoliciesInput{RoleName: &name}
	for {
		out, err := a.IAM().ListRolePolicies(ctx, inline)
		if err != nil {
			return err
		}
		for _, policy := range out.PolicyNames {
			if _, err := a.IAM().DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &name, PolicyName: &policy}); err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
		}
		if !out.IsTruncated {
			break
		}
		inline.Marker = out.Marker
	}
	attached := &iam.ListAttachedRolePoliciesInput{RoleName: &name}
	for {
		out, err := a.IAM().ListAttachedRolePolicies(ctx, attached)
		if err != nil {
			return err
		}
		for _, policy := range out.AttachedPolicies {
			if _, err := a.IAM().DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: &name, PolicyArn: policy.PolicyArn}); err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
		}
		if !out.IsTruncated {
			break
		}
		attached.Marker = out.Marker
	}
	_, err := a.IAM().DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &name})
	return err
}
