package awsfake

//lint:file-ignore ST1005 messages are spelled as the services and containers spell them

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

var _ = register("sagemaker", map[string]handler{
	"CreateTransformJob": func(s *Server, c *call) (doc, *apiError) {
		name := str(c.in, "TransformJobName")
		if t := s.thing("transform-job", name); t != nil {
			return nil, errorf("ResourceInUse", "Transform job name must be unique within an AWS account and region, and a transform job with this name already exists (%s)", t.arn)
		}
		t, err := s.createTransform(c.in, c.region)
		if err != nil {
			return nil, err
		}
		return doc{"TransformJobArn": t.arn}, nil
	},
	"DescribeTransformJob": func(s *Server, c *call) (doc, *apiError) {
		t := s.thing("transform-job", str(c.in, "TransformJobName"))
		if t == nil {
			return nil, invalid("Requested resource not found.")
		}
		out := pick(t.in, "TransformJobName", "ModelName", "MaxConcurrentTransforms", "ModelClientConfig", "MaxPayloadInMB", "BatchStrategy", "Environment", "TransformInput", "TransformOutput", "TransformResources", "DataProcessing")
		return with(out, "TransformJobArn", t.arn, "TransformJobStatus", t.job.status, "CreationTime", t.created, "TransformStartTime", t.job.started, "TransformEndTime", t.job.ended,
			"FailureReason", cut(t.job.failure, 1024)), nil
	},
	"StopTransformJob": s_stop("transform-job", "TransformJobName"),
	"ListTransformJobs": func(s *Server, c *call) (doc, *apiError) {
		some, next, err := s.found(c, "transform-job", jobStatus)
		out := []any{}
		for _, t := range some {
			out = append(out, with(doc{"TransformJobName": t.name, "TransformJobArn": t.arn, "CreationTime": t.created, "LastModifiedTime": t.modified, "TransformJobStatus": t.job.status},
				"TransformEndTime", t.job.ended, "FailureReason", cut(t.job.failure, 1024)))
		}
		return with(doc{"TransformJobSummaries": out}, "NextToken", next), err
	},
})

func (s *Server) createTransform(in doc, region string) (*thing, *apiError) {
	m := s.thing("model", str(in, "ModelName"))
	if m == nil {
		return nil, invalid("Could not find model %q.", arn("sagemaker", region, "model/"+str(in, "ModelName")))
	}
	if payload, concurrent := num(in, "MaxPayloadInMB"), num(in, "MaxConcurrentTransforms"); payload*concurrent > 100 {
		return nil, invalid("MaxConcurrentTransforms * MaxPayloadInMB must be less than or equal to 100 MB.")
	}
	if p := sub(in, "DataProcessing"); str(p, "InputFilter") != "" || str(p, "JoinSource") == "Input" || str(p, "OutputFilter") != "" {
		return nil, invalid("awsfake does not know DataProcessing.")
	}
	objects, err := s.inputObjects(sub(in, "TransformInput"))
	if err != nil || len(objects) == 0 {
		return nil, invalid("No S3 objects found under S3 URL %q given in input data source.", str(in, "TransformInput", "DataSource", "S3DataSource", "S3Uri"))
	}
	name := str(in, "TransformJobName")
	t := s.add(&thing{kind: "transform-job", name: name, arn: arn("sagemaker", region, "transform-job/"+strings.ToLower(name)), in: in})
	s.tag(t.arn, docs(in, "Tags"))
	j := &job{t: t, phases: workPhases}
	t.job = j
	s.doom(j, "CreateTransformJob", in)
	outputs := map[string][]byte{}
	j.work = func(at time.Time) {
		log, err := s.transform(in, m.in, objects, outputs)
		s.mu.Lock()
		defer s.mu.Unlock()
		if err != nil {
			j.fail = err.Error()
		}
		if j.doom == "algorithm" {
			j.fail = "AlgorithmError: injected by a fault"
		}
		j.lasts = 60 * time.Second
		var lines []logLine
		for k, text := range strings.Split(strings.TrimSpace(log), "\n") {
			lines = append(lines, logLine{at.Add(time.Duration(k) * time.Millisecond), text})
		}
		s.print("/aws/sagemaker/TransformJobs", fmt.Sprintf("%s/i-0123456789abcdef0-%d", name, at.Unix()), at, lines...)
	}
	// What succeeded is there, whatever becomes of the job.
	j.ends = append(j.ends, func(at time.Time) {
		if j.status == "Failed" {
			s.keepOutputs(j, outputs)
		}
	})
	j.keep = func(at time.Time) { s.keepOutputs(j, outputs) }
	s.start(j)
	return t, nil
}

// transform starts our binary as the model's container and sends it the objects, in batches of whole lines.
func (s *Server) transform(in, model doc, objects []object, outputs map[string][]byte) (log string, err error) {
	k := sub(model, "PrimaryContainer")
	if k == nil {
		k = docs(model, "Containers")[0]
	}
	b, err := newSandbox()
	if err != nil {
		return "", err
	}
	defer b.remove()
	if uri := modelData(k); uri != "" {
		bucket, key, _ := splitS3(uri)
		body, err := s.getObject(bucket, key)
		if err != nil {
			return "", fmt.Errorf("ClientError: Could not download model data at %s: %w", uri, err)
		}
		if err := b.write("/opt/ml/model/model.tar.gz", body); err != nil {
			return "", err
		}
	}
	env := environment(sub(k, "Environment"))
	for name, v := range environment(sub(in, "Environment")) {
		env[name] = v
	}
	env["SAGEMAKER_BATCH"] = "true"
	if env["THREATDETECT_SAGEMAKER"] == "" {
		env["THREATDETECT_SAGEMAKER"] = "1.7-1"
		if im, e := parseImage(str(k, "Image"), imageRegion(str(k, "Image"))); e == nil && im.version != "" {
			env["THREATDETECT_SAGEMAKER"] = im.version
		}
	}
	address, stop, err := s.serveModel(b, env)
	if err != nil {
		return "", fmt.Errorf("ClientError: the container did not answer /ping: %w", err)
	}
	defer func() { log = stop() }()
	failed := []string{}
	for _, o := range objects {
		if strings.HasSuffix(o.key, "/") {
			continue
		}
		body, err := s.getObject(o.bucket, o.key)
		if err != nil {
			return "", err
		}
		out, err := transformObject(s.closed, address, in, body)
		if err != nil {
			failed = append(failed, fmt.Sprintf("%s/%s: %v", o.bucket, o.key, err))
			continue
		}
		rel := relative(str(in, "TransformInput", "DataSource", "S3DataSource", "S3Uri"), o.key)
		outputs[strings.TrimSuffix(str(in, "TransformOutput", "S3OutputPath"), "/")+"/"+rel+".out"] = out
	}
	if len(failed) > 0 {
		return "", errors.New("ClientError: See job logs for more information: " + strings.Join(failed, "; "))
	}
	return "", nil
}

func imageRegion(uri string) string {
	if m := imageURI.FindStringSubmatch(uri); m != nil {
		return m[2]
	}
	return ""
}

// serveModel starts the serve command over the model of a sandbox, as docker run IMAGE serve would.
func (s *Server) serveModel(b *sandbox, env map[string]string) (address string, stop func() string, err error) {
	if s.options.Binary == "" {
		return "", nil, errors.New("the server was started without a program to run")
	}
	var errs bytes.Buffer
	cmd := exec.CommandContext(s.closed, s.options.Binary, "serve")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + b.root, "THREATDETECT_LISTEN=127.0.0.1:0", "THREATDETECT_MODEL=" + filepath.Join(b.root, "opt/ml/model/model.tar.gz")}
	for _, name := range sortedKeys(env) {
		if name != "THREATDETECT_LISTEN" && name != "THREATDETECT_MODEL" {
			cmd.Env = append(cmd.Env, name+"="+env[name])
		}
	}
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		cmd.Wait()
		return "", nil, fmt.Errorf("%s", lastLine(errs.String()))
	}
	return strings.TrimSpace(line), func() string {
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
		return errs.String()
	}, nil
}

// transformObject is what Batch Transform does with one object.
func transformObject(ctx context.Context, address string, in doc, body []byte) ([]byte, error) {
	if str(in, "TransformInput", "CompressionType") == "Gzip" {
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		if body, err = io.ReadAll(z); err != nil {
			return nil, err
		}
	}
	limit := int(num(in, "MaxPayloadInMB")) << 20
	if limit == 0 {
		limit = 6 << 20
		if r, err := http.Get(address + "/execution-parameters"); err == nil {
			var p struct{ MaxPayloadInMB int }
			if json.NewDecoder(r.Body).Decode(&p) == nil && p.MaxPayloadInMB > 0 {
				limit = p.MaxPayloadInMB << 20
			}
			r.Body.Close()
		}
	}
	var batches [][]byte
	switch split := str(in, "TransformInput", "SplitType"); split {
	case "", "None":
		batches = [][]byte{body}
	case "Line":
		batches = lineBatches(body, limit, str(in, "BatchStrategy") == "SingleRecord")
	default:
		return nil, fmt.Errorf("awsfake does not split by %s", split)
	}
	tries := 1 + int(num(in, "ModelClientConfig", "InvocationsMaxRetries"))
	join := str(in, "TransformOutput", "AssembleWith") == "Line"
	var out bytes.Buffer
	for _, batch := range batches {
		answer, err := []byte(nil), errors.New("not asked")
		for try := 0; try < tries && err != nil; try++ {
			answer, err = invokeBatch(ctx, address, in, batch)
		}
		if err != nil {
			return nil, err
		}
		out.Write(answer)
		if join && !bytes.HasSuffix(answer, []byte("\n")) {
			out.WriteByte('\n')
		}
	}
	return out.Bytes(), nil
}

func lineBatches(body []byte, limit int, single bool) (out [][]byte) {
	for from := 0; from < len(body); {
		to := from
		for to < len(body) {
			n := bytes.IndexByte(body[to:], '\n')
			end := len(body)
			if n >= 0 {
				end = to + n + 1
			}
			if to > from && (single || end-from > limit) {
				break
			}
			to = end
		}
		out = append(out, body[from:to])
		from = to
	}
	return out
}

func invokeBatch(ctx context.Context, address string, in doc, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, "POST", address+"/invocations", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if t := str(in, "TransformInput", "ContentType"); t != "" {
		r.Header.Set("Content-Type", t)
	}
	if a := str(in, "TransformOutput", "Accept"); a != "" {
		r.Header.Set("Accept", a)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode/100 != 2 {
		return nil, fmt.Errorf("Bad HTTP status received from algorithm: %d: %s", answer.StatusCode, lastLine(string(got)))
	}
	return got, nil
}
