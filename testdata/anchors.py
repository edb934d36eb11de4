"""Reproduce the reference results of UNSW-NB15 with rows and scores of threatdetect and training of real XGBoost.

usage: anchors.py THREATDETECT UNSW_NB15_82332.csv[.gz]

Needs xgboost 1.7, scikit-learn and numpy. Rows are `threatdetect features --set seed/1` (all 42 columns of the data set,
and the three features of the project's origin); the split is random, 80/20, stratified, seed 42; training is hist, depth
8, eta 0.15, 200 rounds, subsample 0.9, colsample 0.8, seed 7. Scores are `threatdetect predict`, and are compared with
XGBoost's own, bit for bit.
"""
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import xgboost
from sklearn.metrics import accuracy_score, average_precision_score, f1_score, roc_auc_score
from sklearn.model_selection import train_test_split

PARAMETERS = {"objective": "binary:logistic", "tree_method": "hist", "max_depth": 8, "eta": 0.15, "subsample": 0.9, "colsample_bytree": 0.8, "seed": 7, "nthread": 2}
ROUNDS = 200
# Accuracy, F1, AUC and average precision of all 42 columns with this split.
ANCHOR = (0.9792, 0.9810, 0.9980, 0.9985)
TOLERANCE = 0.003

threatdetect, log = sys.argv[1:]


def run(*args: str) -> str:
    return subprocess.run([threatdetect, *args], check=True, stdout=subprocess.PIPE, text=True).stdout


failed = False
for name in ("seed/1", "seed-compat/1"):
    with tempfile.TemporaryDirectory() as tmp:
        folder = Path(tmp)
        run("features", "--quiet", "--set", name, "--label", "label", "--no-header", "-o", str(folder / "rows.csv"), log)
        rows = numpy.genfromtxt(folder / "rows.csv", delimiter=",", dtype=numpy.float32)
        x, y = rows[:, 1:], rows[:, 0]
        x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=42, stratify=y)
        booster = xgboost.train(PARAMETERS, xgboost.DMatrix(x_train, label=y_train), num_boost_round=ROUNDS)
        booster.save_model(folder / "xgboost-model")
        numpy.savetxt(folder / "test.csv", x_test, delimiter=",", fmt="%.9g")
        scores = numpy.array(run("predict", "--quiet", "--model", str(folder / "xgboost-model"), "--header", "no", str(folder / "test.csv")).split(), dtype=numpy.float32)
        different = int((scores.view("u4") != booster.predict(xgboost.DMatrix(x_test)).view("u4")).sum())
        got = (accuracy_score(y_test, scores > 0.5), f1_score(y_test, scores > 0.5), roc_auc_score(y_test, scores), average_precision_score(y_test, scores))
        near = all(abs(a - b) <= TOLERANCE for a, b in zip(got, ANCHOR))
        failed |= not near or different > 0
        print(f"{name}: {x.shape[1]} columns, {len(y_test)} test rows, {different} scores differ in bits from XGBoost {xgboost.__version__}")
        print("  accuracy %.4f, F1 %.4f, AUC %.4f, average precision %.4f" % got)
        print("  anchor   %.4f,    %.4f,     %.4f,                   %.4f: %s" % (*ANCHOR, "within 0.003" if near else "NOT within 0.003"))
sys.exit(failed)
