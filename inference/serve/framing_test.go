package serve

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFraming(t *testing.T) {
	const get, sized = "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\n12345"
	const chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
	const both = "POST / HTTP/1.1\r\nContent-Length : 5\r\nTransfer-Encoding: chunked\r\n\r\n"
	for _, test := range []struct {
		stream  string
		refused bool
	}{
		{get + get, false},
		{get + sized + get, false},
		{sized + sized, false},
		{chunked, false},
		{"POST / HTTP/1.1\nContent-Length: 1\n\nx" + get, false},
		{both, true},
		{get + both, true},
		{sized + get + both, true},
		{"POST / HTTP/1.1\r\nContent-Length: 500\r\n\r\n" + both, false}, // which is a body
		{"GET / HTTP/1.1\nTransfer-Encoding: x\nContent-Length: 0\n\n", true},
		{"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n12345", true},
		{"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", true},
		{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n", true},
		{"POST / HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\nx" + get, false},
		{"POST / HTTP/1.1\r\nExpect: 200-ok\r\nContent-Length: 1\r\n\r\nx", true},
		{"GET / HTTP/1.9\r\n\r\n", true},
		{"GET / HTTP/1.0\r\n\r\n", false},
		{"nonsense\r\n\r\n", false}, // net/http knows what to say
	} {
		for step := 1; step <= len(test.stream); step += 7 {
			var f framing
			var err error
			for rest := test.stream; rest != "" && err == nil; {
				n := min(step, len(rest))
				err = f.follow([]byte(rest[:n]))
				rest = rest[n:]
			}
			require.Equal(t, test.refused, err != nil, "%q in steps of %d", test.stream, step)
		}
	}
}

// FuzzFraming wants the same of a stream however it is cut.
func FuzzFraming(f *testing.F) {
	f.Add([]byte("POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), 3)
	f.Add([]byte("GET / HTTP/1.1\n\nPOST / HTTP/1.1\ncontent-length: 1\n\nxGET"), 1)
	f.Fuzz(func(t *testing.T, stream []byte, step int) {
		var whole, cut framing
		want := whole.follow(stream)
		var got error
		for rest := stream; len(rest) > 0 && got == nil; {
			n := min(max(step, 1), len(rest))
			got = cut.follow(rest[:n])
			rest = rest[n:]
		}
		require.Equal(t, want, got)
	})
}
