package awsfake

import "time"

var _ = register("sts", map[string]handler{
	"GetCallerIdentity": func(s *Server, c *call) (doc, *apiError) {
		return doc{"Account": Account, "Arn": "arn:" + partition(c.region) + ":iam::" + Account + ":user/rehearsal", "UserId": "AIDAREHEARSALEXAMPLE0"}, nil
	},
	"AssumeRole": func(s *Server, c *call) (doc, *apiError) {
		if err := s.checkRole(str(c.in, "RoleArn"), "", c.region); err != nil {
			return nil, errorf("AccessDenied", "%s", err.Message)
		}
		return doc{"Credentials": doc{"AccessKeyId": "ASIAREHEARSALEXAMPLE", "SecretAccessKey": "rehearsal", "SessionToken": "rehearsal", "Expiration": s.clock.now().Add(time.Hour)},
			"AssumedRoleUser": doc{"AssumedRoleId": "AROAREHEARSALEXAMPLE:session", "Arn": str(c.in, "RoleArn")}}, nil
	},
})
