package main

import (
	"fmt"
	"time"

	"threatdetect/features"
	"threatdetect/inference/detect"
	"threatdetect/inference/evaluate"
	"threatdetect/model"
)

// periodNote says what is wrong with when the flows began that a calibration was fitted to, which should be after those of the training.
func periodNote(c *features.Contract, r *evaluate.Report) []string {
	end, err := time.Parse(time.RFC3339, c.Training.To)
	if err != nil {
		return []string{"The contract does not tell when its training data was: whether the calibration is of later flows is not known."}
	}
	begin, err := time.Parse(time.RFC3339, r.Data.From)
	if err != nil {
		return []string{"The flows have no time: whether the calibration is of later ones than the training is not known."}
	}
	if begin.Before(end.Truncate(time.Second)) { // that of the report is in whole seconds
		return []string{fmt.Sprintf("The first flow began at %s, and the training data ended at %s: the calibration is of flows that the model may know, and should be of later ones.", r.Data.From, c.Training.To)}
	}
	return nil
}

// writeCalibrated writes the bundle that was evaluated with the calibration of the report in its contract.
func (a *app) writeCalibrated(f *evaluateFlags, d *detect.Detector, r *evaluate.Report) error {
	load, err := f.bundle.trust.options()
	if err != nil {
		return err
	}
	name := f.bundle.bundle + f.bundle.model // one of them
	b, err := model.OpenBundle(name, load)
	if err != nil {
		return modelError(name, err)
	}
	if digest := "sha256:" + b.Booster.Digest; digest != d.Model() {
		return modelError(name, fmt.Errorf("it changed: it has the digest %s, and %s was evaluated", digest, d.Model()))
	}
	signed := b.SignedBy != nil
	contract := *d.Contract()
	contract.Output.Calibration = r.Calibrated.Calibration
	if b.Contract, err = contract.Canonical(); err != nil {
		return &exitError{code: exitFailure, what: "write bundle", where: f.calibrate, err: err}
	}
	if err := a.writeBundle(&bundleFlags{out: f.calibrate}, b); err != nil {
		return err
	}
	if a.quiet || a.summary != "text" {
		return nil
	}
	a.printf("%s: a bundle with this calibration: %s\n", f.calibrate, r.Calibrated.About())
	if signed {
		a.printf("%s: it is not signed, as no signature covers the calibration: threatdetect bundle sign\n", f.calibrate)
	}
	return nil
}
