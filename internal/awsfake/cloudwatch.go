package awsfake

import "time"

// datum is one value of a metric.
type datum struct {
	namespace, name string
	dimensions      map[string]string
	at              time.Time
	value           float64
}
