//go:build race

package features

const raceDetector = true
