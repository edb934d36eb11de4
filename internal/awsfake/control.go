package awsfake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// controlPrefix is where tests in other processes steer the server. No bucket can be called so.
const controlPrefix = "/_awsfake/"

func (s *Server) control(w http.ResponseWriter, r *http.Request) {
	bad := func(err error) { http.Error(w, err.Error(), http.StatusBadRequest) }
	w.Header().Set("Content-Type", "application/json")
	switch what := strings.TrimPrefix(r.URL.Path, controlPrefix); r.Method + " " + what {
	case "POST advance":
		d, err := time.ParseDuration(r.URL.Query().Get("by"))
		if err != nil {
			bad(err)
			return
		}
		s.Advance(d)
		fmt.Fprintln(w, toJSON(doc{"now": s.Now()}))
	case "POST settle":
		s.Settle(30 * 24 * time.Hour)
		fmt.Fprintln(w, toJSON(doc{"now": s.Now()}))
	case "POST faults":
		var f Fault
		if err := json.NewDecoder(r.Body).Decode(&f); err != nil {
			bad(err)
			return
		}
		s.Inject(f)
		fmt.Fprintln(w, "{}")
	case "GET requests":
		for _, q := range s.Requests() {
			fmt.Fprintln(w, toJSON(doc{"service": q.Service, "operation": q.Operation, "input": q.Input, "protocol": q.Protocol, "status": q.Status, "code": q.Code}))
		}
	default:
		http.NotFound(w, r)
	}
}

// WriteRequests writes the requests that were answered with success as a dry run prints them, for validators; of S3 only those
// whose input is all in address and headers.
func (s *Server) WriteRequests(path string) error {
	whole := map[string]bool{"GetObject": true, "HeadObject": true, "PutObject": true, "ListObjectsV2": true, "CreateMultipartUpload": true, "UploadPart": true, "AbortMultipartUpload": true}
	var b bytes.Buffer
	for _, q := range s.Requests() {
		if q.Status/100 != 2 || q.Service == "s3" && !whole[q.Operation] {
			continue
		}
		fmt.Fprintln(&b, toJSON(doc{"service": q.Service, "operation": q.Operation, "input": q.Input}))
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o666)
}
