#!/usr/bin/env python3
"""Time how long XGBoost and threatdetect take to load one model, turn about, on one core or on all.

    go test -c -o /tmp/model.test ./model
    load_bench.py make FOLDER                        1,000 trees of depth 8, as this interpreter's release writes them
    load_bench.py run /tmp/model.test FILE...        taskset -c 0 in front: one core

One line for each file: milliseconds of XGBoost's Booster().load_model and of model.Open, which also proves the model sound and computes
its SHA-256: the least of all runs, the median of the turns' least, and the ratios. Take the legacy form with 1.7, the others with 3.2.
"""
import os
import re
import statistics
import subprocess
import sys
import time

import numpy as np
import xgboost as xgb

TURNS, RUNS = 8, 6


def make(folder):
    rng = np.random.RandomState(1)
    x = rng.normal(size=(20000, 20)).astype(np.float32)
    y = rng.normal(size=20000).astype(np.float32)
    params = dict(max_depth=8, eta=0.1, tree_method="hist", max_bin=64)
    booster = xgb.train(params, xgb.DMatrix(x, label=y), 1000)
    for name in ("m.deprecated", "m.json", "m.ubj"):
        booster.save_model(os.path.join(folder, name))


def theirs(path):
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        booster = xgb.Booster()
        booster.load_model(path)
        times.append(time.perf_counter() - start)
        del booster
    return 1e3 * min(times)


def ours(binary, path):
    command = [binary, "-test.run", "^$", "-test.bench", "^BenchmarkOpen$", "-test.benchtime", "%dx" % RUNS]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, universal_newlines=True,
                         env=dict(os.environ, THREATDETECT_BENCH_MODEL=os.path.abspath(path)))
    return float(re.search(r"([\d.]+) least-ns/op", out.stdout).group(1)) / 1e6


def run(binary, paths):
    for path in paths:
        a, b = [], []
        for _ in range(TURNS):
            a.append(theirs(path))
            b.append(ours(binary, path))
        low, mid = (min(a), min(b)), (statistics.median(a), statistics.median(b))
        print("%s: XGBoost %s least %.1f median %.1f ms; threatdetect least %.1f median %.1f ms; ratio %.2f, %.2f" % (
            os.path.basename(path), xgb.__version__, low[0], mid[0], low[1], mid[1], low[1] / low[0], mid[1] / mid[0]))


if sys.argv[1] == "make":
    make(sys.argv[2])
else:
    run(sys.argv[2], sys.argv[3:])
