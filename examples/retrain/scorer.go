package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// scorer sends the records of a log again and again, some at a time, and counts what comes back.
type scorer struct {
	address string
	header  []byte
	records [][]byte
	done    chan struct{}
	ended   chan struct{}

	mu           sync.Mutex
	sent, scored int
	models       []used
	err          error
}

// used is a model and how many records it scored.
type used struct {
	name    string
	records int
}

const atATime = 50

func newScorer(address string, logs []byte) *scorer {
	s := &scorer{address: address, done: make(chan struct{}), ended: make(chan struct{})}
	for line := range bytes.Lines(logs) {
		if bytes.HasPrefix(line, []byte("#")) {
			s.header = append(s.header, line...)
		} else {
			s.records = append(s.records, line)
		}
	}
	return s
}

func (s *scorer) run() {
	defer close(s.ended)
	for first := 0; ; first += atATime {
		select {
		case <-s.done:
			return
		default:
		}
		if first+atATime > len(s.records) {
			first = 0
		}
		if err := s.send(s.records[first : first+atATime]); err != nil {
			s.mu.Lock()
			s.err = err
			s.mu.Unlock()
			return
		}
	}
}

func (s *scorer) send(records [][]byte) error {
	body := append(append([]byte{}, s.header...), bytes.Join(records, nil)...)
	s.mu.Lock()
	s.sent += len(records)
	s.mu.Unlock()
	answer, err := http.Post(s.address+"/v1/score", "text/plain", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", answer.Status, text)
	}
	var judged struct {
		Model string
		Rows  int
	}
	if err := json.Unmarshal(text, &judged); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scored += judged.Rows
	if len(s.models) == 0 || s.models[len(s.models)-1].name != judged.Model {
		s.models = append(s.models, used{name: judged.Model})
	}
	s.models[len(s.models)-1].records += judged.Rows
	return nil
}

// waitForAnother waits until two models have scored.
func (s *scorer) waitForAnother() error {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		s.mu.Lock()
		n, err := len(s.models), s.err
		s.mu.Unlock()
		if n > 1 || err != nil {
			return err
		}
	}
	return errors.New("the scorer took no other model within a minute")
}

func (s *scorer) stop() (sent, scored int, models []used) {
	close(s.done)
	<-s.ended
	return s.sent, s.scored, s.models
}
