package main

import (
	"cmp"
	"io"
	"os"
	"slices"

	"threatdetect/features"
	"threatdetect/features/auto"
	"threatdetect/features/zeek"
	"threatdetect/internal/logio"
)

// joiner joins the logs of a sensor, where the set asks for it.
type joiner struct {
	*zeek.Joiner
	files []io.Closer
}

var joinedLogs = []string{"dns", "http", "ssl", "files", "x509"}

// openJoiner opens those of the files that are Zeek's dns, http, ssl, files and x509 logs, which are read beside the others,
// and returns these.
func (l *logs) openJoiner() (j *joiner, rest []string, err error) {
	j = new(joiner)
	var beside []zeek.Log
	for _, name := range l.files {
		if !l.beside(name) {
			rest = append(rest, name)
			continue
		}
		r, err := l.app.open(name, l.bar, l.idle)
		if err != nil {
			j.close()
			return nil, nil, err
		}
		j.files = append(j.files, r)
		beside = append(beside, zeek.Log{Name: cmp.Or(l.app.named[name], name), Reader: r})
	}
	j.Joiner = zeek.NewJoiner(beside...)
	return j, rest, nil
}

// beside reports whether a file is a log that tells more about the connections of another. Only a file that can be opened
// again is looked into.
func (l *logs) beside(name string) bool {
	if name == "-" || l.format != auto.Unknown && l.format != auto.Zeek {
		return false
	}
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	lines := logio.From(f, 0)
	defer lines.Close()
	head, _ := lines.Peek(0)
	return slices.Contains(joinedLogs, zeek.Sniff(head))
}

func (j *joiner) close() {
	if j.Joiner != nil {
		j.Joiner.Close()
	}
	for _, f := range j.files {
		f.Close()
	}
}

// closeJoiner keeps what became of the joined records for the account.
func (l *logs) closeJoiner() {
	stats := l.join.Buffer.Stats()
	l.app.joins = &stats
	l.join.close()
	l.join = nil
}

// rest yields the records of the logs beside the others that no flow needed.
func (l *logs) rest(yield func(*features.Flow, error) bool) bool {
	if l.join == nil {
		return true
	}
	for flow, err := range l.join.Rest() {
		if err != nil && !isRecordError(err) {
			err = l.wrap(err)
		}
		if !yield(flow, err) {
			return false
		}
	}
	return true
}
