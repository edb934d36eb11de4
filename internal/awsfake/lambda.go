package awsfake

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// function is a Lambda function.
type function struct {
	zip       []byte
	config    doc // Runtime, Handler, Role, Timeout, MemorySize, Environment, Architectures …
	statement map[string]permission
	invoke    doc // event invoke configuration
	calls     int
}

type permission struct{ principal, action, sourceARN string }

func noFunction(address string) *apiError {
	return notFound("ResourceNotFoundException", "Function not found: %s", address)
}

func functionName(text string) string {
	if _, after, ok := strings.Cut(text, ":function:"); ok {
		text = after
	}
	name, _, _ := strings.Cut(text, ":")
	return name
}

func (s *Server) function(c *call) (*thing, *function, *apiError) {
	name := functionName(firstOf(c.in, "FunctionName", "Resource"))
	t := s.thing("function", name)
	if t == nil {
		return nil, nil, noFunction(arn("lambda", c.region, "function:"+name))
	}
	return t, t.data.(*function), nil
}

func (s *Server) describeFunction(t *thing) doc {
	f := t.data.(*function)
	sum := sha256.Sum256(f.zip)
	out := without(f.config)
	if env := sub(f.config, "Environment"); env != nil {
		out["Environment"] = pick(env, "Variables")
	}
	return with(out, "FunctionName", t.name, "FunctionArn", t.arn, "CodeSize", int64(len(f.zip)), "CodeSha256", base64.StdEncoding.EncodeToString(sum[:]),
		"LastModified", t.modified.Format("2006-01-02T15:04:05.000+0000"), "State", "Active", "LastUpdateStatus", "Successful", "Version", "$LATEST", "PackageType", "Zip")
}

// checkFunction is what Lambda refuses of a configuration.
func (s *Server) checkFunction(config doc, region string) *apiError {
	role := str(config, "Role")
	if err := s.checkRole(role, "lambda.amazonaws.com", region); err != nil {
		return errorf("InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda.")
	}
	if m := num(config, "MemorySize"); m != 0 && (m < 128 || m > 10240) {
		return errorf("InvalidParameterValueException", "MemorySize %d is not in 128 to 10240", m)
	}
	if t := num(config, "Timeout"); t > 900 {
		return errorf("InvalidParameterValueException", "Timeout %d is above 900", t)
	}
	if queue := str(config, "DeadLetterConfig", "TargetArn"); queue != "" {
		if err := s.may(role, "sqs:SendMessage", queue, nil); err != nil {
			return errorf("InvalidParameterValueException", "The provided execution role does not have permissions to call SendMessage on SQS")
		}
	}
	for k := range sub(config, "Environment", "Variables") {
		if strings.HasPrefix(k, "AWS_") {
			return errorf("InvalidParameterValueException", "Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s", k)
		}
	}
	return nil
}

// createFunction is also how stacks make functions.
func (s *Server) createFunction(in doc, region string) (*thing, *apiError) {
	name := functionName(str(in, "FunctionName"))
	if s.thing("function", name) != nil {
		return nil, &apiError{Code: "ResourceConflictException", Status: 409, Message: "Function already exist: " + name}
	}
	if err := s.checkFunction(in, region); err != nil {
		return nil, err
	}
	zip, err := s.functionCode(sub(in, "Code"))
	if err != nil {
		return nil, err
	}
	if str(in, "Runtime") == "" || str(in, "Handler") == "" {
		return nil, errorf("InvalidParameterValueException", "Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	}
	if err := checkZip(zip, str(in, "Runtime")); err != nil {
		return nil, err
	}
	config := pick(in, "Runtime", "Role", "Handler", "Description", "Timeout", "MemorySize", "DeadLetterConfig", "Environment", "Architectures", "VpcConfig", "TracingConfig", "EphemeralStorage", "LoggingConfig")
	for k, v := range map[string]any{"Timeout": int64(3), "MemorySize": int64(128), "Architectures": []any{"x86_64"}} {
		if config[k] == nil {
			config[k] = v
		}
	}
	t := s.add(&thing{kind: "function", name: name, arn: arn("lambda", region, "function:"+name), in: without(in, "Code"), data: &function{zip: zip, config: config, statement: map[string]permission{}}})
	for k, v := range sub(in, "Tags") {
		s.tag(t.arn, []doc{{"Key": k, "Value": v}})
	}
	return t, nil
}

// functionCode is the zip of a request, inline or in S3.
func (s *Server) functionCode(code doc) ([]byte, *apiError) {
	if zip, ok := code["ZipFile"].([]byte); ok {
		if len(zip) > 50<<20 {
			return nil, &apiError{Code: "RequestEntityTooLargeException", Status: 413, Message: "Request must be smaller than 69905067 bytes for the CreateFunction operation"}
		}
		return zip, nil
	}
	zip, err := s.getObject(str(code, "S3Bucket"), str(code, "S3Key"))
	if err != nil {
		return nil, errorf("InvalidParameterValueException", "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: %v", err)
	}
	return zip, nil
}

var _ = register("lambda", map[string]handler{
	"CreateFunction": func(s *Server, c *call) (doc, *apiError) {
		t, err := s.createFunction(c.in, c.region)
		if err != nil {
			return nil, err
		}
		return s.describeFunction(t), nil
	},
	"GetFunction": func(s *Server, c *call) (doc, *apiError) {
		t, _, err := s.function(c)
		if err != nil {
			return nil, err
		}
		tags := doc{}
		for k, v := range s.tags[t.arn] {
			tags[k] = v
		}
		return doc{"Configuration": s.describeFunction(t), "Code": doc{"RepositoryType": "S3", "Location": s.URL + "/lambda-code/" + t.name}, "Tags": tags}, nil
	},
	"GetFunctionConfiguration": func(s *Server, c *call) (doc, *apiError) {
		t, _, err := s.function(c)
		if err != nil {
			return nil, err
		}
		return s.describeFunction(t), nil
	},
	"UpdateFunctionCode": func(s *Server, c *call) (doc, *apiError) {
		t, f, err := s.function(c)
		if err != nil {
			return nil, err
		}
		zip, err := s.functionCode(c.in)
		if err != nil {
			return nil, err
		}
		if err := checkZip(zip, str(f.config, "Runtime")); err != nil {
			return nil, err
		}
		f.zip, t.modified = zip, s.clock.now()
		if a := c.in["Architectures"]; a != nil {
			f.config["Architectures"] = a
		}
		return s.describeFunction(t), nil
	},
	"UpdateFunctionConfiguration": func(s *Server, c *call) (doc, *apiError) {
		t, f, err := s.function(c)
		if err != nil {
			return nil, err
		}
		config := without(f.config)
		for k, v := range pick(c.in, "Runtime", "Role", "Handler", "Description", "Timeout", "MemorySize", "DeadLetterConfig", "Environment", "VpcConfig", "TracingConfig", "EphemeralStorage", "LoggingConfig") {
			config[k] = v
		}
		if err := s.checkFunction(config, c.region); err != nil {
			return nil, err
		}
		f.config, t.modified = config, s.clock.now()
		return s.describeFunction(t), nil
	},
	"DeleteFunction": func(s *Server, c *call) (doc, *apiError) {
		t, _, err := s.function(c)
		if err != nil {
			return nil, err
		}
		s.remove(t)
		return doc{}, nil
	},
	"ListFunctions": func(s *Server, c *call) (doc, *apiError) {
		var all []any
		for _, t := range s.all("function") {
			all = append(all, s.describeFunction(t))
		}
		some, next, err := page(c.in, all, 50)
		return with(doc{"Functions": some}, "NextMarker", next), err
	},
	"AddPermission": func(s *Server, c *call) (doc, *apiError) {
		_, f, err := s.function(c)
		if err != nil {
			return nil, err
		}
		id := str(c.in, "StatementId")
		if _, ok := f.statement[id]; ok {
			return nil, &apiError{Code: "ResourceConflictException", Status: 409, Message: "The statement id (" + id + ") provided already exists. Please provide a new statement id, or remove the existing statement."}
		}
		f.statement[id] = permission{str(c.in, "Principal"), str(c.in, "Action"), str(c.in, "SourceArn")}
		return doc{"Statement": toJSON(doc{"Sid": id, "Effect": "Allow", "Principal": doc{"Service": str(c.in, "Principal")}, "Action": str(c.in, "Action")})}, nil
	},
	"RemovePermission": func(s *Server, c *call) (doc, *apiError) {
		_, f, err := s.function(c)
		if err != nil {
			return nil, err
		}
		if _, ok := f.statement[str(c.in, "StatementId")]; !ok {
			return nil, notFound("ResourceNotFoundException", "No policy is associated with the given resource.")
		}
		delete(f.statement, str(c.in, "StatementId"))
		return doc{}, nil
	},
	"GetPolicy": func(s *Server, c *call) (doc, *apiError) {
		t, f, err := s.function(c)
		if err != nil {
			return nil, err
		}
		if len(f.statement) == 0 {
			return nil, notFound("ResourceNotFoundException", "The resource you requested does not exist.")
		}
		var statements []any
		for _, id := range sortedKeys(f.statement) {
			p := f.statement[id]
			statements = append(statements, doc{"Sid": id, "Effect": "Allow", "Principal": doc{"Service": p.principal}, "Action": p.action, "Resource": t.arn, "Condition": doc{"ArnLike": doc{"AWS:SourceArn": p.sourceARN}}})
		}
		return doc{"Policy": toJSON(doc{"Version": "2012-10-17", "Id": "default", "Statement": statements}), "RevisionId": "1"}, nil
	},
	"PutFunctionEventInvokeConfig": func(s *Server, c *call) (doc, *apiError) {
		t, f, err := s.function(c)
		if err != nil {
			return nil, err
		}
		f.invoke = pick(c.in, "MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")
		return with(without(f.invoke), "FunctionArn", t.arn+":$LATEST", "LastModified", s.clock.now()), nil
	},
	"GetFunctionEventInvokeConfig": func(s *Server, c *call) (doc, *apiError) {
		t, f, err := s.function(c)
		if err != nil {
			return nil, err
		}
		if f.invoke == nil {
			return nil, notFound("ResourceNotFoundException", "The function %s:$LATEST doesn't have an EventInvokeConfig", t.arn)
		}
		return with(without(f.invoke), "FunctionArn", t.arn+":$LATEST", "LastModified", t.modified), nil
	},
	"DeleteFunctionEventInvokeConfig": func(s *Server, c *call) (doc, *apiError) {
		t, f, err := s.function(c)
		if err != nil {
			return nil, err
		}
		if f.invoke == nil {
			return nil, notFound("ResourceNotFoundException", "The function %s:$LATEST doesn't have an EventInvokeConfig", t.arn)
		}
		f.invoke = nil
		return nil, nil
	},
	"PutFunctionConcurrency": func(s *Server, c *call) (doc, *apiError) {
		if _, _, err := s.function(c); err != nil {
			return nil, err
		}
		return doc{"ReservedConcurrentExecutions": c.in["ReservedConcurrentExecutions"]}, nil
	},
	"Invoke": func(s *Server, c *call) (doc, *apiError) {
		t, _, err := s.function(c)
		if err != nil {
			return nil, err
		}
		payload, _ := c.in["Payload"].([]byte)
		switch str(c.in, "InvocationType") {
		case "DryRun":
			return doc{"StatusCode": int64(204)}, nil
		case "Event":
			s.clock.at(s.clock.now(), func(time.Time) { s.attempt(t, payload, 0) })
			return doc{"StatusCode": int64(202)}, nil
		}
		s.mu.Unlock()
		answer, failed, why := s.runFunction(t, payload)
		s.mu.Lock()
		if why != nil {
			return nil, &apiError{Code: "InvalidRuntimeException", Status: 502, Message: why.Error()}
		}
		out := doc{"StatusCode": int64(200), "Payload": answer, "ExecutedVersion": "$LATEST"}
		if failed {
			out["FunctionError"] = "Unhandled"
		}
		return out, nil
	},
	"TagResource": tagByMap,
	"ListTags":    listTagMap,
})

// invokeAsync is how the bus and the scheduler call a function: allowed by the function's policy or by the scheduler's role,
// tried three times, and then given up.
func (s *Server) invokeAsync(source, role, address string, payload []byte) *apiError {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.thing("function", functionName(address))
	if t == nil {
		return errorf("RESOURCE_NOT_FOUND", "no function %s", address)
	}
	if strings.HasPrefix(source, "arn:aws:scheduler") {
		err := s.may(role, "lambda:InvokeFunction", t.arn, nil)
		if err == nil {
			s.clock.at(s.clock.now(), func(time.Time) { s.attempt(t, payload, 0) })
		}
		return err
	}
	for _, p := range t.data.(*function).statement {
		if p.principal == "events.amazonaws.com" && p.action == "lambda:InvokeFunction" && (p.sourceARN == "" || matchAny([]string{p.sourceARN}, source, false)) {
			s.clock.at(s.clock.now(), func(time.Time) { s.attempt(t, payload, 0) })
			return nil
		}
	}
	return errorf("NO_PERMISSIONS", "the policy of function %s does not let %s call it", t.name, source)
}

// attempt runs a function for an event, and again a minute and two later if it fails.
func (s *Server) attempt(t *thing, payload []byte, tries int) {
	answer, failed, err := s.runFunction(t, payload)
	if err == nil && !failed {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f := t.data.(*function)
	most := 2
	if f.invoke["MaximumRetryAttempts"] != nil {
		most = int(num(f.invoke, "MaximumRetryAttempts"))
	}
	if tries < most {
		s.clock.at(s.clock.now().Add(time.Duration(tries+1)*time.Minute), func(time.Time) { s.attempt(t, payload, tries+1) })
		return
	}
	message := string(answer)
	if err != nil {
		message = err.Error()
	}
	s.count("AWS/Lambda", "AsyncEventsDropped", "FunctionName", t.name)
	if queue := str(f.config, "DeadLetterConfig", "TargetArn"); queue != "" {
		s.send(queue, string(payload), map[string]string{"ErrorMessage": cut(message, 1024)})
	}
	if queue := str(f.invoke, "DestinationConfig", "OnFailure", "Destination"); queue != "" {
		s.send(queue, toJSON(doc{"requestPayload": string(payload), "responsePayload": message}), nil)
	}
	s.logf("lambda: %s: given up after %d tries: %s", t.name, tries+1, message)
}

func (s *Server) logFunction(t *thing, text string) {
	now := s.clock.now()
	group := "/aws/lambda/" + t.name
	if g := str(t.data.(*function).config, "LoggingConfig", "LogGroup"); g != "" {
		group = g
	}
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		s.print(group, now.Format("2006/01/02")+"/[$LATEST]"+fmt.Sprintf("%032x", len(t.name)), now, logLine{now, line})
	}
}
