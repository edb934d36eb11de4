//go:build race

package inference

// raceEnabled tells that sync.Pool drops things at random, so that calls allocate now and then.
const raceEnabled = true
