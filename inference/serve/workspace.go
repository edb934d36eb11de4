package serve

import (
	"cmp"
	"io"
	"net/http"
	"runtime"
	"time"

	"threatdetect/features"
	"threatdetect/features/auto"
	"threatdetect/inference/detect"
)

// workspace is the memory for a log whose flows are made of several records, or that is judged by what came before: many times as much as the log may be needed, so it
// is not taken for each request (HTTP-6). A model has a few, which are used again and again.
type workspace struct {
	parts  auto.Parts     // flows that are open
	stream *detect.Stream // nil before the first log
}

// workspaceWait is how long a request may wait for a workspace.
const workspaceWait = 250 * time.Millisecond

// newWorkspaces has one for each processor, as more logs than that are not judged at the same time. What a set remembers takes up to features.DefaultBudget: of that
// there is one.
func newWorkspaces(set *features.Set) chan *workspace {
	spaces := make(chan *workspace, 1)
	if !set.Stateful {
		spaces = make(chan *workspace, runtime.GOMAXPROCS(0))
	}
	for range cap(spaces) {
		spaces <- new(workspace)
	}
	return spaces
}

// needsWorkspace tells whether a log needs more memory than a small multiple of its own; format is what it is said to be.
func needsWorkspace(set *features.Set, format auto.Format, log []byte) bool {
	if format == auto.Unknown {
		format = auto.FormatOf(log)
	}
	switch format {
	case auto.VPCFlow, auto.NetFlow, auto.Unknown:
		return true
	}
	return set.Stateful
}

// workspace waits for a workspace of a model. It is given back with put.
func (x *exchange) workspace(m *Model) (*workspace, *failure) {
	select {
	case space := <-m.spaces:
		return space, nil
	default:
	}
	var space *workspace
	jobOf(x.r.Context()).apart(func() {
		t := time.NewTimer(workspaceWait)
		defer t.Stop()
		select {
		case space = <-m.spaces:
		case <-t.C:
		case <-x.r.Context().Done():
		}
	})
	if space != nil {
		return space, nil
	}
	x.api.Metrics.refused("memory")
	return nil, &failure{code: http.StatusServiceUnavailable, text: "too many requests at the moment"}
}

// inherit takes the workspaces of the model before, which would otherwise have the same memory once more until it is collected. While requests to that one are being
// answered, both use them. m is not in use yet.
func (m *Model) inherit(before *Model) {
	if before != nil && before.set != nil && m.set != nil && before.set.Name == m.set.Name {
		m.spaces = before.spaces
	}
}

// put gives a workspace back. What it refers to of a request and of the model is forgotten, so that it can be collected.
func (m *Model) put(space *workspace) {
	space.parts.Reset()
	if space.stream != nil {
		space.stream.Retire()
	}
	m.spaces <- space
}

// hurry has a client take an answer without long pauses, as others wait for what is needed to make it.
type hurry struct {
	http.ResponseWriter
	control *http.ResponseController
}

// hurryTime is how long the client may take for a piece of the answer, of pieceSize bytes at most.
const hurryTime = 2 * time.Second

func hurried(w http.ResponseWriter) *hurry { return &hurry{w, http.NewResponseController(w)} }

// renew gives the client its time anew: also behind the last piece, as the server still holds the end of it, and what was judged since may have taken longer.
func (h *hurry) renew() {
	h.control.SetWriteDeadline(time.Now().Add(hurryTime)) // not there in tests without a connection, or where the answer is kept until it is whole
}

func (h *hurry) Write(b []byte) (n int, err error) {
	for len(b) > 0 && err == nil {
		h.renew()
		var m int
		m, err = h.ResponseWriter.Write(b[:min(len(b), pieceSize)])
		n, b = n+m, b[m:]
	}
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return n, err
}

// logReader reads a log that is in memory. Others go first now and then, whatever is in it, and it ends early if nobody waits for the answer any more.
type logReader struct {
	x    *exchange
	log  []byte
	job  *job
	seen int      // how often it was read
	over *failure // why it ended early
}

func (r *logReader) Read(b []byte) (n int, err error) {
	if len(r.log) == 0 {
		return 0, io.EOF
	}
	if r.seen++; r.seen > 1 { // the first piece is read whatever the client does
		if r.over = cmp.Or(r.over, r.x.givenUp()); r.over != nil {
			return 0, r.over.asError()
		}
		r.job.pause()
	}
	n = copy(b, r.log[:min(len(r.log), bodyStep)])
	r.log = r.log[n:]
	return n, nil
}
