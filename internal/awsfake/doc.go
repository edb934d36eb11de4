// Package awsfake rehearses AWS in one process: S3, SageMaker and the services around it behind one address, spoken to over the
// wire protocols that the AWS SDK for Go really sends.
//
// Every request is checked twice: as the service would (shapes.json holds the names, types, limits and patterns of each
// operation) and as the XGBoost container would (hyperparameters, channels, the bytes of the data in S3). What passes changes a
// state machine whose clock is the server's own, so that a job that takes ten minutes takes no time; training, transform and
// processing jobs and endpoints really run, by this module's own binary and handler. It shares no code with package train,
// which it judges.
//
// It is for tests and rehearsals. It checks no signatures and bills nobody.
package awsfake
