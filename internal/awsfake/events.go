package awsfake

import (
	"net/http"
)

// busEvent is one on the default event bus.
type busEvent struct {
	source, detailType string
	resources          []string
	detail             doc
}

// emit delivers an event to the rules whose pattern it matches. The lock is held.
func (s *Server) emit(region string, e busEvent) {}

// created delivers the event of a new object, where its bucket has them. The lock is not held.
func (s *Server) created(r *http.Request, bucket, key, reason string, h http.Header, size int64) {
	s.mirror(bucket, key)
}
