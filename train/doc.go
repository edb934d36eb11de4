// Package train asks SageMaker for a new model, and for what goes with one: tuning, pipelines, triggers, endpoints, monitoring and their removal.
//
// It is the only package of the module that imports the AWS SDK, and it stays thin: a [Stack] (the file threatdetect.yaml) says what is wanted,
// [Connect] gives the clients of an account, and everything else says what a job is, asks AWS for it and fetches the result.
// Scoring needs none of this.
//
// # Rehearsal
//
// With [ConnectOptions.DryRun] the same code runs to its end, but each request is printed instead of sent, and answered as if nothing existed yet and
// everything that is asked for succeeded at once. No credentials are needed. With [ConnectOptions.EndpointURL] the requests go to another address,
// such as that of threatdetect fake-aws. [Local] trains on this machine, under the rules of the container.
//
// # Errors
//
// What AWS answers is a *[ServiceError], whose Kind is one of the sentinels of this package, so that no caller needs the SDK's types. Faults of
// a stack, of hyperparameters or of training files are [Faults], all of them at once.
//
// # Concurrency
//
// A Stack is read-only once opened. An AWS is safe for concurrent use. Jobs are owned by one caller.
//
// # Size of programs
//
// The linker keeps every method of a client that is converted to an interface, hundreds in the case of SageMaker. Hence no client is: instead of the SDK's
// paginators and waiters there are loops, and no *[AWS] is ever put into an any.
package train
