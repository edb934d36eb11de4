#!/usr/bin/env python3
"""Makes the models and rows of the benchmark with real XGBoost, the same on every run.

    train.py DIR MODEL...

writes, unless they are there, DIR/rows42.f32 and DIR/rows196.f32 (the rows to score), DIR/train42.npz and DIR/train196.npz (for engines
that train models of their own), and for each MODEL DIR/MODEL/model.ubj, model.json, margin.f32 and value.f32 (what XGBoost predicts
for the rows). Arrays are float32, little-endian, row-major.

The columns are what flow records have: byte counts with a heavy tail, rates of two decimals, counts that are mostly zero, durations,
flags, and one-hot codes of the protocol and the like, driven by a few hidden habits of the hosts. 5 % of the numbers are missing.
"""
import os
import sys
import time

import numpy as np
import xgboost as xgb

ROWS = 100_000
HABITS = 8
NUMBERS = 38  # columns before the one-hot codes
CODES = {42: [4], 196: [3, 70, 11, 40, 34]}  # one-hot columns of each code

# columns, trees of a class, depth, classes, tree method, learning rate
MODELS = {
    "one": (42, 1, 1, 2, "hist", 0.3),  # what a call costs
    "a": (42, 100, 5, 2, "exact", 0.3),
    "a196": (196, 100, 5, 2, "exact", 0.3),
    "b": (42, 500, 6, 2, "hist", 0.1),
    "c": (42, 1000, 8, 2, "hist", 0.05),
    "d": (42, 200, 6, 5, "hist", 0.1),
    "e": (42, 500, 6, 2, "exact", 0.1),  # b, but that few nodes share a threshold
}


def number(kind, z):
    """A column of numbers out of a normal variable."""
    if kind == 0:
        return np.floor(np.exp(2.5 * z + 4))
    if kind == 1:
        return np.round(1 / (1 + np.exp(-2 * z)), 2)
    if kind == 2:
        return np.minimum(np.floor(np.exp(z + 2)), 511)
    if kind == 3:
        return np.where(z > 1, np.floor(np.exp(z)), 0)
    if kind == 4:
        return np.exp(1.5 * z)
    return z > 0.5


def make(columns, seed):
    """Rows, and labels of two and of five classes."""
    mix = np.random.default_rng(1).normal(size=(NUMBERS, HABITS))  # the same for training and scoring
    mix /= np.linalg.norm(mix, axis=1, keepdims=True)
    r = np.random.default_rng(seed)
    habits = r.normal(size=(ROWS, HABITS))
    x = np.zeros((ROWS, columns), np.float32)
    for j in range(NUMBERS):
        x[:, j] = number(j % 6, habits @ mix[j] + 0.5 * r.normal(size=ROWS))
    at = NUMBERS
    for size in CODES[columns]:
        share = 1 / np.arange(1, size + 1) ** 1.2
        code = (r.choice(size, size=ROWS, p=share / share.sum()) + (habits[:, 0] > 1)) % size
        x[np.arange(ROWS), at + code] = 1
        at += size
    h = habits.T
    risk = np.sin(2 * h[0]) * h[1] + h[2] * h[3] + np.abs(h[4]) - 0.7 * h[5] + 0.8 * r.normal(size=ROWS)
    risk += 0.7 * x[:, NUMBERS] - 0.5 * x[:, NUMBERS + 1]
    two = (risk > np.quantile(risk, 0.55)).astype(np.int32)
    risk += 0.4 * h[6] * (h[7] > 0)
    five = np.digitize(risk, np.quantile(risk, [0.5, 0.75, 0.9, 0.97])).astype(np.int32)
    x[:, :NUMBERS][r.random((ROWS, NUMBERS)) < 0.05] = np.nan
    return x, two, five


def write(path, a):
    a.astype("<f4").tofile(path + ".new")
    os.replace(path + ".new", path)


def main():
    out = sys.argv[1]
    for name in sys.argv[2:]:
        columns, trees, depth, classes, method, eta = MODELS[name]
        rows_path, train_path = [os.path.join(out, f % columns) for f in ("rows%d.f32", "train%d.npz")]
        if not os.path.exists(train_path):
            x, two, five = make(columns, 7)
            np.savez(train_path, x=x, two=two, five=five)
            write(rows_path, make(columns, 11)[0])
        dir = os.path.join(out, name)
        if os.path.exists(os.path.join(dir, "value.f32")):
            continue
        os.makedirs(dir, exist_ok=True)
        began = time.time()
        data = np.load(train_path)
        n = 40_000 if method == "exact" else ROWS
        params = {"max_depth": depth, "eta": eta, "tree_method": method, "subsample": 0.8, "seed": 1, "nthread": 1, "verbosity": 0,
                  "objective": "binary:logistic" if classes == 2 else "multi:softprob"}
        if classes > 2:
            params["num_class"] = classes
        labels = data["two" if classes == 2 else "five"]
        booster = xgb.train(params, xgb.DMatrix(data["x"][:n], labels[:n]), trees)
        booster.save_model(os.path.join(dir, "model.ubj"))
        booster.save_model(os.path.join(dir, "model.json"))
        rows = xgb.DMatrix(np.fromfile(rows_path, "<f4").reshape(ROWS, columns))
        write(os.path.join(dir, "margin.f32"), booster.predict(rows, output_margin=True))
        write(os.path.join(dir, "value.f32"), booster.predict(rows))
        print("model %s by XGBoost %s in %.0f s" % (name, xgb.__version__, time.time() - began), file=sys.stderr)


main()
