package awsfake

import "net/http"

// created delivers the event of a new object, where its bucket has them.
func (s *Server) created(r *http.Request, bucket, key, reason string, h http.Header, size int64) {
	s.mirror(bucket, key)
}
