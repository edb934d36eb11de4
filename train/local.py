"""Trains as SageMaker's built-in XGBoost does in a folder laid out like /opt/ml, with the XGBoost of this Python. Called by threatdetect train local.

Hyperparameters were checked by the caller, by the rules of the image version; what is checked here is what needs XGBoost or the data. Data are read by
XGBoost's own parsers, and its own loop trains, so that rounds, stopping and what is saved are those of the release.

What local_metrics.py and local_data.py define stands in front of this file when it is run.
"""
import collections
import collections.abc
import inspect
import os
import pickle
import re
import signal
import sys

import numpy as np
import xgboost as xgb

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


def say(iteration, values):
    print("[%d]\t%s" % (iteration, "\t".join("%s:%.5f" % tuple(v[:2]) for v in values)), flush=True)


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
