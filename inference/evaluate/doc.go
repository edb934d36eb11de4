// Package evaluate measures how well the scores of a model separate attacks from benign flows.
//
// A [Sample] collects scored flows whose nature is known. [New] turns it into a [Report]: areas under the curves with
// intervals, recall at false positive rates that an operator could live with, recall of each kind of attack, the threshold
// for a budget of alerts, calibration (which [Calibrate] fits), what the model looks at, and how much of all that is owed to rows that repeat. The
// report is plain data with a JSON form; package page makes an HTML file of it.
//
//	Sample.Add ── scores, labels, kinds, hosts, hours ─┬─ Measures of all flows, of those that differ, by kind
//	           └─ rows, a random sample of them ───────┴─ contributions, drift, single columns
//
// Four things much simpler stand beside the model in every report: what calls everything the same, the best single column, logistic regression,
// and the model of the project's origin on its unscaled columns (set seed/1), which exist in UNSW-NB15 only: trees that are grown on half of the
// flows, or the model that is compared with if it is of that set.
//
// A flow is judged a threat if its score is at least the threshold. Rates are shares in [0, 1]; what cannot be measured,
// because there is nothing to count, is NaN, which is null in JSON.
package evaluate
