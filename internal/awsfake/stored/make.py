#!/usr/bin/env python3
"""Makes the artifact that training replays where there is no Python with XGBoost, and what that training printed.

Run with XGBoost 1.7.4 (which the image 1.7-1 has inside) on the rows of the demo log:
    threatdetect features --set flow-portable/1 --label label --no-header testdata/demo/conn.log >rows.csv
    python3 internal/awsfake/stored/make.py rows.csv internal/awsfake/stored
Every fourth row validates. Parameters are those of the default preset, one thread.
"""
import gzip
import sys

import numpy
import xgboost

rows = numpy.genfromtxt(sys.argv[1], delimiter=",", dtype=numpy.float32)
held = numpy.arange(len(rows)) % 4 == 0
sets = {name: xgboost.DMatrix(rows[which, 1:], rows[which, 0]) for name, which in (("train", ~held), ("validation", held))}
history = {}
booster = xgboost.train(
    {"objective": "binary:logistic", "max_depth": 5, "eta": 0.2, "gamma": 4, "min_child_weight": 6, "subsample": 0.8, "seed": 0, "nthread": 1,
     "eval_metric": ["auc", "logloss", "aucpr"]},
    sets["train"], 100, [(sets["train"], "train"), (sets["validation"], "validation")], evals_result=history, verbose_eval=False)
with open(sys.argv[2] + "/rounds.log", "w") as f:
    for i in range(100):
        f.write(f"[{i}]" + "".join(f"\t{part}-{metric}:{values[i]:.5f}" for part in history for metric, values in history[part].items()) + "\n")
booster.save_model("xgboost-model.deprecated")  # no extension that it knows: the legacy binary, as the image writes it
with open("xgboost-model.deprecated", "rb") as f, open(sys.argv[2] + "/xgboost-model.gz", "wb") as out:
    out.write(gzip.compress(f.read(), 9, mtime=0))
