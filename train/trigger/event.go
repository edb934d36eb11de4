package trigger

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// ErrEvent says that something is no event of a new object.
var ErrEvent = errors.New("no event of a new object")

// Event is what EventBridge says of a new object in a bucket.
type Event struct {
	ID         string    `json:"id"`
	Source     string    `json:"source"`
	DetailType string    `json:"detail-type"`
	Account    string    `json:"account"`
	Region     string    `json:"region"`
	Time       time.Time `json:"time"`
	Detail     Detail    `json:"detail"`
}

// Detail is the part of an event that S3 writes.
type Detail struct {
	Bucket struct {
		Name string `json:"name"`
	} `json:"bucket"`
	Object Object `json:"object"`
	Reason string `json:"reason"`
}

// Object is the object. Its key is plain, not encoded as in S3's older notifications.
type Object struct {
	Key       string `json:"key"`
	Size      int64  `json:"size"`
	ETag      string `json:"etag"`
	VersionID string `json:"version-id"`
	Sequencer string `json:"sequencer"`
}

// ParseEvent reads an event. Errors are of the kind ErrEvent.
func ParseEvent(text []byte) (*Event, error) {
	var e Event
	if err := json.Unmarshal(text, &e); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEvent, err)
	}
	switch {
	case e.Source != "aws.s3" || e.DetailType != "Object Created":
		return nil, fmt.Errorf(`%w: source %q, detail-type %q: want "aws.s3", "Object Created"`, ErrEvent, e.Source, e.DetailType)
	case e.Detail.Bucket.Name == "" || e.Detail.Object.Key == "":
		return nil, fmt.Errorf("%w: detail.bucket.name or detail.object.key is missing", ErrEvent)
	}
	return &e, nil
}

// Token is the same for each delivery of the event of one object, and another one when the object is written again. It has 64 letters and digits, which is
// what the service wants of a request token.
func (e *Event) Token() string {
	h := sha256.New()
	for _, s := range []string{e.Detail.Bucket.Name, e.Detail.Object.Key, e.Detail.Object.VersionID, e.Detail.Object.Sequencer} {
		io.WriteString(h, s)
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil))
}
