// Package detect joins a feature contract with a predictor: flows in, verdicts out.
//
// A [Detector] is made from a bundle (a model with its contract, see package model) and is immutable: one serves a whole
// program. A [Stream] is one run of it over the flows of one source. An agent that already has flow records fills a
// features.Flow and calls [Stream.Judge]; whoever reads logs ranges over [Stream.Verdicts], or judges many flows together
// with a [Block], which costs less.
//
//	d, err := detect.Open("model.tar.gz", nil)
//	...
//	for v, err := range d.Stream().Verdicts(auto.Read(os.Stdin, nil)) {
//
// Where the contract has a calibration ([Detector.Calibrated]), verdicts have a probability beside their score.
//
// [NewWriter] writes verdicts in the formats that the tools behind a sensor read: NDJSON, CSV, Suricata's EVE, the
// Elastic Common Schema, OCSF and Zeek's own log form.
package detect
