package awsfake

import (
	"bytes"
	"fmt"
	"net/http"
)

var _ = register("sagemaker-runtime", map[string]handler{
	"InvokeEndpoint": func(s *Server, c *call) (doc, *apiError) {
		name := str(c.in, "EndpointName")
		t := s.thing("endpoint", name)
		if t == nil {
			return nil, errorf("ValidationError", "Endpoint %s of account %s not found.", name, Account)
		}
		e := t.data.(*endpoint)
		if e.status != "InService" && e.status != "Updating" {
			return nil, errorf("ValidationError", "Endpoint %s of account %s not found in service: it is %s.", name, Account, e.status)
		}
		body, _ := c.in["Body"].([]byte)
		if len(body) > 6<<20 {
			err := errorf("ValidationError", "Request %d bytes larger than the limit of 6291456 bytes", len(body))
			err.Status = 413
			return nil, err
		}
		variant := str(c.in, "TargetVariant")
		if variant == "" {
			for _, v := range e.variants {
				variant = str(v, "VariantName")
				break
			}
		}
		h := e.handlers[variant]
		if h == nil {
			return nil, errorf("ValidationError", "Endpoint %s has no variant %s.", name, variant)
		}
		e.calls++
		now := s.clock.now()
		count := func(metric string, v float64) {
			s.metrics = append(s.metrics, datum{namespace: "AWS/SageMaker", name: metric, dimensions: map[string]string{"EndpointName": name, "VariantName": variant}, at: now, value: v})
		}
		count("Invocations", 1)
		s.mu.Unlock()
		got := invoke(h, c.in, body)
		s.mu.Lock()
		count("ModelLatency", 1000)
		if got.status >= 300 {
			if got.status < 500 {
				count("Invocation4XXErrors", 1)
			} else {
				count("Invocation5XXErrors", 1)
			}
			count("InvocationModelErrors", 1)
			return nil, &apiError{Code: "ModelError", Status: 424, Message: fmt.Sprintf("Received client error (%d) from primary with message %q.", got.status, got.body.String()),
				Fields: doc{"OriginalStatusCode": got.status, "OriginalMessage": got.body.String(), "LogStreamArn": arn("logs", c.region, "log-group:/aws/sagemaker/Endpoints/"+name)}}
		}
		return doc{"Body": got.body.Bytes(), "ContentType": got.header.Get("Content-Type"), "InvokedProductionVariant": variant}, nil
	},
})

// invoke sends a request to a container, with the headers that SageMaker forwards and no others.
func invoke(h http.Handler, in doc, body []byte) *memoryWriter {
	r, _ := http.NewRequest("POST", "http://model/invocations", bytes.NewReader(body))
	for member, header := range map[string]string{"ContentType": "Content-Type", "Accept": "Accept", "CustomAttributes": "X-Amzn-SageMaker-Custom-Attributes", "InferenceId": "X-Amzn-SageMaker-Inference-Id", "TargetModel": "X-Amzn-SageMaker-Target-Model"} {
		if v := str(in, member); v != "" {
			r.Header.Set(header, v)
		}
	}
	w := &memoryWriter{header: http.Header{}, status: 200}
	h.ServeHTTP(w, r)
	return w
}

// Invocations is how often an endpoint was asked.
func (s *Server) Invocations(endpointName string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.thing("endpoint", endpointName); t != nil {
		return t.data.(*endpoint).calls
	}
	return 0
}
