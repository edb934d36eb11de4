package awsfake

import (
	"regexp"
	"strings"
)

// matchAny tells whether one of the patterns, with * and ?, is the text; fold ignores case, as actions do.
func matchAny(patterns []string, text string, fold bool) bool {
	for _, p := range patterns {
		q := strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(regexp.QuoteMeta(p))
		if fold {
			q = "(?i)" + q
		}
		if ok, _ := regexp.MatchString("^(?s:"+q+")$", text); ok {
			return true
		}
	}
	return false
}

// allows evaluates a role's policies for one action: a Deny wins, an Allow is needed. Context holds what conditions ask for;
// a condition whose key is absent does not hold.
func (r *role) allows(action, resource string, context map[string]string) bool {
	allowed := false
	for a := range r.attached {
		// Managed policies of AWS that the origin used; what others say is not known here.
		switch last(a) {
		case "AmazonSageMakerFullAccess", "AmazonS3FullAccess", "AdministratorAccess":
			allowed = true
		}
	}
	for _, document := range r.inline {
		statements, err := parsePolicy(document, false)
		if err != nil {
			continue
		}
		for _, st := range statements {
			if !matchAny(st.actions, action, true) || !matchAny(st.resources, resource, false) || !st.holds(context) {
				continue
			}
			if st.effect == "Deny" {
				return false
			}
			allowed = true
		}
	}
	return allowed
}

func (st statement) holds(context map[string]string) bool {
	for op, keys := range st.conditions {
		for key, values := range keys {
			got, ok := context[key]
			switch op {
			case "StringEquals", "ArnEquals", "Bool":
				equal := false
				for _, v := range values {
					equal = equal || v == got
				}
				if !ok || !equal {
					return false
				}
			case "StringLike", "ArnLike":
				if !ok || !matchAny(values, got, false) {
					return false
				}
			default:
				return false // an operator that is not known here allows nothing
			}
		}
	}
	return true
}

// may tells what a role lacks, as an error of the service; of roles that were not made here nothing is known.
func (s *Server) may(address, action, resource string, context map[string]string) *apiError {
	m := roleARN.FindStringSubmatch(address)
	if m == nil {
		return nil
	}
	t := s.thing("role", m[4])
	if t == nil || t.data.(*role).allows(action, resource, context) {
		return nil
	}
	e := errorf("AccessDeniedException", "User: %s is not authorized to perform: %s on resource: %s because no identity-based policy allows the %s action", address, action, resource, action)
	return e
}

// checkAccess holds the policies of a job's role against the data and output of the job.
func (s *Server) checkAccess(in doc, region string) *apiError {
	address, p := str(in, "RoleArn"), partition(region)
	for _, ch := range docs(in, "InputDataConfig") {
		if err := s.mayRead(address, ch, p); err != nil {
			return err
		}
	}
	if _, bucket, prefix, ok := checkpoints(in); ok {
		for _, action := range []string{"s3:PutObject", "s3:GetObject"} {
			if err := s.may(address, action, "arn:"+p+":s3:::"+bucket+"/"+prefix+"x", nil); err != nil {
				return denied(err)
			}
		}
	}
	bucket, key, err := splitS3(str(in, "OutputDataConfig", "S3OutputPath"))
	if err != nil {
		return nil
	}
	key = strings.TrimSuffix(key, "/") + "/" + str(in, "TrainingJobName") + "/output/model.tar.gz"
	return denied(s.may(address, "s3:PutObject", "arn:"+p+":s3:::"+bucket+"/"+strings.TrimPrefix(key, "/"), nil))
}

func (s *Server) mayRead(address string, channel doc, partition string) *apiError {
	objects, err := s.inputObjects(channel)
	if err != nil {
		return nil
	}
	source := sub(channel, "DataSource", "S3DataSource")
	if source == nil {
		source = channel
	}
	bucket, prefix, _ := splitS3(str(source, "S3Uri"))
	if str(source, "S3DataType") != "ManifestFile" {
		if err := s.may(address, "s3:ListBucket", "arn:"+partition+":s3:::"+bucket, map[string]string{"s3:prefix": prefix}); err != nil {
			return denied(err)
		}
	}
	for _, o := range objects {
		if err := s.may(address, "s3:GetObject", "arn:"+partition+":s3:::"+o.bucket+"/"+o.key, nil); err != nil {
			return denied(err)
		}
	}
	return nil
}

// denied is how SageMaker tells that the role of a job may not do something.
func denied(e *apiError) *apiError {
	if e == nil {
		return nil
	}
	return invalid("%s", e.Message)
}
