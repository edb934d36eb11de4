#!/usr/bin/env python3
"""Writes calibration.json: what scikit-learn makes of scores, for TestAgainstScikitLearn.

    pip install scikit-learn==1.9.1 && ./calibration.py > calibration.json

Scores are multiples of 1/1024, so that they are the same numbers as float32, and many are equal. The sigmoid is fitted to
their log-odds, as CalibratedClassifierCV does to what a classifier's decision_function gives.
"""

import json

import numpy as np
import sklearn
from sklearn.calibration import _SigmoidCalibration
from sklearn.isotonic import IsotonicRegression

cases = []
for seed, flows, share, signal in ((1, 40, 0.4, 2.0), (2, 300, 0.1, 1.5), (3, 1000, 0.5, 0.5), (4, 2000, 0.02, 3.0), (5, 12, 0.5, 6.0)):
    r = np.random.default_rng(seed)
    attack = r.random(flows) < share
    attack[:2] = [False, True]
    logit = r.normal(size=flows) * 1.2 + signal * (attack - 0.6)
    score = np.clip(np.round(1024 / (1 + np.exp(-logit))), 1, 1023) / 1024
    at = np.concatenate([[0.0], np.sort(np.unique(r.integers(1, 1024, 15))) / 1024, [1.0]])
    sigmoid = _SigmoidCalibration().fit(np.log(score / (1 - score)), attack)
    isotonic = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(score, attack)
    inside = at[1:-1]
    cases.append({
        "scores": (score * 1024).astype(int).tolist(),
        "attack": attack.astype(int).tolist(),
        "a": sigmoid.a_, "b": sigmoid.b_,
        "at": (at * 1024).astype(int).tolist(),
        "sigmoid": sigmoid.predict(np.log(inside / (1 - inside))).tolist(),
        "thresholds": (isotonic.X_thresholds_ * 1024).astype(int).tolist(),
        "values": isotonic.y_thresholds_.tolist(),
        "isotonic": isotonic.predict(at).tolist(),
    })
print(json.dumps({"scikit-learn": sklearn.__version__, "cases": cases}, separators=(",", ":")).replace('},{"scores"', '},\n{"scores"'))
