package serve

import (
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
)

// requestHead is the head of a plain request: GET or POST of HTTP/1.1, a path that needs no decoding, each header once, the length
// of the body as a number, and nothing that asks for more than an answer.
type requestHead struct {
	request http.Request // without a body
	length  int
	last    bool // the client wants the connection to end with the answer
}

// read reads a head, which ends in an empty line. It returns false for any other than a plain one.
func (h *requestHead) read(head []byte) bool {
	text := string(head[:len(head)-len("\r\n\r\n")])
	line, rest, more := strings.Cut(text, "\r\n")
	*h = requestHead{request: http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}}}
	var ok bool
	if h.request.Method, line, ok = strings.Cut(line, " "); !ok || h.request.Method != http.MethodGet && h.request.Method != http.MethodPost {
		return false
	}
	target, ok := strings.CutSuffix(line, " HTTP/1.1")
	if !ok || !h.readTarget(target) {
		return false
	}
	for more {
		line, rest, more = strings.Cut(rest, "\r\n")
		if !h.readHeader(line) {
			return false
		}
	}
	return h.request.Host != "" && (h.length == 0 || h.request.Method == http.MethodPost)
}

func (h *requestHead) readTarget(target string) bool {
	path, query, _ := strings.Cut(target, "?")
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || !all(path, isPathByte) || !all(query, isQueryByte) {
		return false
	}
	h.request.RequestURI = target
	h.request.URL = &url.URL{Path: path, RawQuery: query, ForceQuery: len(path) < len(target) && query == ""}
	return true
}

func (h *requestHead) readHeader(line string) bool {
	name, value, ok := strings.Cut(line, ":")
	if !ok || name == "" || !all(name, isNameByte) || !all(value, isPrintable) {
		return false
	}
	key := textproto.CanonicalMIMEHeaderKey(name)
	value = strings.Trim(value, " ")
	if _, twice := h.request.Header[key]; twice {
		return false
	}
	switch key {
	case "Host":
		if h.request.Host != "" || !all(value, isHostByte) {
			return false
		}
		h.request.Host = value // which is no header any more then, as in net/http
		return true
	case "Content-Length":
		n, err := strconv.Atoi(value)
		if err != nil || !all(value, isDigit) {
			return false
		}
		h.length = n
	case "Connection":
		switch strings.ToLower(value) {
		case "close":
			h.last = true
		case "keep-alive":
		default:
			return false
		}
	case "Transfer-Encoding", "Trailer", "Te", "Expect", "Upgrade", "Pragma":
		return false
	}
	h.request.Header[key] = []string{value}
	return true
}

// all tells whether each byte of a text is of a kind.
func all(text string, is func(byte) bool) bool {
	for i := range len(text) {
		if !is(text[i]) {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool     { return '0' <= c && c <= '9' }
func isPrintable(c byte) bool { return ' ' <= c && c <= '~' }
func isNameByte(c byte) bool {
	return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' || c == '-' || c == '_'
}
func isHostByte(c byte) bool  { return isNameByte(c) || strings.IndexByte(".:[]", c) >= 0 }
func isPathByte(c byte) bool  { return isNameByte(c) || c == '/' || c == '.' || c == '~' }
func isQueryByte(c byte) bool { return '!' <= c && c <= '~' && c != '#' }
