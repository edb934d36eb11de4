package awsfake

import (
	"crypto/md5"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// queue is an SQS queue.
type queue struct {
	attributes doc
	messages   []*message
}

type message struct {
	id, body   string
	attributes map[string]string
	sent       time.Time
	hidden     time.Time
	receives   int
}

func noQueue() *apiError {
	return errorf("QueueDoesNotExist", "The specified queue does not exist.")
}

// send puts a message into a queue named by its ARN. The lock is held.
func (s *Server) send(queueARN, body string, attributes map[string]string) bool {
	t := s.thing("queue", last(queueARN))
	if t == nil {
		return false
	}
	q := t.data.(*queue)
	s.serial++
	q.messages = append(q.messages, &message{id: fmt.Sprintf("%08x-5555-4666-8777-%012x", s.serial, s.serial), body: body, attributes: attributes, sent: s.clock.now()})
	return true
}

func (s *Server) queueURL(name string) string { return s.URL + "/" + Account + "/" + name }

func (s *Server) queue(c *call) (*thing, *queue, *apiError) {
	t := s.thing("queue", last(str(c.in, "QueueUrl")))
	if t == nil {
		return nil, nil, noQueue()
	}
	return t, t.data.(*queue), nil
}

func (s *Server) createQueue(name string, attributes doc, region string) *thing {
	if attributes == nil {
		attributes = doc{}
	}
	return s.add(&thing{kind: "queue", name: name, arn: arn("sqs", region, name), data: &queue{attributes: attributes}})
}

var _ = register("sqs", map[string]handler{
	"CreateQueue": func(s *Server, c *call) (doc, *apiError) {
		name := str(c.in, "QueueName")
		t := s.thing("queue", name)
		if t == nil {
			t = s.createQueue(name, without(sub(c.in, "Attributes")), c.region)
			for k, v := range sub(c.in, "tags") {
				s.tag(t.arn, []doc{{"Key": k, "Value": v}})
			}
		}
		return doc{"QueueUrl": s.queueURL(name)}, nil
	},
	"GetQueueUrl": func(s *Server, c *call) (doc, *apiError) {
		if s.thing("queue", str(c.in, "QueueName")) == nil {
			return nil, noQueue()
		}
		return doc{"QueueUrl": s.queueURL(str(c.in, "QueueName"))}, nil
	},
	"GetQueueAttributes": func(s *Server, c *call) (doc, *apiError) {
		t, q, err := s.queue(c)
		if err != nil {
			return nil, err
		}
		out := without(q.attributes)
		out["QueueArn"] = t.arn
		out["ApproximateNumberOfMessages"] = strconv.Itoa(len(q.messages))
		names := " " + strings.Join(strs(c.in, "AttributeNames"), " ") + " "
		if !strings.Contains(names, " All ") {
			for k := range out {
				if !strings.Contains(names, " "+k+" ") {
					delete(out, k)
				}
			}
		}
		return doc{"Attributes": out}, nil
	},
	"SetQueueAttributes": func(s *Server, c *call) (doc, *apiError) {
		_, q, err := s.queue(c)
		if err != nil {
			return nil, err
		}
		for k, v := range sub(c.in, "Attributes") {
			q.attributes[k] = v
		}
		return nil, nil
	},
	"SendMessage": func(s *Server, c *call) (doc, *apiError) {
		t, q, err := s.queue(c)
		if err != nil {
			return nil, err
		}
		s.send(t.arn, str(c.in, "MessageBody"), nil)
		return doc{"MessageId": q.messages[len(q.messages)-1].id, "MD5OfMessageBody": fmt.Sprintf("%x", md5.Sum([]byte(str(c.in, "MessageBody"))))}, nil
	},
	"ReceiveMessage": func(s *Server, c *call) (doc, *apiError) {
		_, q, err := s.queue(c)
		if err != nil {
			return nil, err
		}
		now, most, out := s.clock.now(), max(int(num(c.in, "MaxNumberOfMessages")), 1), []any{}
		for _, m := range q.messages {
			if len(out) == most {
				break
			}
			if m.hidden.After(now) {
				continue
			}
			visibility := num(c.in, "VisibilityTimeout")
			if c.in["VisibilityTimeout"] == nil {
				visibility = 30
			}
			m.hidden = now.Add(time.Duration(visibility) * time.Second)
			m.receives++
			d := doc{"MessageId": m.id, "ReceiptHandle": m.id, "Body": m.body, "MD5OfBody": fmt.Sprintf("%x", md5.Sum([]byte(m.body)))}
			if len(m.attributes) > 0 && len(list(c.in, "MessageAttributeNames")) > 0 {
				attributes := doc{}
				for k, v := range m.attributes {
					attributes[k] = doc{"DataType": "String", "StringValue": v}
				}
				d["MessageAttributes"] = attributes
			}
			out = append(out, d)
		}
		if len(out) == 0 {
			return doc{}, nil
		}
		return doc{"Messages": out}, nil
	},
	"DeleteMessage": func(s *Server, c *call) (doc, *apiError) {
		_, q, err := s.queue(c)
		if err != nil {
			return nil, err
		}
		for i, m := range q.messages {
			if m.id == str(c.in, "ReceiptHandle") {
				q.messages = append(q.messages[:i:i], q.messages[i+1:]...)
				break
			}
		}
		return nil, nil
	},
	"PurgeQueue": func(s *Server, c *call) (doc, *apiError) {
		_, q, err := s.queue(c)
		if err != nil {
			return nil, err
		}
		q.messages = nil
		return nil, nil
	},
	"DeleteQueue": func(s *Server, c *call) (doc, *apiError) {
		t, _, err := s.queue(c)
		if err != nil {
			return nil, err
		}
		s.remove(t)
		return nil, nil
	},
	"ListQueues": func(s *Server, c *call) (doc, *apiError) {
		out := []any{}
		for _, t := range s.all("queue") {
			if strings.HasPrefix(t.name, str(c.in, "QueueNamePrefix")) {
				out = append(out, s.queueURL(t.name))
			}
		}
		return doc{"QueueUrls": out}, nil
	},
	"TagQueue": func(s *Server, c *call) (doc, *apiError) {
		t, _, err := s.queue(c)
		if err != nil {
			return nil, err
		}
		for k, v := range sub(c.in, "Tags") {
			s.tag(t.arn, []doc{{"Key": k, "Value": v}})
		}
		return nil, nil
	},
	"ListQueueTags": func(s *Server, c *call) (doc, *apiError) {
		t, _, err := s.queue(c)
		if err != nil {
			return nil, err
		}
		out := doc{}
		for k, v := range s.tags[t.arn] {
			out[k] = v
		}
		return doc{"Tags": out}, nil
	},
})
