package awsfake

import (
	"fmt"
	"strings"
)

// scalable holds a target's id against the endpoint that it names: endpoint/NAME/variant/NAME.
func (s *Server) scalable(in doc) *apiError {
	if str(in, "ServiceNamespace") != "sagemaker" {
		return errorf("ValidationException", "awsfake scales sagemaker only, not %s", str(in, "ServiceNamespace"))
	}
	if str(in, "ScalableDimension") != "sagemaker:variant:DesiredInstanceCount" && str(in, "ScalableDimension") != "sagemaker:variant:DesiredProvisionedConcurrency" {
		return errorf("ValidationException", "Unsupported service namespace, resource type or scalable dimension")
	}
	parts := strings.Split(str(in, "ResourceId"), "/")
	if len(parts) != 4 || parts[0] != "endpoint" || parts[2] != "variant" {
		return errorf("ValidationException", "ResourceId %q: want endpoint/NAME/variant/NAME", str(in, "ResourceId"))
	}
	t := s.thing("endpoint", parts[1])
	if t == nil {
		return errorf("ValidationException", "SageMaker endpoint doesn't exist: %s", parts[1])
	}
	for _, v := range t.data.(*endpoint).variants {
		if v["VariantName"] == parts[3] {
			return nil
		}
	}
	return errorf("ValidationException", "SageMaker endpoint %s is not in service with a variant %s", parts[1], parts[3])
}

func targetKey(in doc) string { return str(in, "ResourceId") + " " + str(in, "ScalableDimension") }

var _ = register("application-autoscaling", map[string]handler{
	"RegisterScalableTarget": func(s *Server, c *call) (doc, *apiError) {
		if err := s.scalable(c.in); err != nil {
			return nil, err
		}
		t := s.thing("scalable-target", targetKey(c.in))
		if t == nil {
			if c.in["MinCapacity"] == nil || c.in["MaxCapacity"] == nil {
				return nil, errorf("ValidationException", "MinCapacity and MaxCapacity must be given for a new target")
			}
			t = s.add(&thing{kind: "scalable-target", name: targetKey(c.in), arn: arn("application-autoscaling", c.region, fmt.Sprintf("scalable-target/%x", targetKey(c.in)))})
		}
		if num(c.in, "MinCapacity") > num(c.in, "MaxCapacity") {
			return nil, errorf("ValidationException", "Maximum capacity cannot be less than minimum capacity")
		}
		t.in = c.in
		return doc{"ScalableTargetARN": t.arn}, nil
	},
	"DeregisterScalableTarget": func(s *Server, c *call) (doc, *apiError) {
		t := s.thing("scalable-target", targetKey(c.in))
		if t == nil {
			return nil, errorf("ObjectNotFoundException", "No scalable target found for service namespace: sagemaker, resource ID: %s", str(c.in, "ResourceId"))
		}
		for _, p := range s.all("scaling-policy") {
			if targetKey(p.in) == t.name {
				s.remove(p)
			}
		}
		s.remove(t)
		return doc{}, nil
	},
	"DescribeScalableTargets": func(s *Server, c *call) (doc, *apiError) {
		out := []any{}
		for _, t := range s.all("scalable-target") {
			if ids := strs(c.in, "ResourceIds"); len(ids) > 0 && !strings.Contains("\n"+strings.Join(ids, "\n")+"\n", "\n"+str(t.in, "ResourceId")+"\n") {
				continue
			}
			out = append(out, with(pick(t.in, "ServiceNamespace", "ResourceId", "ScalableDimension", "MinCapacity", "MaxCapacity", "SuspendedState"), "CreationTime", t.created, "ScalableTargetARN", t.arn,
				"RoleARN", "arn:aws:iam::"+Account+":role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"))
		}
		return doc{"ScalableTargets": out}, nil
	},
	"PutScalingPolicy": func(s *Server, c *call) (doc, *apiError) {
		if s.thing("scalable-target", targetKey(c.in)) == nil {
			return nil, errorf("ObjectNotFoundException", "No scalable target registered for service namespace: sagemaker, resource ID: %s", str(c.in, "ResourceId"))
		}
		if kind := str(c.in, "PolicyType"); kind == "TargetTrackingScaling" && sub(c.in, "TargetTrackingScalingPolicyConfiguration") == nil {
			return nil, errorf("ValidationException", "TargetTrackingScalingPolicyConfiguration must be given")
		}
		name := str(c.in, "PolicyName")
		key := targetKey(c.in) + " " + name
		t := s.thing("scaling-policy", key)
		if t == nil {
			t = s.add(&thing{kind: "scaling-policy", name: key, arn: arn("autoscaling", c.region, "scalingPolicy:00000000-0000-0000-0000-000000000000:resource/sagemaker/"+str(c.in, "ResourceId")+":policyName/"+name)})
		}
		t.in = c.in
		return doc{"PolicyARN": t.arn, "Alarms": []any{}}, nil
	},
	"DescribeScalingPolicies": func(s *Server, c *call) (doc, *apiError) {
		out := []any{}
		for _, t := range s.all("scaling-policy") {
			if id := str(c.in, "ResourceId"); id == "" || id == str(t.in, "ResourceId") {
				out = append(out, with(without(t.in), "PolicyARN", t.arn, "CreationTime", t.created))
			}
		}
		return doc{"ScalingPolicies": out}, nil
	},
	"DeleteScalingPolicy": func(s *Server, c *call) (doc, *apiError) {
		t := s.thing("scaling-policy", targetKey(c.in)+" "+str(c.in, "PolicyName"))
		if t == nil {
			return nil, errorf("ObjectNotFoundException", "No scaling policy found")
		}
		s.remove(t)
		return doc{}, nil
	},
})
