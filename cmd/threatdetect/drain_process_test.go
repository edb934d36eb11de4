//go:build unix

package main

import (
	"bufio"
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var drains = flag.Int("drains", 2, "how many times TestDrainProcess ends a server under load: docs/reliability.md has 200")

// TestDrainProcess ends the server at random times under load. Clients ask no more once /ping says 503, as the platforms do that send
// SIGTERM; all that they asked before is answered, and the server ends with 0 in time (Q17 and L17).
func TestDrainProcess(t *testing.T) {
	draw := rand.New(rand.NewPCG(17, 1))
	var requests, cut int64
	var faults sync.Map
	var slowest time.Duration
	for range *drains {
		cmd := command(t, "serve", "--quiet", "--bundle", demo+"model.tar.gz", "--listen", "127.0.0.1:0")
		stdout, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		line, err := bufio.NewReader(stdout).ReadString('\n')
		require.NoError(t, err)
		url := strings.TrimSpace(line)
		var ready atomic.Bool
		ready.Store(true)
		var asked, answered atomic.Int64
		var wait sync.WaitGroup
		transport := &http.Transport{MaxIdleConnsPerHost: 8}
		client := &http.Client{Transport: transport}
		wait.Go(func() {
			for ready.Load() {
				res, err := client.Get(url + "/ping")
				if err != nil || res.StatusCode != http.StatusOK {
					ready.Store(false)
				}
				if err == nil {
					res.Body.Close()
				}
				time.Sleep(2 * time.Millisecond)
			}
		})
		for i := range 8 {
			wait.Go(func() {
				body := strings.Repeat(strings.Repeat("1,", 69)+"2\n", 1+i*i*40)
				for ready.Load() {
					asked.Add(1)
					res, err := client.Post(url+"/invocations", "text/csv", strings.NewReader(body))
					if errors.Is(err, syscall.ECONNREFUSED) { // this client was told too late: nobody has taken it
						asked.Add(-1)
						continue
					}
					if err != nil {
						faults.Store(err.Error(), true)
						continue
					}
					text, err := io.ReadAll(res.Body)
					res.Body.Close()
					if err == nil && (res.StatusCode == http.StatusServiceUnavailable || strings.Count(string(text), "\n") == strings.Count(body, "\n")) {
						answered.Add(1)
					}
				}
			})
		}
		time.Sleep(time.Duration(20+draw.IntN(300)) * time.Millisecond)
		begin := time.Now()
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		wait.Wait()
		transport.CloseIdleConnections()
		require.NoError(t, cmd.Wait())
		slowest = max(slowest, time.Since(begin))
		requests += asked.Load()
		cut += asked.Load() - answered.Load()
	}
	t.Logf("%d servers ended, %d requests, %d cut, slowest end %v", *drains, requests, cut, slowest)
	require.Positive(t, requests)
	faults.Range(func(text, _ any) bool {
		t.Log(text)
		return true
	})
	require.Zero(t, cut)
	require.Less(t, slowest, 25*time.Second)
}
