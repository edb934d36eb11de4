"""Trains as SageMaker's built-in XGBoost does in a folder laid out like /opt/ml, with the XGBoost of this Python. Called by threatdetect train local.

Hyperparameters were checked by the caller, by the rules of the image version; what is checked here is what needs XGBoost or the data.
"""
import json
import os
import pickle
import sys

import numpy as np
import xgboost as xgb

ROOT, FORM, CONTENT_TYPE = sys.argv[1], sys.argv[2], sys.argv[3]
INTEGERS = {"num_round", "early_stopping_rounds", "nthread", "verbosity", "seed", "num_class", "num_parallel_tree", "max_depth", "max_leaves", "max_bin",
            "one_drop", "refresh_leaf", "csv_weights", "_kfold", "_num_cv_round"}
OURS = {"num_round", "early_stopping_rounds", "csv_weights", "eval_metric", "_kfold", "_num_cv_round", "_tuning_objective_metric", "save_model_on_termination",
        "use_dask_gpu_training", "monotone_constraints", "interaction_constraints"}
MAXIMISED = {"accuracy", "auc", "aucpr", "balanced_accuracy", "f1", "f1_binary", "f1_macro", "map", "ndcg", "precision", "r2", "recall", "precision_macro",
             "precision_micro", "recall_macro", "recall_micro"}


class UserError(Exception):
    """A fault of the data or the hyperparameters."""


def files(channel):
    folder = os.path.join(ROOT, "input", "data", channel)
    found = []
    for parent, folders, names in sorted(os.walk(folder)):
        folders.sort()
        for name in sorted(names):
            if name.startswith("."):
                raise UserError("Hidden file found in the data path! Remove that before training.")
            found.append(os.path.join(parent, name))
    return found


def text(paths):
    """All files of a channel as one sequence of lines."""
    for path in paths:
        with open(path) as f:
            for line in f:
                line = line.rstrip("\r\n")
                if line:
                    yield path, line


def csv(paths, weights):
    labels, rows, instance_weights = [], [], []
    width = None
    for path, line in text(paths):
        fields = line.split(",")
        if width is None:
            width = len(fields)
        if len(fields) != width:
            raise UserError("%s: %d columns, the rows before have %d" % (os.path.basename(path), len(fields), width))
        try:
            numbers = np.array([f or "nan" for f in fields], dtype=np.float64)
        except ValueError:
            raise UserError("%s: %s: no numbers" % (os.path.basename(path), line[:60]))
        labels.append(numbers[0])
        if weights:
            instance_weights.append(numbers[1])
        rows.append(numbers[2 if weights else 1:].astype(np.float32))
    if not rows:
        return None
    return xgb.DMatrix(np.stack(rows), label=np.array(labels, dtype=np.float32), weight=np.array(instance_weights, dtype=np.float32) if weights else None)


def libsvm(paths):
    """Rows as XGBoost's own reader takes them: columns as they are numbered, absent is missing."""
    labels, weights, rows, width = [], [], [], 0
    for path, line in text(paths):
        fields = line.split()
        label, _, weight = fields[0].partition(":")
        labels.append(float(label))
        weights.append(float(weight) if weight else 1.0)
        row = {}
        for field in fields[1:]:
            index, _, value = field.partition(":")
            if index == "qid":
                continue
            row[int(index)] = float(value)
            width = max(width, int(index) + 1)
        rows.append(row)
    if not rows:
        return None
    data = np.full((len(rows), width), np.nan, dtype=np.float32)
    for i, row in enumerate(rows):
        for j, value in row.items():
            data[i, j] = value
    return data, np.array(labels, dtype=np.float32), np.array(weights, dtype=np.float32)


def matrices(weights):
    train, validation = files("train"), files("validation")
    if CONTENT_TYPE.split(";")[0] in ("csv", "text/csv"):
        return csv(train, weights), csv(validation, weights)
    parts = [libsvm(train), libsvm(validation)]
    width = max(p[0].shape[1] for p in parts if p)
    made = []
    for part in parts:
        if part is None:
            made.append(None)
            continue
        data, labels, instance_weights = part
        wide = np.full((len(labels), width), np.nan, dtype=np.float32)
        wide[:, :data.shape[1]] = data
        made.append(xgb.DMatrix(wide, label=labels, weight=instance_weights))
    return made


def parameters(given):
    params = {}
    for name, value in given.items():
        if name in OURS:
            continue
        if name in INTEGERS:
            value = int(value)
        params[name] = value
    for name in ("monotone_constraints", "interaction_constraints"):
        if name in given:
            params[name] = given[name]
    metrics = [m for m in given.get("eval_metric", "").split(",") if m]
    tuned = given.get("_tuning_objective_metric", "").partition(":")[2]
    if tuned and tuned not in metrics:
        metrics.append(tuned)
    return params, metrics


def save(booster, name):
    path = os.path.join(ROOT, "model", name)
    if FORM == "pickle":
        with open(path, "wb") as f:
            pickle.dump(booster, f, protocol=4)
    else:
        booster.save_model(path)


def say(iteration, names):
    print("[%d]\t%s" % (iteration, "\t".join(names)), flush=True)


def main():
    with open(os.path.join(ROOT, "input", "config", "hyperparameters.json")) as f:
        given = {k: str(v) for k, v in json.load(f).items()}
    weights = given.get("csv_weights") == "1"
    train, validation = matrices(weights)
    if train is None:
        raise UserError("No training data in channel 'train'.")
    params, metrics = parameters(given)
    rounds, folds = int(given["num_round"]), int(given.get("_kfold", "0"))
    os.makedirs(os.path.join(ROOT, "model"), exist_ok=True)
    print("XGBoost %s, %d x %d train matrix%s" % (xgb.__version__, train.num_row(), train.num_col(),
                                                  "" if validation is None else ", %d x %d validation matrix" % (validation.num_row(), validation.num_col())), flush=True)
    if folds:
        kfold(train, validation, params, metrics, rounds, folds, int(given.get("_num_cv_round", "1")), given)
        return
    watch = [(train, "train")] + ([(validation, "validation")] if validation is not None else [])
    save(fit(train, watch, params, metrics, rounds, given), "xgboost-model")


def fit(train, watch, params, metrics, rounds, given, quiet=False):
    booster = xgb.Booster(params, [train] + [m for m, _ in watch])
    if metrics:
        booster.set_param([("eval_metric", m) for m in metrics])
    patience = int(given.get("early_stopping_rounds", "0"))
    early = patience and metrics and any(name == "validation" for _, name in watch)
    best, best_round, best_raw = None, 0, None
    for i in range(rounds):
        booster.update(train, i)
        values = []
        for item in booster.eval_set(watch, i).split()[1:]:
            name, _, value = item.rpartition(":")
            values.append((name, float(value)))
        if not quiet:
            say(i, ["%s:%.5f" % v for v in values])
        if early:
            name, value = values[-1]
            metric = name.partition("-")[2].partition("@")[0]
            if best is None or (value > best if metric in MAXIMISED else value < best):
                best, best_round, best_raw = value, i, booster.copy()
            elif i - best_round >= patience:
                print("Stopping. Best iteration: [%d] %s:%.5f" % (best_round, name, best), flush=True)
                break
    if early:
        best_raw.set_attr(best_iteration=str(best_round), best_score=str(best))
        return best_raw
    return booster


def kfold(train, validation, params, metrics, rounds, folds, repeats, given):
    """One model a fold, of all rows that are not in the fold."""
    if validation is not None:
        raise UserError("k-fold training takes the channel 'train' alone here.")
    seed = int(given.get("seed", "0"))
    order = np.random.RandomState(seed)
    n = 0
    totals = {}
    for _ in range(repeats):
        rows = order.permutation(train.num_row())
        for part in np.array_split(rows, folds):
            held = np.zeros(train.num_row(), dtype=bool)
            held[part] = True
            here, there = train.slice(np.where(~held)[0]), train.slice(np.where(held)[0])
            booster = fit(here, [(here, "train"), (there, "validation")], params, metrics, rounds, given, quiet=True)
            for item in booster.eval_set([(here, "train"), (there, "validation")], rounds).split()[1:]:
                name, _, value = item.rpartition(":")
                totals.setdefault(name, []).append(float(value))
            save(booster, "xgboost-model-%d" % n)
            n += 1
    say(rounds, ["%s:%.5f" % (name, sum(values) / len(values)) for name, values in totals.items()])


if __name__ == "__main__":
    try:
        main()
    except Exception as err:  # the container tells SageMaker in this file, too
        kind = "ClientError" if isinstance(err, (UserError, ValueError, xgb.core.XGBoostError)) else "AlgorithmError"
        os.makedirs(os.path.join(ROOT, "output"), exist_ok=True)
        with open(os.path.join(ROOT, "output", "failure"), "w") as f:
            f.write("%s: %s" % (kind, str(err).strip().split("\n")[0]))
        print("%s: %s" % (type(err).__name__, err), file=sys.stderr)
        sys.exit(1)
