// Package trigger decides which objects that land in a bucket start a pipeline, and starts it once for each.
//
// A [Rule] is the pattern that EventBridge matches events with, for the rule and for whoever wants to know whether a key would match. A [Handler] takes the
// events that the rule lets through, as the Lambda function (train/lambda) gets them: it asks the [Service] for a run whose token is
// derived of the object, so that an event that is delivered again starts nothing, and puts off an event that comes while a run is under way or has
// just begun, so that a burst of markers costs one run more and no marker is lost.
//
// The package knows no AWS client: Service is three calls. A Handler is safe for concurrent use if its Service is.
package trigger
