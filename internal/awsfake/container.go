package awsfake

//lint:file-ignore ST1005 messages are spelled as the services and containers spell them

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"compress/gzip"
)

// trainingSpec is what the container of a training job is given.
type trainingSpec struct {
	name, version   string
	hyperparameters map[string]string
	in              doc
	channels        []channel
	until           int // rounds after which the machines are taken away; 0 is never
}

type channel struct {
	name, contentType, mode string
	sharded                 bool
	files                   []file
}

// file is one below /opt/ml/input/data/CHANNEL.
type file struct {
	path string
	body []byte
}

// gather reads the channels' objects.
func (s *Server) gather(spec *trainingSpec) error {
	var total int64
	for _, ch := range docs(spec.in, "InputDataConfig") {
		source := sub(ch, "DataSource", "S3DataSource")
		c := channel{name: str(ch, "ChannelName"), contentType: str(ch, "ContentType"), mode: str(ch, "InputMode"), sharded: str(source, "S3DataDistributionType") == "ShardedByS3Key"}
		if c.mode == "" {
			c.mode = str(spec.in, "AlgorithmSpecification", "TrainingInputMode")
		}
		objects, err := s.inputObjects(ch)
		if err != nil || len(objects) == 0 {
			return fmt.Errorf("ClientError: Data download failed:No S3 objects found under S3 URL %q given in input data source.", str(source, "S3Uri"))
		}
		for _, o := range objects {
			if strings.HasSuffix(o.key, "/") {
				continue
			}
			body, err := s.getObject(o.bucket, o.key)
			if err != nil {
				return fmt.Errorf("ClientError: Data download failed:Failed to download data. Cannot download s3://%s/%s: %w", o.bucket, o.key, err)
			}
			total += int64(len(body))
			c.files = append(c.files, file{relative(str(source, "S3Uri"), o.key), body})
		}
		spec.channels = append(spec.channels, c)
	}
	if volume := num(spec.in, "ResourceConfig", "VolumeSizeInGB"); total > volume<<30 {
		return fmt.Errorf("ClientError: Data download failed:Insufficient disk space: %d bytes of data, a volume of %d GB", total, volume)
	}
	return nil
}

// checkChannels judges channels and data as the container does before training.
func checkChannels(spec *trainingSpec) error {
	formats := map[string]string{}
	var train, validation *channel
	for i := range spec.channels {
		c := &spec.channels[i]
		switch c.name {
		case "train":
			train = c
		case "validation":
			validation = c
		case "code":
			continue
		default:
			return fmt.Errorf("Extraneous channel found: %s", c.name)
		}
		format, err := contentFormat(c.contentType)
		if err != nil {
			return err
		}
		if c.mode == "Pipe" && (format == "libsvm" || !older(spec.version, "3.2-0")) {
			return fmt.Errorf("Channel %s: pipe mode is not supported for %s", c.name, format)
		}
		formats[c.name] = format
	}
	if train == nil {
		return errors.New("Missing required input channel: train")
	}
	hosts := max(int(num(spec.in, "ResourceConfig", "InstanceCount")), 1)
	for _, c := range []*channel{train, validation} {
		if c == nil {
			continue
		}
		if hosts > 1 && c.sharded && len(c.files) < hosts && c == train {
			return fmt.Errorf("%d hosts share %d files of channel %s: hosts without data are dropped from training", hosts, len(c.files), c.name)
		}
		// Validation is read with the content type of the train channel.
		if err := checkFiles(c, formats["train"], spec.hyperparameters); err != nil {
			return err
		}
	}
	return nil
}

func contentFormat(contentType string) (string, error) {
	text := strings.ToLower(strings.TrimSpace(contentType))
	kind, parameters, _ := strings.Cut(text, ";")
	switch kind = strings.TrimSpace(kind); kind {
	case "", "libsvm", "text/libsvm", "text/x-libsvm":
		return "libsvm", nil
	case "csv", "text/csv":
		for _, p := range strings.Split(parameters, ";") {
			k, v, _ := strings.Cut(strings.TrimSpace(p), "=")
			if k == "label_size" && v != "1" {
				return "", fmt.Errorf("%s is not an accepted csv ContentType. Optional parameter label_size must be equal to 1", contentType)
			}
		}
		return "csv", nil
	case "parquet", "application/x-parquet":
		return "parquet", nil
	case "recordio-protobuf", "application/x-recordio-protobuf":
		return "recordio", nil
	}
	return "", fmt.Errorf("%s is not an accepted ContentType: csv, libsvm, parquet, recordio-protobuf, text/csv, text/libsvm, text/x-libsvm, application/x-parquet, application/x-recordio-protobuf.", contentType)
}

// checkFiles reads the rows of a channel.
func checkFiles(c *channel, format string, h map[string]string) error {
	width, rows := 0, 0
	for _, f := range c.files {
		if strings.HasPrefix(path.Base(f.path), ".") {
			return fmt.Errorf("Hidden file found in the data path! Remove that before training. (%s)", f.path)
		}
		if strings.Count(f.path, "/") > 3 {
			return fmt.Errorf("Folder depth exceed the limit: 3. (%s)", f.path)
		}
		if format != "csv" && format != "libsvm" {
			rows++
			continue
		}
		for n, line := range strings.Split(strings.TrimRight(string(f.body), "\n"), "\n") {
			if line = strings.TrimRight(line, "\r"); line == "" {
				continue
			}
			rows++
			label, columns, err := readRow(line, format)
			if err != nil {
				return fmt.Errorf("Failed to load %s data with exception:\n%s line %d: %w", format, f.path, n+1, err)
			}
			if format == "csv" && width != 0 && columns != width {
				return fmt.Errorf("Failed to load csv data with exception:\n%s line %d: %d columns, the others have %d", f.path, n+1, columns, width)
			}
			width = columns
			if err := checkLabel(label, h); err != nil {
				return err
			}
		}
	}
	if rows == 0 {
		return fmt.Errorf("Got empty data in channel %s", c.name)
	}
	return nil
}

func readRow(line, format string) (label float64, columns int, err error) {
	if format == "csv" {
		fields := strings.Split(line, ",")
		if len(fields) < 2 {
			return 0, 0, errors.New("one column is the label and nothing is left")
		}
		for i, f := range fields {
			f = strings.TrimSpace(f)
			if f == "" && i > 0 {
				continue
			}
			v, err := strconv.ParseFloat(f, 64)
			if err != nil {
				return 0, 0, fmt.Errorf("could not convert string to float: %q", f)
			}
			if i == 0 {
				label = v
			}
		}
		return label, len(fields), nil
	}
	fields := strings.Fields(line)
	text, _, _ := strings.Cut(fields[0], ":")
	if label, err = strconv.ParseFloat(text, 64); err != nil {
		return 0, 0, fmt.Errorf("label %q is no number", fields[0])
	}
	for _, f := range fields[1:] {
		index, value, ok := strings.Cut(f, ":")
		if index == "qid" {
			continue
		}
		if _, e := strconv.ParseUint(index, 10, 32); !ok || e != nil {
			return 0, 0, fmt.Errorf("%q is no index:value", f)
		}
		if _, e := strconv.ParseFloat(value, 64); e != nil {
			return 0, 0, fmt.Errorf("%q is no index:value", f)
		}
	}
	return label, len(fields), nil
}

func checkLabel(label float64, h map[string]string) error {
	classes, _ := strconv.ParseFloat(h["num_class"], 64)
	switch objective := h["objective"]; {
	case slices.Contains([]string{"binary:logistic", "binary:logitraw", "reg:logistic"}, objective) && (label < 0 || label > 1 || label != label):
		return errors.New("label must be in [0,1] for logistic regression")
	case strings.HasPrefix(objective, "multi:") && (label < 0 || label >= classes || label != float64(int(label))):
		return fmt.Errorf("SoftmaxMultiClassObj: label must be in [0, num_class). (%v)", label)
	case objective == "count:poisson" && label < 0:
		return errors.New("PoissonRegression: label must be nonnegative")
	}
	return nil
}

func gunzip(b []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(z, maxBody+1))
}
