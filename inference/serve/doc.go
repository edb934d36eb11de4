// Package serve answers requests for scores over HTTP: as a drop-in for the container of SageMaker's built-in XGBoost, and
// for everybody else.
//
// [Container] answers as the container of one image answers, byte for byte, with one artifact; [MultiModel] is the multi-model
// mode of that image. Both are http.Handlers and know nothing of addresses, time or signals. [Server] runs a handler within
// limits of size, time and number that keep it answering whatever is sent to it, and ends it without cutting a request short.
//
//	c, err := serve.OpenContainer("/opt/ml/model", serve.SettingsFromEnv(image, os.LookupEnv))
//	...
//	err = (&serve.Server{Handler: c}).Serve(ctx, listener)
//
// # Answers
//
// Routes, statuses, content types and bodies are those that recordings of the images show; where the container itself fails
// (a Java or Python error of its own) the answer is one that makes sense in its place. Bodies are read by package rows, and scored
// by package inference, with the XGBoost release inside the image.
package serve
