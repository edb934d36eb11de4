#!/usr/bin/env python3
"""The XGBoost side of BenchmarkContributionPeer in package inference, which starts it.

    peer.py DIR [TREES [DEPTH]]

writes DIR/model.json, DIR/rows.f32 and DIR/exact.f32 (what predict(pred_contribs=True) gives, little-endian), all for 42 columns and
1000 rows with 5 % missing, and prints a line. For every line on standard input it then runs that prediction once more, with one thread,
and prints how many nanoseconds of processor time it took.
"""
import os
import sys
import time

import numpy as np
import xgboost as xgb

out = sys.argv[1]
trees, depth = [int(a) for a in sys.argv[2:4] + ["100", "5"][len(sys.argv) - 2:]]
rng = np.random.RandomState(1)
x = rng.normal(size=(20000, 42)).astype(np.float32)
x[:, 1::3] = np.exp(x[:, 1::3])
x[:, 2::3] = np.floor(4 * x[:, 2::3])
y = (x[:, :12].sum(axis=1) + x[:, 0] * x[:, 2] + rng.normal(size=len(x)) > 10).astype(np.float32)
x[rng.uniform(size=x.shape) < 0.05] = np.nan
params = {"objective": "binary:logistic", "max_depth": depth, "eta": 0.1, "tree_method": "hist", "nthread": 1, "verbosity": 0}
booster = xgb.train(params, xgb.DMatrix(x, label=y), num_boost_round=trees)
booster.set_param({"nthread": 1})
rows = x[:1000]
matrix = xgb.DMatrix(rows, nthread=1)
booster.save_model(os.path.join(out, "model.json"))
rows.astype("<f4").tofile(os.path.join(out, "rows.f32"))
booster.predict(matrix, pred_contribs=True).astype("<f4").tofile(os.path.join(out, "exact.f32"))
print("xgboost %s, %d trees of depth %d" % (xgb.__version__, trees, depth), flush=True)
for _ in sys.stdin:
    began = time.process_time_ns()
    booster.predict(matrix, pred_contribs=True)
    print(time.process_time_ns() - began, flush=True)
