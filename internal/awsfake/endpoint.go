package awsfake

import (
	"net/http"
	"os"
	"path/filepath"
	"time"

	"threatdetect/inference/rows"
	"threatdetect/inference/serve"
)

// endpoint is what a real-time endpoint runs.
type endpoint struct {
	status, failure string
	config, pending string
	life            int
	handlers        map[string]http.Handler // by variant
	variants        []doc
	calls           int64
}

var _ = register("sagemaker", map[string]handler{
	"CreateModel": func(s *Server, c *call) (doc, *apiError) {
		name := str(c.in, "ModelName")
		if t := s.thing("model", name); t != nil {
			return nil, invalid("Cannot create already existing model %q.", t.arn)
		}
		containers := docs(c.in, "Containers")
		if p := sub(c.in, "PrimaryContainer"); p != nil {
			containers = append(containers, p)
		}
		if len(containers) == 0 {
			return nil, invalid("PrimaryContainer or Containers must be given.")
		}
		for _, k := range containers {
			if _, err := parseImage(str(k, "Image"), c.region); err != nil {
				return nil, err
			}
			if uri := modelData(k); uri != "" {
				if err := s.checkArtifact(uri); err != nil {
					return nil, err
				}
			}
		}
		if role := str(c.in, "ExecutionRoleArn"); role != "" {
			if err := s.checkRole(role, "sagemaker.amazonaws.com", c.region); err != nil {
				return nil, err
			}
		}
		t := s.add(&thing{kind: "model", name: name, arn: arn("sagemaker", c.region, "model/"+name), in: c.in})
		s.tag(t.arn, docs(c.in, "Tags"))
		return doc{"ModelArn": t.arn}, nil
	},
	"DescribeModel": func(s *Server, c *call) (doc, *apiError) {
		t, err := s.mustHave("model", str(c.in, "ModelName"))
		if err != nil {
			return nil, err
		}
		return with(pick(t.in, "ModelName", "PrimaryContainer", "Containers", "ExecutionRoleArn", "VpcConfig", "EnableNetworkIsolation"), "ModelArn", t.arn, "CreationTime", t.created), nil
	},
	"DeleteModel": func(s *Server, c *call) (doc, *apiError) {
		t, err := s.mustHave("model", str(c.in, "ModelName"))
		if err != nil {
			return nil, err
		}
		s.remove(t)
		return nil, nil
	},
	"ListModels": func(s *Server, c *call) (doc, *apiError) {
		some, next, err := s.found(c, "model", nil)
		out := []any{}
		for _, t := range some {
			out = append(out, doc{"ModelName": t.name, "ModelArn": t.arn, "CreationTime": t.created})
		}
		return with(doc{"Models": out}, "NextToken", next), err
	},
	"CreateEndpointConfig": func(s *Server, c *call) (doc, *apiError) {
		name := str(c.in, "EndpointConfigName")
		if t := s.thing("endpoint-config", name); t != nil {
			return nil, invalid("Cannot create already existing endpoint configuration %q.", t.arn)
		}
		for _, v := range append(docs(c.in, "ProductionVariants"), docs(c.in, "ShadowProductionVariants")...) {
			if _, err := s.mustHave("model", str(v, "ModelName")); err != nil {
				return nil, err
			}
			if err := checkVariant(v); err != nil {
				return nil, err
			}
		}
		t := s.add(&thing{kind: "endpoint-config", name: name, arn: arn("sagemaker", c.region, "endpoint-config/"+name), in: c.in})
		s.tag(t.arn, docs(c.in, "Tags"))
		return doc{"EndpointConfigArn": t.arn}, nil
	},
	"DescribeEndpointConfig": func(s *Server, c *call) (doc, *apiError) {
		t, err := s.mustHave("endpoint-config", str(c.in, "EndpointConfigName"))
		if err != nil {
			return nil, err
		}
		return with(pick(t.in, "EndpointConfigName", "ProductionVariants", "ShadowProductionVariants", "DataCaptureConfig", "KmsKeyId", "AsyncInferenceConfig"), "EndpointConfigArn", t.arn, "CreationTime", t.created), nil
	},
	"DeleteEndpointConfig": func(s *Server, c *call) (doc, *apiError) {
		t, err := s.mustHave("endpoint-config", str(c.in, "EndpointConfigName"))
		if err != nil {
			return nil, err
		}
		s.remove(t)
		return nil, nil
	},
	"ListEndpointConfigs": func(s *Server, c *call) (doc, *apiError) {
		some, next, err := s.found(c, "endpoint-config", nil)
		out := []any{}
		for _, t := range some {
			out = append(out, doc{"EndpointConfigName": t.name, "EndpointConfigArn": t.arn, "CreationTime": t.created})
		}
		return with(doc{"EndpointConfigs": out}, "NextToken", next), err
	},
	"CreateEndpoint": func(s *Server, c *call) (doc, *apiError) {
		name := str(c.in, "EndpointName")
		if t := s.thing("endpoint", name); t != nil {
			return nil, invalid("Cannot create already existing endpoint %q.", t.arn)
		}
		if _, err := s.mustHave("endpoint-config", str(c.in, "EndpointConfigName")); err != nil {
			return nil, err
		}
		t := s.add(&thing{kind: "endpoint", name: name, arn: arn("sagemaker", c.region, "endpoint/"+name), in: c.in, data: &endpoint{status: "Creating"}})
		s.tag(t.arn, docs(c.in, "Tags"))
		s.deployEndpoint(t, str(c.in, "EndpointConfigName"), "Failed")
		return doc{"EndpointArn": t.arn}, nil
	},
	"UpdateEndpoint": func(s *Server, c *call) (doc, *apiError) {
		t, err := s.mustHave("endpoint", str(c.in, "EndpointName"))
		if err != nil {
			return nil, err
		}
		e := t.data.(*endpoint)
		if e.status != "InService" {
			return nil, invalid("Cannot update in-progress endpoint %q.", t.arn)
		}
		if _, err := s.mustHave("endpoint-config", str(c.in, "EndpointConfigName")); err != nil {
			return nil, err
		}
		if str(c.in, "EndpointConfigName") == e.config {
			return nil, invalid("Cannot update endpoint %q with the same endpoint configuration.", t.arn)
		}
		e.status, t.modified = "Updating", s.clock.now()
		s.deployEndpoint(t, str(c.in, "EndpointConfigName"), "InService")
		return doc{"EndpointArn": t.arn}, nil
	},
	"UpdateEndpointWeightsAndCapacities": func(s *Server, c *call) (doc, *apiError) {
		t, err := s.mustHave("endpoint", str(c.in, "EndpointName"))
		if err != nil {
			return nil, err
		}
		for _, d := range docs(c.in, "DesiredWeightsAndCapacities") {
			for _, v := range t.data.(*endpoint).variants {
				if v["VariantName"] == d["VariantName"] {
					with(v, "DesiredInstanceCount", d["DesiredInstanceCount"], "CurrentInstanceCount", d["DesiredInstanceCount"], "DesiredWeight", d["DesiredWeight"], "CurrentWeight", d["DesiredWeight"])
				}
			}
		}
		return doc{"EndpointArn": t.arn}, nil
	},
	"DescribeEndpoint": func(s *Server, c *call) (doc, *apiError) {
		t := s.thing("endpoint", str(c.in, "EndpointName"))
		if t == nil {
			return nil, invalid("Could not find endpoint %q.", arn("sagemaker", c.region, "endpoint/"+str(c.in, "EndpointName")))
		}
		e := t.data.(*endpoint)
		out := with(doc{"EndpointName": t.name, "EndpointArn": t.arn, "EndpointStatus": e.status, "CreationTime": t.created, "LastModifiedTime": t.modified},
			"EndpointConfigName", e.config, "FailureReason", e.failure)
		if len(e.variants) > 0 {
			out["ProductionVariants"] = anys(e.variants)
		}
		if e.status == "Creating" || e.status == "Updating" {
			out["PendingDeploymentSummary"] = doc{"EndpointConfigName": e.pending, "StartTime": t.modified}
		}
		return out, nil
	},
	"DeleteEndpoint": func(s *Server, c *call) (doc, *apiError) {
		t := s.thing("endpoint", str(c.in, "EndpointName"))
		if t == nil {
			return nil, invalid("Could not find endpoint %q.", arn("sagemaker", c.region, "endpoint/"+str(c.in, "EndpointName")))
		}
		e := t.data.(*endpoint)
		if e.status == "Creating" || e.status == "Updating" {
			return nil, invalid("Cannot update in-progress endpoint %q.", t.arn)
		}
		e.status, e.handlers = "Deleting", nil
		s.clock.at(s.clock.now().Add(20*time.Second), func(time.Time) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.remove(t)
		})
		return nil, nil
	},
	"ListEndpoints": func(s *Server, c *call) (doc, *apiError) {
		some, next, err := s.found(c, "endpoint", func(t *thing) string { return t.data.(*endpoint).status })
		out := []any{}
		for _, t := range some {
			out = append(out, doc{"EndpointName": t.name, "EndpointArn": t.arn, "CreationTime": t.created, "LastModifiedTime": t.modified, "EndpointStatus": t.data.(*endpoint).status})
		}
		return with(doc{"Endpoints": out}, "NextToken", next), err
	},
	"ListNotebookInstances":    func(s *Server, c *call) (doc, *apiError) { return doc{"NotebookInstances": []any{}}, nil },
	"ListInferenceExperiments": func(s *Server, c *call) (doc, *apiError) { return doc{"InferenceExperiments": []any{}}, nil },
})

// mustHave is the thing, or SageMaker's words for that it is not there.
func (s *Server) mustHave(kind, name string) (*thing, *apiError) {
	if t := s.thing(kind, name); t != nil {
		return t, nil
	}
	return nil, invalid("Could not find %s %q.", map[string]string{"model": "model", "endpoint-config": "endpoint configuration", "endpoint": "endpoint"}[kind], arn("sagemaker", "us-east-1", kind+"/"+name))
}

func modelData(container doc) string {
	if uri := str(container, "ModelDataUrl"); uri != "" {
		return uri
	}
	return str(container, "ModelDataSource", "S3DataSource", "S3Uri")
}

func checkVariant(v doc) *apiError {
	serverless := sub(v, "ServerlessConfig")
	if serverless == nil {
		if str(v, "InstanceType") == "" || num(v, "InitialInstanceCount") == 0 {
			return invalid("Variant %s needs InstanceType and InitialInstanceCount, or a ServerlessConfig.", str(v, "VariantName"))
		}
		return nil
	}
	if str(v, "InstanceType") != "" || v["InitialInstanceCount"] != nil {
		return invalid("Variant %s: a serverless variant has neither InstanceType nor InitialInstanceCount.", str(v, "VariantName"))
	}
	if m := num(serverless, "MemorySizeInMB"); m < 1024 || m > 6144 || m%1024 != 0 {
		return invalid("Variant %s: MemorySizeInMB %d is none of 1024, 2048 … 6144.", str(v, "VariantName"), m)
	}
	return nil
}

// deployEndpoint starts the containers of a configuration; where one does not, status is what remains.
func (s *Server) deployEndpoint(t *thing, config, fallback string) {
	e := t.data.(*endpoint)
	e.life++
	e.pending = config
	life := e.life
	s.clock.at(s.clock.now().Add(4*time.Minute), func(at time.Time) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if e.life != life || e.status == "Deleting" {
			return
		}
		handlers, variants := map[string]http.Handler{}, []doc(nil)
		cfg := s.thing("endpoint-config", config)
		var failure string
		if cfg == nil {
			failure = "The endpoint configuration was deleted meanwhile."
		} else {
			for _, v := range docs(cfg.in, "ProductionVariants") {
				name := str(v, "VariantName")
				m := s.thing("model", str(v, "ModelName"))
				if m == nil {
					failure = "The model " + str(v, "ModelName") + " was deleted meanwhile."
					break
				}
				h, err := s.container(m)
				if err != nil {
					failure = "The primary container for production variant " + name + " did not pass the ping health check. Please check CloudWatch logs for this endpoint. (" + err.Error() + ")"
					break
				}
				handlers[name] = h
				variants = append(variants, with(doc{"VariantName": name}, "CurrentInstanceCount", v["InitialInstanceCount"], "DesiredInstanceCount", v["InitialInstanceCount"],
					"CurrentWeight", v["InitialVariantWeight"], "DesiredWeight", v["InitialVariantWeight"], "CurrentServerlessConfig", v["ServerlessConfig"]))
			}
		}
		t.modified = at
		if failure != "" {
			e.status, e.failure = fallback, failure
			return
		}
		e.status, e.failure, e.config, e.handlers, e.variants = "InService", "", config, handlers, variants
	})
}

// container is a model as its image would serve it: our own handler, which answers as the image does. The lock is held.
func (s *Server) container(m *thing) (http.Handler, error) {
	k := sub(m.in, "PrimaryContainer")
	if k == nil {
		k = docs(m.in, "Containers")[0]
	}
	im, apiErr := parseImage(str(k, "Image"), "us-east-1")
	if apiErr != nil {
		im = image{own: true} // of another region, and judged when the model was made
	}
	bucket, key, err := splitS3(modelData(k))
	if err != nil {
		return nil, err
	}
	body, err := s.getObject(bucket, key)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "awsfake-model-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "model.tar.gz")
	if err := os.WriteFile(path, body, 0o600); err != nil {
		return nil, err
	}
	env := sub(k, "Environment")
	version := im.version
	if v := str(env, "THREATDETECT_SAGEMAKER"); v != "" {
		version = v
	}
	if version == "" {
		version = "1.7-1"
	}
	known, err := rows.LookupImage(version)
	if err != nil {
		return nil, err
	}
	return serve.OpenContainer(path, serve.SettingsFromEnv(known, func(name string) (string, bool) {
		v, ok := env[name].(string)
		return v, ok
	}))
}
