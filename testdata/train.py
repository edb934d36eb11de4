"""Train a model as SageMaker's built-in XGBoost does, with the hyperparameters of the project's origin.

usage: train.py TRAIN.csv MODEL

TRAIN.csv has the label first and no header, as the container wants it; MODEL is saved without an extension, as the
container saves it. One thread and a fixed seed: the same input gives the same bytes.
"""
import sys

import xgboost

HYPERPARAMETERS = {
    "objective": "binary:logistic",
    "max_depth": 5,
    "eta": 0.2,
    "gamma": 4,
    "min_child_weight": 6,
    "subsample": 0.8,
    "seed": 0,
    "nthread": 1,
    "verbosity": 1,
}
NUM_ROUND = 100

train, model = sys.argv[1:]
rows = xgboost.DMatrix(train + "?format=csv&label_column=0&delimiter=,", silent=True)
booster = xgboost.train(HYPERPARAMETERS, rows, num_boost_round=NUM_ROUND)
booster.save_model(model)
print(f"XGBoost {xgboost.__version__}: {rows.num_row()} rows, {rows.num_col()} columns, {NUM_ROUND} rounds", file=sys.stderr)
