package serve

import (
	"net/http"
	"strconv"
)

// An answer may be many times as long as its request: a row of two bytes is told in twenty, or in a thousand where a model has many classes. So
// that its memory stays below a multiple of the request (HTTP-6), as much of it is held as heldTimes the request takes, and heldMore; what is longer
// is measured, not held, the first time, and made once more while it is sent. All of it was made without a fault by then.
const (
	heldTimes = 4
	heldMore  = 64 << 10
	pieceSize = 64 << 10
)

// held is an answer, or its beginning.
type held struct {
	room   int      // bytes that may be held
	pieces [][]byte // of pieceSize, but the last
	first  [1][]byte
	kept   int
	length int // of all of it
}

// holding returns an empty answer to a request of size bytes.
func holding(size int) *held {
	h := &held{room: heldTimes*size + heldMore}
	h.pieces = h.first[:0]
	return h
}

// add adds text, which is the caller's again then.
func (h *held) add(text []byte) {
	if h.kept == h.length { // or what is between would be missing
		some := text[:min(len(text), h.room-h.kept)]
		h.kept += len(some)
		for len(some) > 0 {
			if n := len(h.pieces); n == 0 || len(h.pieces[n-1]) == pieceSize {
				h.pieces = append(h.pieces, nil)
			}
			last := &h.pieces[len(h.pieces)-1]
			n := min(len(some), pieceSize-len(*last))
			*last = append(*last, some[:n]...)
			some = some[n:]
		}
	}
	h.length += len(text)
}

// send sends the answer with something before and behind it. again makes its text once more, in whatever pieces.
func (h *held) send(w http.ResponseWriter, contentType string, before, behind []byte, again func(add func([]byte)) error) {
	w.Header()["Content-Type"] = []string{contentType}
	if length := len(before) + h.length + len(behind); length > 0 {
		w.Header()["Content-Length"] = []string{strconv.Itoa(length)}
	}
	w.WriteHeader(http.StatusOK)
	if r, ok := w.(*recorder); ok && h.kept == h.length {
		r.worked()
	}
	w.Write(before) // a client that is gone needs no answer
	for _, piece := range h.pieces {
		w.Write(piece)
	}
	if skip := h.kept; skip < h.length {
		h.pieces = nil
		piece := make([]byte, 0, pieceSize)
		err := again(func(text []byte) {
			n := min(skip, len(text))
			skip -= n
			for text = text[n:]; len(text) > 0; text = text[n:] {
				n = min(len(text), pieceSize-len(piece))
				if piece = append(piece, text[:n]...); len(piece) == pieceSize {
					w.Write(piece)
					piece = piece[:0]
				}
			}
		})
		if err != nil { // it took too long, or nobody hears it: the connection ends before what was announced
			panic(http.ErrAbortHandler)
		}
		w.Write(piece)
	}
	w.Write(behind)
}
