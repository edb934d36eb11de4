package features

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"strings"

	"threatdetect/internal/bigram"
	"threatdetect/internal/sketch"
	"threatdetect/internal/suffix"
)

// nameStats are what a name is made of.
type nameStats struct {
	text                     [256]byte
	n                        int // length, without the final dot
	labels, longest          int
	registered               int // where the registered domain begins
	sub                      int // length of the subdomain
	reverse, local, idn      bool
	entropy, norm            float64
	digits, vowels, hex, b32 int
	b64, consonants          int
	likelihood, pairs        int // of neighbours
}

// maxName is the longest name that is looked at, in bytes; DNS itself allows 253.
const maxName = 255

// parse takes a name to pieces: in lower case, without the final dot, and only its last bytes if it is too long.
func (s *nameStats) parse(query string) {
	query = strings.TrimSuffix(query, ".")
	query = query[max(0, len(query)-maxName):]
	*s = nameStats{n: len(query)}
	label := 0
	for i := range len(query) {
		c := query[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		s.text[i] = c
		if label++; c == '.' {
			label = 0
			s.labels++
		}
		s.longest = max(s.longest, label)
	}
	if s.n > 0 {
		s.labels++
	}
}

// finish does the rest; name is s.text.
func (s *nameStats) finish(name []byte) {
	s.reverse = bytes.HasSuffix(name, []byte(".in-addr.arpa")) || bytes.HasSuffix(name, []byte(".ip6.arpa"))
	s.local = string(name) == "local" || bytes.HasSuffix(name, []byte(".local"))
	s.idn = bytes.HasPrefix(name, []byte("xn--")) || bytes.Contains(name, []byte(".xn--"))
	s.registered = suffix.Registered(name)
	if s.registered < 0 { // a public suffix: all of it is the domain
		s.registered = 0
	}
	s.sub = max(0, s.registered-1)
	s.compose(name[:s.sub])
}

// compose counts the bytes of the subdomain.
func (s *nameStats) compose(sub []byte) {
	s.entropy, s.norm = entropy(sub)
	s.likelihood, s.pairs = bigram.Score(sub)
	run := 0
	for i := range len(sub) {
		c := sub[i]
		digit, letter := '0' <= c && c <= '9', 'a' <= c && c <= 'z'
		vowel := c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u'
		if run++; !letter || vowel {
			run = 0
		}
		s.consonants = max(s.consonants, run)
		s.digits += one(digit)
		s.vowels += one(vowel)
		s.hex += one(digit || 'a' <= c && c <= 'f')
		s.b32 += one(letter || '2' <= c && c <= '7')
		s.b64 += one(letter || digit || c == '+' || c == '/' || c == '-' || c == '_' || c == '=')
	}
}

// entropy is that of the bytes of a text, in bits, and its share of the most there could be for so many bytes.
func entropy[T ~string | ~[]byte](text T) (h, norm float64) {
	var counts [256]uint32
	for i := range len(text) {
		counts[text[i]]++
	}
	n := float64(len(text))
	for _, k := range counts {
		if k > 0 {
			p := float64(k) / n
			h -= float64(p * sketch.Log2(p))
		}
	}
	if n >= 2 {
		norm = h / sketch.Log2(min(n, 256))
	}
	return h, norm
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// key is that of the registered domain of a name.
func (s *nameStats) key(src hostKey) domainKey {
	sum := sha256.Sum256(s.text[s.registered:s.n])
	return domainKey{src, binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])}
}
