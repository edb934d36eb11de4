"""Trains as SageMaker's built-in XGBoost does in a folder laid out like /opt/ml, with the XGBoost of this Python. Called by threatdetect train local.

Hyperparameters were checked by the caller, by the rules of the image version; what is checked here is what needs XGBoost or the data. Data are read by
XGBoost's own parsers, and its own loop trains, so that rounds, stopping and what is saved are those of the release.

What local_metrics.py defines stands in front of this file when it is run.
"""
import collections
import collections.abc
import csv
import inspect
import json
import os
import pickle
import re
import shutil
import signal
import sys
import tempfile
import time

import numpy as np
import xgboost as xgb

ROOT, IMAGE, FORM = sys.argv[1:4]
VERSION = [0, 72] if IMAGE == "1" else [int(n) for n in re.findall(r"\d+", IMAGE)]
CALLBACKS = hasattr(xgb.callback, "TrainingCallback")  # from 1.3 on they are classes, and early stopping is one
collections.Mapping = collections.abc.Mapping  # where XGBoost before 0.90 looks for it, and Python 3.10 has it no more
MODEL = "xgboost-model"
INTEGERS = {"num_round", "early_stopping_rounds", "nthread", "verbosity", "silent", "seed", "num_class", "num_parallel_tree", "max_depth", "max_leaves", "max_bin",
            "one_drop", "refresh_leaf", "csv_weights", "prob_buffer_row", "_kfold", "_nfold", "_num_cv_round"}
OURS = {"num_round", "early_stopping_rounds", "csv_weights", "eval_metric", "_kfold", "_nfold", "_num_cv_round", "_tuning_objective_metric",
        "save_model_on_termination", "use_dask_gpu_training"}
MAXIMISED = {"accuracy", "auc", "aucpr", "balanced_accuracy", "f1", "f1_binary", "f1_macro", "map", "ndcg", "precision", "r2", "recall", "precision_macro",
             "precision_micro", "recall_macro", "recall_micro"}
# Parts of XGBoost's messages that blame the data or the hyperparameters.
BLAMED = ("label must be in [0,1]", "label must be in [0, num_class)", "Target is multiclass but average='binary'", "feature_names mismatch",
          "preds.size() == info.labels_.size()", "the dataset only contains pos or neg samples", "base_score must be in (0,1)", "label must be nonnegative",
          "Parameter reg_lambda should be greater equal to 0")


class UserError(Exception):
    """A fault of the data or the hyperparameters: ClientError in SageMaker's words."""


def info(text, *args, level="INFO"):
    print("[%s:%s] %s" % (time.strftime("%Y-%m-%d:%H:%M:%S"), level, text % args), flush=True)


def say(iteration, values):
    print("[%d]\t%s" % (iteration, "\t".join("%s:%.5f" % tuple(v[:2]) for v in values)), flush=True)


# Data.

def channels():
    """Form of the files, and the files of train and validation; None where there is no such channel."""
    given = read("inputdataconfig.json")
    if given is None:
        given = {name: {} for name in ("train", "validation") if os.path.isdir(os.path.join(ROOT, "input", "data", name))}
    for name, channel in given.items():
        if name not in ("train", "validation", "code"):
            raise UserError("Extraneous channel found: %s" % name)
        if channel.get("TrainingInputMode", "File") == "Pipe":
            raise UserError("Channel %s: train local has no pipes; want input mode File or FastFile" % name)
    if "train" not in given:
        raise UserError("Missing required channel: train")
    form = form_of(given["train"].get("ContentType"))
    train, validation = files("train"), files("validation") if "validation" in given else None
    for name, found in (("training", train), ("validation", validation)):
        if found is not None and not sum(os.path.getsize(f) for f in found):
            raise UserError("No data in %s channel path %s" % (name, os.path.join("/opt/ml/input/data", "train" if name == "training" else name)))
        for path in found or []:
            check(path, form)
    sizes = {os.path.basename(f): os.path.getsize(f) for f in train}
    for path in validation or []:
        if sizes.get(os.path.basename(path)) == os.path.getsize(path):
            info("Suspected identical files found: %s, of %d bytes, in both channels", os.path.basename(path), os.path.getsize(path), level="WARNING")
    return form, train, validation


def form_of(content_type):
    kind, _, rest = (content_type or "libsvm").lower().partition(";")
    kind = kind.strip()
    if kind in ("csv", "text/csv"):
        size = re.search(r"label_size\s*=\s*\"?([^;\"]*)", rest)
        if size and size.group(1).strip() != "1":
            raise UserError("%s is not an accepted csv ContentType. Optional parameter label_size must be equal to 1" % content_type)
        return "csv"
    if kind in ("libsvm", "text/libsvm", "text/x-libsvm"):
        return "libsvm"
    if kind in ("parquet", "application/x-parquet"):
        return "parquet"
    if kind in ("recordio-protobuf", "application/x-recordio-protobuf"):
        raise UserError("%s: train local reads csv, libsvm and parquet" % content_type)
    raise UserError("%s is not an accepted ContentType: csv, libsvm, parquet, recordio-protobuf, text/csv, text/libsvm, text/x-libsvm, application/x-parquet, "
                    "application/x-recordio-protobuf." % content_type)


def files(channel):
    """Files of a channel: from 1.5-1 on of folders down to the third level, before only those of the first folder that has no other in it."""
    found, leaf = [], None
    top = os.path.join(ROOT, "input", "data", channel)
    for parent, folders, names in os.walk(top, followlinks=True):
        folders.sort()
        depth = 1 + len(os.path.relpath(parent, top).split(os.sep)) - (parent == top)
        if any(name.startswith(".") for name in names):
            raise UserError("Hidden file found in the data path! Remove that before training.")
        if VERSION < [1, 5]:
            if not folders and leaf is None:
                leaf = found = [os.path.join(parent, name) for name in sorted(names)]
        elif depth <= 3:
            found += [os.path.join(parent, name) for name in sorted(names)]
        elif names:
            info("The depth of folder %s exceeds the limit 3: files in it are not loaded", channel, level="WARNING")
    return found


def check(path, form):
    """What the container looks at before XGBoost reads: the first line that says something."""
    name = os.path.basename(path)
    if form == "csv" and not name.startswith("_"):
        delimiter(path)
    if form != "libsvm" or name.startswith("_"):
        return
    with open(path, errors="ignore") as f:
        for line in f:
            label, features = line.split(" ")[0], line.split(" ")[1:]
            good = all(":" in feature for feature in features) and label.count(":") < 2
            try:
                [float(part) for part in label.split(":")]
            except ValueError:
                good = False
            if not good:
                raise UserError("First line '%s...' of file '%s' is not 'LIBSVM' format. Please ensure the file is in 'LIBSVM' format." % (line[:50], name))
            if len(features) > 1:
                return


def said(err):
    """The text of an error, which is bytes in old releases."""
    return err.args[0].decode() if err.args and isinstance(err.args[0], bytes) else str(err)


def delimiter(path):
    with open(path, errors="ignore") as f:
        line = f.readline()
    try:
        return csv.Sniffer().sniff(line).delimiter
    except csv.Error as err:
        raise UserError("Could not determine delimiter on line %s:\n%s" % (line[:50], err))


def matrix(paths, form, weights):
    if not paths:
        return None
    if form == "parquet":
        import pyarrow.parquet
        table = np.concatenate([pyarrow.parquet.read_table(path).to_pandas().to_numpy() for path in paths])
        return xgb.DMatrix(table[:, 1:], label=table[:, 0])
    if form == "csv" and VERSION < [0, 90]:  # whose parser knows of no delimiter and no weights
        split = delimiter(paths[0])
        rows = []
        for path in paths:
            with open(path) as f:
                rows += [[float(field or "nan") for field in line.rstrip("\r\n").split(split)] for line in f]
        table, first = np.array(rows, dtype=np.float32), 2 if weights else 1
        return xgb.DMatrix(table[:, first:].copy(), label=table[:, 0].copy(), weight=table[:, 1].copy() if weights else None)  # it reads no strides
    # Names without anything that means something in an address.
    folder = tempfile.mkdtemp()
    try:
        os.chdir(folder)
        for i, path in enumerate(paths):
            os.symlink(os.path.realpath(path), "part%06d" % i)
        address = ";".join(sorted(os.listdir("."))) + "?format=" + form
        if form == "csv":
            split = delimiter(paths[0])
            info("Determined delimiter of CSV input is '%s'", split)
            address += "&label_column=0&delimiter=" + split + ("&weight_column=1" if weights else "")
        try:
            made = xgb.DMatrix(address)
        except Exception as err:
            raise UserError("Failed to load %s data with exception:\n%s" % (form, said(err)))
    finally:
        os.chdir(ROOT)
        shutil.rmtree(folder)
    if made.get_label().size == 0:
        raise UserError("Got input data without labels. Please check the input data set.")
    return made


# Training.

def read(name):
    path = os.path.join(ROOT, "input", "config", name)
    if not os.path.exists(path):
        return None
    with open(path) as f:
        return json.load(f)


def number(name, value):
    try:
        return int(value) if name in INTEGERS else float(value)
    except ValueError:
        return value


class Job:
    def __init__(self, given):
        self.params = {name: number(name, value) for name, value in given.items() if name not in OURS}
        self.rounds = int(given["num_round"])
        self.patience = int(given.get("early_stopping_rounds", "0")) or None
        asked = [m for m in given.get("eval_metric", "").split(",") if m]
        tuned = [m for m in given.get("_tuning_objective_metric", "").partition(":")[2].split(",") if m]
        every = sorted(set(asked + tuned)) if asked and tuned else asked + tuned
        added = [m for m in every if m in OF_CLASSES or m in OF_VALUES]
        builtin = [m for m in every if m not in added]
        if builtin:
            self.params["eval_metric"] = builtin
        self.evaluate = evaluator(added, VERSION)
        self.decides = (tuned or asked or [None])[-1]  # when to stop
        self.keeps = given.get("save_model_on_termination") == "true"
        self.checkpoints = None
        config = read("checkpointconfig.json")
        if config is not None:
            path = config.get("LocalPath") or "/opt/ml/checkpoints"
            self.checkpoints = os.path.join(ROOT, path[len("/opt/ml/"):]) if path.startswith("/opt/ml/") else path

    def fit(self, train, watch, validated, fold=None):
        """Trains one model as xgb.train does in the image, and returns it and the metrics of all rounds. Validated: there is a channel validation."""
        name = MODEL if fold is None else "%s-%d" % (MODEL, fold)
        folder = self.checkpoints and (self.checkpoints if fold is None else os.path.join(self.checkpoints, "model-%d" % fold))
        before, start = checkpoint(folder)
        if before:
            info("Checkpoint loaded from %s", before)
            info("Resuming from iteration %s", start)
        results, more = {}, {}
        callbacks = self.callbacks(folder, start, name, validated) if CALLBACKS else self.functions(folder, start, name)
        if not CALLBACKS:
            more["early_stopping_rounds"] = self.patience  # by the last metric of the last channel, and all rounds are saved
        if self.evaluate:
            more["custom_metric" if VERSION >= [3] else "feval"] = self.evaluate
        booster = xgb.train(dict(self.params), train, num_boost_round=self.rounds - start, evals=watch, evals_result=results, callbacks=callbacks, xgb_model=before,
                            verbose_eval=False, **more)
        return booster, results

    def functions(self, folder, start, name):
        def after(env):
            say(env.iteration + start, env.evaluation_result_list)
            if folder:
                at = env.iteration + start
                env.model.save_model(os.path.join(folder, "saving.sagemaker-ignore"))
                os.rename(os.path.join(folder, "saving.sagemaker-ignore"), os.path.join(folder, "xgboost-checkpoint.%d" % at))
                old = os.path.join(folder, "xgboost-checkpoint.%d" % (at - 5))
                if at - 5 >= start and os.path.exists(old):
                    os.remove(old)
            if self.keeps:
                save(env.model, name)
        return [after]

    def callbacks(self, folder, start, name, validated):
        job, stop = self, None
        if self.patience and self.decides and validated:
            stop = xgb.callback.EarlyStopping(rounds=self.patience, data_name="validation", metric_name=self.decides, maximize=self.decides in MAXIMISED, save_best=True)

        class After(xgb.callback.TrainingCallback):
            """All in one: releases up to 1.7 call callbacks in no order, and none behind one that stops, so that the container leaves out the last round at random."""

            def before_training(self, model):
                return stop.before_training(model) if stop else model

            def after_iteration(self, model, epoch, evals_log):
                say(epoch, [("%s-%s" % (data, metric), values[-1]) for data, metrics in evals_log.items() for metric, values in metrics.items()])
                if job.keeps:
                    save(model, name)
                return stop.after_iteration(model, epoch, evals_log) if stop else False

            def after_training(self, model):
                return stop.after_training(model) if stop else model
        made = [After()]
        if folder:
            every = "interval" if "interval" in inspect.signature(xgb.callback.TrainingCheckPoint).parameters else "iterations"
            made.append(xgb.callback.TrainingCheckPoint(directory=folder, name="xgboost-checkpoint", **{every: start}))
        return made


def checkpoint(folder):
    """The newest checkpoint that can be read, and the round after it."""
    if not folder:
        return None, 0
    os.makedirs(folder, exist_ok=True)
    found = sorted(int(n[len("xgboost-checkpoint."):]) for n in os.listdir(folder) if re.match(r"^xgboost-checkpoint\.[0-9]+$", n))
    for at in found[:-6:-1]:
        path = os.path.join(folder, "xgboost-checkpoint.%d" % at)
        try:
            xgb.Booster().load_model(path)
            return path, at + 1
        except xgb.core.XGBoostError:
            info("%s cannot be read", path, level="WARNING")
    return None, 0


def save(booster, name):
    path = os.path.join(ROOT, "model", name)
    if FORM == "pickle":
        with open(path + ".part", "wb") as f:
            pickle.dump(booster, f, protocol=4 if VERSION >= [1, 2] else 3)
    else:
        booster.save_model(path + ".part")
    os.replace(path + ".part", path)


def stop_early():
    """On SIGTERM what was saved so far is the model."""
    def terminate(*_):
        for name in os.listdir(os.path.join(ROOT, "model")):
            if not name.startswith(MODEL) or name.endswith(".part"):
                os.remove(os.path.join(ROOT, "model", name))
        os._exit(0)
    signal.signal(signal.SIGTERM, terminate)


def kfold(job, every, channels_watch, folds, repeats, given):
    """A model for each fold, of all rows that are not in it. The container draws the folds; here the hyperparameter seed does."""
    rows, labels = every.num_row(), every.get_label()
    classes = "num_class" in given or given.get("objective", "").startswith("binary:")
    info("Run %d-round of %d-fold cross validation with %d rows", repeats, folds, rows)
    draw = np.random.RandomState(abs(int(given.get("seed", "0"))))
    models, results = [], []
    guesses, chances = np.zeros((rows, repeats)), np.zeros((rows, repeats))
    for repeat in range(repeats):
        fold_of = np.zeros(rows, dtype=int)
        for kind in np.unique(labels) if classes else [None]:
            there = draw.permutation(np.flatnonzero(labels == kind) if classes else rows)
            fold_of[there] = np.arange(len(there)) % folds
        for fold in range(folds):
            inside = np.flatnonzero(fold_of == fold)
            here, there = every.slice(np.flatnonzero(fold_of != fold)), every.slice(inside)
            info("Train cross validation fold %d", fold + 1)
            # Images up to 1.5-1 look at the fold, later ones at the channels.
            watch = channels_watch if VERSION >= [1, 7] else [(here, "train"), (there, "validation")]
            booster, result = job.fit(here, watch, len(channels_watch) > 1, len(models))
            models.append(booster)
            results.append(result)
            predicted = booster.predict(there)
            if classes:
                chances[inside, repeat] = predicted.max(axis=-1) if predicted.ndim > 1 else predicted
                guesses[inside, repeat] = predicted.argmax(axis=-1) if predicted.ndim > 1 else predicted > 0.5
            else:
                guesses[inside, repeat] = predicted
        info("The metrics of round %d cross validation", repeat + 1)
        mean(job.rounds, results[-folds:])
    if repeats > 1:
        info("The overall metrics of %d-round cross validation", repeats)
        mean(job.rounds, results)
    if classes:
        modes = [np.unique(row, return_counts=True) for row in guesses]
        columns = [labels, chances.mean(axis=1), [values[counts.argmax()] for values, counts in modes]]
    else:
        columns = [labels, guesses.mean(axis=1)]
    os.makedirs(os.path.join(ROOT, "output", "data"), exist_ok=True)
    np.savetxt(os.path.join(ROOT, "output", "data", "predictions.csv"), np.column_stack(columns), delimiter=",", fmt="%f")
    for i, booster in enumerate(models):
        save(booster, "%s-%d" % (MODEL, i))


def mean(rounds, results):
    say(rounds, [("%s-%s" % (data, metric), np.mean([r[data][metric][-1] for r in results])) for metric in results[0]["train"] for data in results[0]])


def cross_validate(job, every, folds):
    """Image 1.2-1 alone: after the training, for the log."""
    info("Run %d-fold cross validation on the data of %d rows", folds, every.num_row())
    result = xgb.cv(dict(job.params), every, nfold=folds, num_boost_round=job.rounds, feval=job.evaluate, early_stopping_rounds=job.patience, verbose_eval=True,
                    show_stdv=True, shuffle=False, as_pandas=False)
    info("The final metrics of cross validation")
    means = [(name[:-len("-mean")].replace("test-", "validation-", 1), values[-1]) for name, values in result.items() if name.endswith("-mean")]
    say(len(next(iter(result.values()))) - 1, means)


def main():
    given = {name: str(value) for name, value in read("hyperparameters.json").items()}
    given = {{"learning_rate": "eta", "min_split_loss": "gamma", "reg_lambda": "lambda", "reg_alpha": "alpha"}.get(name, name): value for name, value in given.items()}
    info("Running XGBoost Sagemaker in algorithm mode")
    form, train_files, validation_files = channels()
    weights = given.get("csv_weights") == "1"
    train, validation = matrix(train_files, form, weights), matrix(validation_files, form, weights)
    info("Single node training.")
    info("Train matrix has %d rows and %d columns", train.num_row(), train.num_col())
    if validation is not None:
        info("Validation matrix has %d rows", validation.num_row())
    os.makedirs(os.path.join(ROOT, "model"), exist_ok=True)
    watch = [(train, "train")] + ([(validation, "validation")] if validation is not None else [])
    folds, old_folds = int(given.get("_kfold", "0")), int(given.get("_nfold", "0"))
    every = train
    if (folds or old_folds) and validation is not None:
        info("Read both train and validation data into one DMatrix")
        every = matrix(train_files + validation_files, form, weights)
    job = Job(given)
    if job.keeps:
        stop_early()
    try:
        if folds:
            kfold(job, every, watch, folds, int(given.get("_num_cv_round", "1")), given)
            return
        booster, _ = job.fit(train, watch, validation is not None)
        if old_folds:
            cross_validate(job, every, old_folds)
        save(booster, MODEL)
    except Exception as err:
        if any(text in said(err) for text in BLAMED):
            raise UserError(said(err))
        raise RuntimeError("XGB train call failed with exception:\n %s" % said(err))


if __name__ == "__main__":
    try:
        main()
    except Exception as err:  # the container tells SageMaker in this file, too
        kind = "ClientError" if isinstance(err, UserError) else "AlgorithmError"
        os.makedirs(os.path.join(ROOT, "output"), exist_ok=True)
        with open(os.path.join(ROOT, "output", "failure"), "w") as f:
            f.write(("%s: %s" % (kind, " ".join(str(err).split("Stack trace")[0].split())))[:1024])
        print("%s: %s" % (kind, err), file=sys.stderr)
        sys.exit(1)
