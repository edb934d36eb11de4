package awsfake

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// packages of the model registry: group/version.
var _ = register("sagemaker", map[string]handler{
	"CreateModelPackageGroup": func(s *Server, c *call) (doc, *apiError) {
		t, err := s.createGroup(c.in, c.region)
		if err != nil {
			return nil, err
		}
		return doc{"ModelPackageGroupArn": t.arn}, nil
	},
	"DescribeModelPackageGroup": func(s *Server, c *call) (doc, *apiError) {
		t, err := s.packageGroup(str(c.in, "ModelPackageGroupName"))
		if err != nil {
			return nil, err
		}
		return with(doc{"ModelPackageGroupName": t.name, "ModelPackageGroupArn": t.arn, "CreationTime": t.created, "CreatedBy": doc{}, "ModelPackageGroupStatus": "Completed"},
			"ModelPackageGroupDescription", str(t.in, "ModelPackageGroupDescription")), nil
	},
	"DeleteModelPackageGroup": func(s *Server, c *call) (doc, *apiError) {
		t, err := s.packageGroup(str(c.in, "ModelPackageGroupName"))
		if err != nil {
			return nil, err
		}
		for _, p := range s.all("model-package") {
			if str(p.in, "ModelPackageGroupName") == t.name {
				return nil, errorf("ConflictException", "Model Package Group cannot be deleted because it still has Model Packages.")
			}
		}
		s.remove(t)
		return nil, nil
	},
	"ListModelPackageGroups": func(s *Server, c *call) (doc, *apiError) {
		some, next, err := s.found(c, "model-package-group", nil)
		out := []any{}
		for _, t := range some {
			out = append(out, doc{"ModelPackageGroupName": t.name, "ModelPackageGroupArn": t.arn, "CreationTime": t.created, "ModelPackageGroupStatus": "Completed"})
		}
		return with(doc{"ModelPackageGroupSummaryList": out}, "NextToken", next), err
	},
	"CreateModelPackage": func(s *Server, c *call) (doc, *apiError) {
		t, err := s.createPackage(c.in, c.region)
		if err != nil {
			return nil, err
		}
		return doc{"ModelPackageArn": t.arn}, nil
	},
	"DescribeModelPackage": func(s *Server, c *call) (doc, *apiError) {
		t, err := s.modelPackage(str(c.in, "ModelPackageName"))
		if err != nil {
			return nil, err
		}
		out := pick(t.in, "ModelPackageGroupName", "ModelPackageDescription", "InferenceSpecification", "MetadataProperties", "ModelMetrics", "CustomerMetadataProperties", "Domain", "Task", "SamplePayloadUrl")
		return with(out, "ModelPackageName", t.name, "ModelPackageArn", t.arn, "ModelPackageVersion", t.out["version"], "CreationTime", t.created, "LastModifiedTime", t.modified,
			"ModelPackageStatus", "Completed", "ModelPackageStatusDetails", doc{"ValidationStatuses": []any{}, "ImageScanStatuses": []any{}},
			"ModelApprovalStatus", t.out["approval"], "ApprovalDescription", str(t.out, "description")), nil
	},
	"UpdateModelPackage": func(s *Server, c *call) (doc, *apiError) {
		t, err := s.modelPackage(str(c.in, "ModelPackageArn"))
		if err != nil {
			return nil, err
		}
		if status := str(c.in, "ModelApprovalStatus"); status != "" {
			t.out["approval"] = status
			t.out["description"] = str(c.in, "ApprovalDescription")
		}
		if m := sub(c.in, "CustomerMetadataProperties"); m != nil {
			t.in = without(t.in)
			t.in["CustomerMetadataProperties"] = m
		}
		t.modified = s.clock.now()
		s.packageEvent(t, c.region)
		return doc{"ModelPackageArn": t.arn}, nil
	},
	"DeleteModelPackage": func(s *Server, c *call) (doc, *apiError) {
		t, err := s.modelPackage(str(c.in, "ModelPackageName"))
		if err != nil {
			return nil, err
		}
		s.remove(t)
		return nil, nil
	},
	"ListModelPackages": func(s *Server, c *call) (doc, *apiError) {
		group := last(str(c.in, "ModelPackageGroupName"))
		if group != "" {
			if _, err := s.packageGroup(group); err != nil {
				return nil, err
			}
		}
		var all []*thing
		for _, t := range s.all("model-package") {
			if group != "" && str(t.in, "ModelPackageGroupName") != group {
				continue
			}
			if want := str(c.in, "ModelApprovalStatus"); want != "" && t.out["approval"] != want {
				continue
			}
			all = append(all, t)
		}
		sort.SliceStable(all, func(i, j int) bool {
			a, b := all[i], all[j]
			if !a.created.Equal(b.created) {
				return a.created.Before(b.created)
			}
			return num(a.out, "version") < num(b.out, "version")
		})
		if str(c.in, "SortOrder") != "Ascending" {
			for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
				all[i], all[j] = all[j], all[i]
			}
		}
		some, next, err := page(c.in, all, 10)
		out := []any{}
		for _, t := range some {
			out = append(out, doc{"ModelPackageName": t.name, "ModelPackageGroupName": str(t.in, "ModelPackageGroupName"), "ModelPackageVersion": t.out["version"], "ModelPackageArn": t.arn,
				"CreationTime": t.created, "ModelPackageStatus": "Completed", "ModelApprovalStatus": t.out["approval"]})
		}
		return with(doc{"ModelPackageSummaryList": out}, "NextToken", next), err
	},
})

func (s *Server) createGroup(in doc, region string) (*thing, *apiError) {
	name := str(in, "ModelPackageGroupName")
	if s.thing("model-package-group", name) != nil {
		return nil, invalid("Model Package Group already exists: %s", arn("sagemaker", region, "model-package-group/"+name))
	}
	t := s.add(&thing{kind: "model-package-group", name: name, arn: arn("sagemaker", region, "model-package-group/"+name), in: in})
	s.tag(t.arn, docs(in, "Tags"))
	return t, nil
}

func (s *Server) packageGroup(name string) (*thing, *apiError) {
	t := s.thing("model-package-group", last(name))
	if t == nil {
		return nil, invalid("ModelPackageGroup %s does not exist.", name)
	}
	return t, nil
}

func (s *Server) modelPackage(address string) (*thing, *apiError) {
	name := address
	if _, after, ok := strings.Cut(address, ":model-package/"); ok {
		name = after
	}
	t := s.thing("model-package", name)
	if t == nil {
		return nil, invalid("ModelPackage %s does not exist.", address)
	}
	return t, nil
}

// createPackage registers a version: its artifact has to be there, its image one that exists.
func (s *Server) createPackage(in doc, region string) (*thing, *apiError) {
	group := last(str(in, "ModelPackageGroupName"))
	if group == "" {
		return nil, invalid("awsfake keeps versioned packages only: ModelPackageGroupName is missing.")
	}
	g, err := s.packageGroup(group)
	if err != nil {
		return nil, err
	}
	if token := str(in, "ClientToken"); token != "" {
		if arn, ok := s.tokens["package "+token]; ok {
			return s.modelPackage(arn)
		}
	}
	containers := docs(in, "InferenceSpecification", "Containers")
	for _, k := range containers {
		if _, err := parseImage(str(k, "Image"), region); err != nil {
			return nil, err
		}
		if err := s.checkArtifact(firstOf(doc{"a": str(k, "ModelDataUrl"), "b": str(k, "ModelDataSource", "S3DataSource", "S3Uri")}, "a", "b")); err != nil {
			return nil, err
		}
	}
	version := num(g.out, "versions") + 1
	g.out["versions"] = version
	in = without(in)
	in["ModelPackageGroupName"] = group
	name := group + "/" + strconv.FormatInt(version, 10)
	approval := str(in, "ModelApprovalStatus")
	if approval == "" {
		approval = "PendingManualApproval"
	}
	t := s.add(&thing{kind: "model-package", name: name, arn: arn("sagemaker", region, "model-package/"+name), in: in, out: doc{"version": version, "approval": approval}})
	s.tag(t.arn, docs(in, "Tags"))
	if token := str(in, "ClientToken"); token != "" {
		s.tokens["package "+token] = t.arn
	}
	s.packageEvent(t, region)
	return t, nil
}

// checkArtifact tells whether model data is where it is said to be.
func (s *Server) checkArtifact(uri string) *apiError {
	bucket, key, err := splitS3(uri)
	if err != nil {
		return invalid("Could not find model data at %s.", uri)
	}
	if s.hasObject(bucket, key) {
		return nil
	}
	return invalid("Could not find model data at %s.", uri)
}

// hasObject asks S3 with the server's lock held.
func (s *Server) hasObject(bucket, key string) bool {
	o, err := s.backend.HeadObject(bucket, key)
	if err != nil || o == nil {
		return false
	}
	o.Contents.Close()
	return !o.IsDeleteMarker
}

// packageEvent tells the bus of a package's state. The lock is held.
func (s *Server) packageEvent(t *thing, region string) {
	s.emit(region, busEvent{source: "aws.sagemaker", detailType: "SageMaker Model Package State Change", resources: []string{t.arn}, detail: doc{
		"ModelPackageName": t.name, "ModelPackageGroupName": str(t.in, "ModelPackageGroupName"), "ModelPackageArn": t.arn, "ModelPackageVersion": t.out["version"],
		"ModelPackageStatus": "Completed", "ModelApprovalStatus": t.out["approval"], "CreationTime": fmt.Sprint(t.created.UnixMilli())}})
}
