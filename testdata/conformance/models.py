#!/usr/bin/env python3
"""Train models with the XGBoost release of this interpreter, save each in every way that it has, and write what it predicts.

    models.py [--seed SEED] [--cases NUMBER] OUT

Writes OUT/<release>/: the models, numbers.bin and manifest.json. The same bytes on every run with the same seed, except
that seeds other than 0 also draw some parameters. --cases takes that many of the cases, drawn by the seed.

numbers.bin holds little-endian float32 arrays, row-major and without headers. The manifest names an array by its offset in
bytes and its shape. For each model it lists the checks: what is asked (output, rows, and perhaps a base margin and a range
of rounds) and the numbers that this release gives after it has loaded that very file.

refused.json beside it lists what this release itself would not train, write, read or predict.
"""
import argparse
import collections
import collections.abc
import hashlib
import io
import json
import os
import pickle
import platform
import re
import struct
import sys
import tarfile
import tempfile
import warnings

import numpy as np

collections.Mapping = collections.abc.Mapping  # where xgboost 0.72 looks for it
import xgboost as xgb  # noqa: E402

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))
import make as golden  # noqa: E402

VERSION = golden.VERSION
F32 = np.float32
COLUMNS = 8
NUM_TRAIN = 200
NUM_ROWS = 48


# --- cases ------------------------------------------------------------------------------------------------------------


class Case:
    """A model to train: parameters, and what is special about its labels, its columns or the way it is trained."""

    def __init__(self, name, params, rounds=8, labels="number", targets=1, categories=None, names=False, custom=False,
                 early=False, more=0, part=None, frame=False, since=(0,), columns=COLUMNS, protocols=False, container=False,
                 ranges=False):
        self.__dict__.update(locals())
        del self.__dict__["self"]
        self.booster = params.get("booster", "gbtree")
        self.objective = params.get("objective", "default")

    def __call__(self, **changes):
        """A copy with other values."""
        values = {k: v for k, v in self.__dict__.items() if k not in ("booster", "objective")}
        values.update(changes)
        return Case(**values)


# Name, first release that has it, labels, further parameters.
OBJECTIVES = [
    ("reg:linear", (0, 72), "number", {}),
    ("reg:squarederror", (0, 90), "number", {}),
    ("reg:squaredlogerror", (1, 0), "positive", {}),
    ("reg:logistic", (0, 72), "share", {"base_score": 0.3}),
    ("reg:pseudohubererror", (1, 2), "number", {"huber_slope": 1.7}),
    ("reg:absoluteerror", (1, 7), "number", {}),
    ("reg:quantileerror", (2, 0), "number", {"quantile_alpha": 0.3}),
    ("reg:expectileerror", (3, 3), "number", {"expectile_alpha": 0.3}),
    ("reg:gamma", (0, 72), "positive", {"base_score": 1.75}),
    ("reg:tweedie", (0, 72), "positive", {"tweedie_variance_power": 1.2}),
    ("count:poisson", (0, 72), "count", {"max_delta_step": 0.9}),
    ("survival:cox", (0, 72), "survival", {}),
    ("survival:aft", (1, 1), "bounds", {"aft_loss_distribution": "logistic", "aft_loss_distribution_scale": 0.8}),
    ("binary:logistic", (0, 72), "class2", {"scale_pos_weight": 1.5}),
    ("binary:logitraw", (0, 72), "class2", {"base_score": 0.2}),
    ("binary:hinge", (0, 80), "class2", {}),
    ("multi:softmax", (0, 72), "class3", {"num_class": 3}),
    ("multi:softprob", (0, 72), "class3", {"num_class": 3}),
    ("rank:pairwise", (0, 72), "rank", {}),
    ("rank:ndcg", (0, 72), "rank", {}),
    ("rank:map", (0, 72), "rank2", {}),
]


def all_cases():
    trees = {"max_depth": 3, "eta": 0.3, "min_child_weight": 0.0}
    dart = dict(trees, booster="dart", rate_drop=0.4, one_drop=1)
    linear = {"booster": "gblinear", "eta": 0.5, "reg_lambda": 0.01, "updater": "coord_descent"}
    cases = []

    # Every objective with every booster.
    for objective, since, labels, more in OBJECTIVES:
        short = objective.replace(":", "-")
        for prefix, params in (("tree", trees), ("dart", dart), ("linear", linear)):
            cases.append(Case(prefix + "-" + short, dict(params, objective=objective, **more), labels=labels, since=since))

    logistic = dict(trees, objective="binary:logistic")
    number = dict(trees, objective="reg:squarederror")  # reg:linear where that name is not known yet, see train
    softprob = dict(trees, objective="multi:softprob", num_class=3)
    vector = {"multi_strategy": "multi_output_tree", "tree_method": "hist"}

    def add(name, params, **more):
        cases.append(Case(name, params, **more))

    # Base scores.
    add("base-0.1", dict(logistic, base_score=0.1), labels="class2", protocols=True)
    add("base-0.25", dict(logistic, base_score=0.25), labels="class2")
    add("base-0.999", dict(logistic, base_score=0.999), labels="class2")
    add("base-0", dict(logistic), labels="zeros", since=(3, 2))
    add("base-1", dict(logistic), labels="ones", since=(3, 2))
    add("base-1e-7", dict(logistic, base_score=1e-7), labels="class2", since=(3, 2))
    add("base-rare", dict(logistic), labels="rare")
    add("base-long-sum", dict(number, base_score=0.7, eta=0.05, max_depth=2), rounds=200)
    add("base-poisson", dict(trees, objective="count:poisson", base_score=2.5), labels="count")
    add("extreme", dict(logistic, eta=60.0, base_score=0.5), labels="class2", rounds=4)
    add("softmax-rare", dict(softprob, objective="multi:softmax", num_class=5), labels="class5rare")
    add("softmax-ties", dict(softprob, objective="multi:softmax", gamma=60.0, tree_method="exact"), labels="class3", rounds=2)
    add("softprob-40", dict(softprob, num_class=40, max_depth=2), labels="class40", rounds=1)
    add("softprob-base", dict(softprob, base_score=0.7), labels="class3")

    # Shapes of trees and forests.
    add("deep", dict(number, max_depth=10, tree_method="exact"), rounds=5)
    add("lossguide", dict(number, tree_method="hist", grow_policy="lossguide", max_depth=0, max_leaves=24), rounds=6, labels="outliers")
    add("pruned", dict(logistic, gamma=1.5, max_depth=6, tree_method="exact"), labels="class2", rounds=10)
    add("pruned-number", dict(number, gamma=4.0, max_depth=6, tree_method="exact"), rounds=10, names=True)
    add("single-leaf", dict(number, base_score=0.1, gamma=1e9, tree_method="exact"), rounds=5)
    add("no-trees", dict(number, base_score=0.25), rounds=0)
    add("no-trees-class", dict(softprob, base_score=0.5), rounds=0, labels="class3")
    add("one-tree", dict(logistic, max_depth=5), rounds=1, labels="class2")
    add("one-column", dict(number), columns=1)
    add("names", dict(number), names=True, protocols=True)
    forest = dict(num_parallel_tree=4, subsample=0.7, colsample_bylevel=0.6, eta=0.8)
    add("forest", dict(number, **forest), rounds=3, ranges=True)
    add("forest-one-round", dict(logistic, **dict(forest, eta=1.0)), rounds=1, labels="class2", ranges=True)
    add("forest-classes", dict(softprob, **dict(forest, num_parallel_tree=2)), rounds=3, labels="class3", ranges=True)
    add("ranges", dict(number, base_score=0.7), ranges=True)
    add("ranges-classes", dict(softprob), labels="class3", ranges=True)
    add("early", dict(logistic, eta=1.0, max_depth=6), labels="noise2", rounds=12, early=True, ranges=True, protocols=True)
    add("early-classes", dict(softprob, eta=1.0, max_depth=6), labels="class3noise", rounds=12, early=True)
    add("early-forest", dict(logistic, **dict(forest, eta=2.0, max_depth=6)), labels="noise2", rounds=8, early=True)
    add("continued", dict(number), more=3, ranges=True)
    add("slice", dict(number, base_score=0.7), part=(1, 4), since=(1, 3))
    add("custom", dict(trees, base_score=0.5), custom=True)

    # DART.
    for sample in ("uniform", "weighted"):
        for normal in ("tree", "forest"):
            add("dart-%s-%s" % (sample, normal), dict(dart, objective="reg:squarederror", base_score=0.7, sample_type=sample,
                                                      normalize_type=normal), rounds=10, ranges=True)
    add("dart-logistic", dict(dart, objective="binary:logistic", base_score=0.3), rounds=12, labels="class2", protocols=True)
    add("dart-skip", dict(dart, objective="binary:logistic", skip_drop=0.5), rounds=10, labels="class2")
    add("dart-no-drop", dict(dart, objective="reg:squarederror", rate_drop=0.0, one_drop=0))
    add("dart-classes", dict(dart, objective="multi:softprob", num_class=3), labels="class3", ranges=True)
    add("dart-forest", dict(dart, objective="reg:squarederror", **forest), rounds=4, ranges=True)
    add("dart-deep", dict(dart, objective="reg:squarederror", max_depth=9, tree_method="exact"), rounds=6)
    add("dart-pruned", dict(dart, objective="reg:squarederror", gamma=3.0, max_depth=6, tree_method="exact"))
    add("dart-single-leaf", dict(dart, objective="reg:squarederror", gamma=1e9, tree_method="exact"), rounds=3)
    add("dart-no-trees", dict(dart, objective="reg:squarederror"), rounds=0)
    add("dart-early", dict(dart, objective="binary:logistic", eta=1.0, max_depth=6), labels="noise2", rounds=12, early=True)

    # Linear.
    add("linear-number", dict(linear, objective="reg:squarederror", base_score=0.7), protocols=True)
    add("linear-classes", dict(linear, objective="multi:softprob", num_class=4), labels="class4")
    add("linear-softmax", dict(linear, objective="multi:softmax", num_class=3), labels="class3")
    add("linear-shotgun", dict(linear, objective="binary:logistic", updater="shotgun"), labels="class2")
    add("linear-lasso", dict(linear, objective="reg:squarederror", reg_alpha=1.0))
    add("linear-untrained", dict(linear, objective="reg:squarederror"), rounds=0)
    add("linear-untrained-classes", dict(linear, objective="multi:softprob", num_class=3), rounds=0, labels="class3")
    add("linear-targets", dict(linear, objective="reg:squarederror"), targets=3, since=(1, 6))
    add("linear-early", dict(linear, objective="binary:logistic"), labels="noise2", rounds=12, early=True)

    # Several targets.
    add("targets", dict(number), targets=3, since=(1, 6), ranges=True)
    add("targets-logistic", dict(logistic), targets=3, labels="share", since=(1, 6))
    add("targets-forest", dict(number, **forest), targets=2, rounds=3, since=(1, 6), ranges=True)
    add("targets-dart", dict(dart, objective="reg:squarederror"), targets=3, since=(1, 6))
    add("quantiles", dict(trees, objective="reg:quantileerror", quantile_alpha=[0.9, 0.5, 0.1]), since=(2, 0))
    add("quantiles-sorted", dict(trees, objective="reg:quantileerror", quantile_alpha=[0.1, 0.5, 0.9]), since=(2, 0))
    add("quantiles-dart", dict(dart, objective="reg:quantileerror", quantile_alpha=[0.1, 0.5, 0.9]), since=(2, 0))
    add("expectiles", dict(trees, objective="reg:expectileerror", expectile_alpha=[0.1, 0.5, 0.9]), since=(3, 3))
    add("vector-base", dict(number, base_score=[0.25, -1.5, 3.0]), targets=3, since=(3, 1))

    # Trees with a vector in each leaf.
    add("vector", dict(number, **vector), targets=3, since=(2, 0), ranges=True, protocols=True)
    add("vector-logistic", dict(logistic, **vector), targets=3, labels="share", since=(2, 0))
    add("vector-classes", dict(softprob, **vector), labels="class3", since=(2, 0))
    add("vector-softmax", dict(softprob, objective="multi:softmax", **vector), labels="class3", since=(2, 0))
    add("vector-deep", dict(number, **dict(vector, max_depth=9)), targets=4, since=(2, 0), rounds=4)
    add("vector-forest", dict(number, **dict(vector, num_parallel_tree=3, subsample=0.7)), targets=2, since=(2, 0), rounds=3, ranges=True)
    add("vector-lossguide", dict(number, **dict(vector, grow_policy="lossguide", max_depth=0, max_leaves=12)), targets=2, since=(2, 0))
    add("vector-quantiles", dict(trees, objective="reg:quantileerror", quantile_alpha=[0.1, 0.5, 0.9], **vector), since=(2, 0))
    add("vector-categories", dict(number, **vector), targets=2, categories=True, since=(2, 0))
    add("vector-dart", dict(dart, objective="reg:squarederror", **vector), targets=3, since=(2, 0))

    # Categories.
    one_hot, partition = {"max_cat_to_onehot": 100}, {"max_cat_to_onehot": 1}
    for method in ("hist", "approx"):
        add("categories-onehot-" + method, dict(number, tree_method=method, **one_hot), categories=True, since=(1, 5))
        add("categories-sets-" + method, dict(number, tree_method=method, max_depth=5, **partition), categories=True, since=(1, 6))
    add("categories-logistic", dict(logistic, tree_method="hist", max_depth=6), categories=True, labels="class2", since=(1, 6), names=True)
    add("categories-classes", dict(softprob, tree_method="hist"), categories=True, labels="class3", since=(1, 6))
    add("categories-dart", dict(dart, objective="reg:squarederror", tree_method="hist"), categories=True, since=(1, 6))
    add("categories-forest", dict(number, tree_method="hist", **forest), categories=True, since=(1, 6), rounds=3)
    add("categories-named", dict(number, tree_method="hist", max_depth=5), categories=True, frame=True, since=(3, 1))
    return cases


def drawn(case, rng):
    """The case with some parameters drawn anew."""
    params = dict(case.params)
    if case.booster != "gblinear":
        if "eta" in params and params["eta"] < 1:
            params["eta"] = float(rng.choice([0.05, 0.3, 0.7]))
        if params.get("max_depth") in (3, 5, 6):
            params["max_depth"] = int(rng.randint(1, 8))
        params["reg_lambda"] = float(rng.choice([0.1, 1.0]))  # with 0, covers of 1e-16 make leaves of 1e15, see README.md
        params["subsample"] = float(rng.choice([0.6, 1.0]))
    return case(params=params, rounds=case.rounds and int(rng.randint(max(1, case.rounds // 2), case.rounds + 4)))


# --- training ---------------------------------------------------------------------------------------------------------


def labels_of(rng, kind, signal):
    n = len(signal)
    rank = np.argsort(np.argsort(signal))
    if kind == "number":
        return signal
    if kind == "positive":
        return np.exp(np.clip(signal / 3, -3, 3))
    if kind == "share":
        return 1 / (1 + np.exp(-np.clip(signal, -5, 5)))
    if kind == "count":
        return np.floor(np.exp(np.clip(signal / 3, -1, 3)))
    if kind == "survival":
        return np.exp(np.clip(signal / 3, -2, 2)) * np.where(rng.uniform(size=n) < 0.3, -1, 1)
    if kind == "bounds":
        return np.exp(np.clip(signal / 3, -2, 2))
    if kind == "zeros":
        return np.zeros(n)
    if kind == "ones":
        return np.ones(n)
    if kind == "outliers":  # each is cut off by a split of its own, which makes long thin trees
        return 2.0 ** np.arange(n) % 1e9 * (rng.uniform(size=n) < 0.1)
    if kind == "rare":
        return np.where(rng.uniform(size=n) < 0.8, 0, rank * 2 // n)
    if kind == "noise2":  # of which little can be learned, so that training soon stops
        return np.where(rng.uniform(size=n) < 0.4, rng.randint(0, 2, size=n), rank * 2 // n)
    if kind == "class3noise":
        return np.where(rng.uniform(size=n) < 0.4, rng.randint(0, 3, size=n), rank * 3 // n)
    if kind == "class5rare":
        return np.where(rng.uniform(size=n) < 0.5, 0, rank * 5 // n)
    if kind == "rank":
        return rank * 4 // n
    if kind == "rank2":
        return rank * 2 // n
    return rank * int(kind[len("class"):]) // n


class Data:
    """The training data of a case, and how to make a DMatrix that fits."""

    def __init__(self, rng, case):
        self.case = case
        self.x, signal = golden.make_data(rng, NUM_TRAIN, max(case.columns, 4), 0)
        self.x = np.ascontiguousarray(self.x[:, :case.columns])
        self.names = ["f\u00fcnf %d" % i if i == 5 else "name_%d" % i for i in range(case.columns)] if case.names else None
        self.types = None
        self.kinds = {}
        if case.categories:
            self.kinds = {0: 5, 3: 45, 6: 3}  # number of categories by column
            for column, n in self.kinds.items():
                code = rng.randint(0, n, size=NUM_TRAIN).astype(F32)
                effect = rng.normal(size=n) * 2
                signal = signal + effect[code.astype(int)].astype(F32)
                code[np.isnan(self.x[:, column])] = np.nan
                self.x[:, column] = code
            self.types = ["c" if i in self.kinds else "q" for i in range(case.columns)]
        y = [labels_of(rng, case.labels, np.nan_to_num(signal + t * self.x[:, t % case.columns], nan=0.0, posinf=0, neginf=0))
             for t in range(case.targets)]
        self.y = (y[0] if case.targets == 1 else np.stack(y, axis=1)).astype(F32)

    def frame(self):
        import pandas as pd
        columns = {}
        for i in range(self.case.columns):
            column = self.x[:, i]
            if i in self.kinds:
                if i == 6:  # whole numbers
                    values, kinds = [None if v != v else int(v) * 10 for v in column], [0, 10, 20]
                else:  # names in an order that is not that of the alphabet
                    kinds = ["%s%d" % ("ba"[k % 2], k) for k in range(self.kinds[i])]
                    values = [None if v != v else kinds[int(v)] for v in column]
                columns["name_%d" % i] = pd.Categorical(values, categories=kinds)
            else:
                columns["name_%d" % i] = column
        return pd.DataFrame(columns)

    def matrix(self, x, label=None):
        kw = {}
        if self.names or self.case.frame:
            kw["feature_names"] = self.names or ["name_%d" % i for i in range(self.case.columns)]
        if self.types:
            kw.update(feature_types=self.types, enable_categorical=True)
        if label is not None:
            kw["label"] = label
        return xgb.DMatrix(x, **kw)

    def training(self):
        if self.case.frame:
            m = xgb.DMatrix(self.frame(), label=self.y, enable_categorical=True)
        elif self.case.labels == "bounds":
            m = self.matrix(self.x)
            m.set_float_info("label_lower_bound", self.y)
            m.set_float_info("label_upper_bound", np.where(np.arange(len(self.y)) % 4, self.y, np.inf).astype(F32))
        else:
            m = self.matrix(self.x, self.y)
        if self.case.labels.startswith("rank"):
            m.set_group([20] * (NUM_TRAIN // 20))
        return m


def quiet(params, seed):
    params = dict(params, nthread=1, seed=seed)
    if VERSION >= (1,):
        params["verbosity"] = 0
    else:
        params["silent"] = 1
    if params.get("objective") == "reg:squarederror" and VERSION < (0, 90):
        params["objective"] = "reg:linear"
    if isinstance(params.get("base_score"), list):
        params["base_score"] = np.array(params["base_score"], dtype=F32)
    return params


def train(case, data, seed):
    params = quiet(case.params, seed)
    matrix = data.training()
    kw = {}
    if case.custom:
        def gradient(margins, _):
            return (np.asarray(margins).reshape(-1) - data.y).astype(F32), np.ones(len(data.y), dtype=F32)
        kw["obj"] = gradient
    if case.early:
        half = NUM_TRAIN // 2
        matrix = data.matrix(data.x[:half], data.y[:half])
        kw.update(evals=[(data.matrix(data.x[half:], data.y[half:]), "rest")], early_stopping_rounds=3, verbose_eval=False)
    booster = xgb.train(params, matrix, num_boost_round=case.rounds, **kw)
    if case.more:
        booster = xgb.train(params, matrix, num_boost_round=case.more, xgb_model=booster)
    if case.part:
        booster = booster[case.part[0]:case.part[1]]
    if case.rounds == 0:
        booster.predict(matrix)  # which configures it
    if case.names:
        booster.set_attr(note="grüße, \"quoted\"\n", empty="")
    return booster


# --- saving -----------------------------------------------------------------------------------------------------------


class Written:
    """A file, how to load it, and what the table calls its format."""

    def __init__(self, form, name, load, pickled=False, lost=False):
        self.form, self.name, self.load, self.pickled = form, name, load, pickled
        self.lost = lost  # the file does not tell the size of a forest


def load_file(path):
    # With the parameters, as old releases keep nthread beside the model.
    booster = xgb.Booster({"nthread": 1, "verbosity": 0} if VERSION >= (1,) else {"nthread": 1, "silent": 1})
    booster.load_model(path)
    return booster


def unpickle(path):
    with open(path, "rb") as f:
        return pickle.load(f)


def save_all(out, name, case, booster, protocols, refused):
    """Writes booster in every way there is and yields what was written."""

    def attempt(form, file, write, load, **kw):
        path = os.path.join(out, file)
        try:
            write(path)
        except (xgb.core.XGBoostError, ValueError, TypeError) as e:
            refuse(refused, case.name, "save as " + form, e)
            if os.path.exists(path):
                os.remove(path)
            return
        yield Written(form, file, load, **kw)

    def bytes_to(data):
        def write(path):
            with open(path, "wb") as f:
                f.write(data() if callable(data) else data)
        return write

    old = VERSION < (1, 6)
    if VERSION < (2, 1):
        yield from attempt("legacy", name + ".model", booster.save_model, load_file, lost=old)
    elif VERSION < (3, 1):
        yield from attempt("legacy", name + ".deprecated", booster.save_model, load_file)
    if VERSION >= (1, 0):
        yield from attempt("JSON", name + ".json", booster.save_model, load_file, lost=old)
    if VERSION >= (1, 6):
        yield from attempt("UBJSON", name + ".ubj", booster.save_model, load_file)

    for protocol in protocols:
        yield from attempt("pickle", "%s.p%d.pkl" % (name, protocol), bytes_to(lambda p=protocol: pickle.dumps(booster, p)),
                           unpickle, pickled=True, lost=VERSION < (1, 0))

    # The buffers of pickling and of save_raw, without the pickle around them.
    def snapshot():
        return bytes(booster.__getstate__()["handle"])

    def restore(path):
        with open(path, "rb") as f:
            data = bytearray(f.read())
        loaded = xgb.Booster()
        state = dict(booster.__getstate__(), handle=data)
        loaded.__setstate__(state)
        return loaded

    def from_raw(path):
        with open(path, "rb") as f:
            return load_file(bytearray(f.read()))

    if VERSION >= (1, 0):
        if VERSION < (1, 4):
            for flag in (False, True):
                booster.set_param({"enable_experimental_json_serialization": flag})
                yield from attempt("snapshot", "%s.%s.snapshot" % (name, "json" if flag else "offset"), bytes_to(snapshot), restore)
            booster.set_param({"enable_experimental_json_serialization": VERSION >= (1, 3)})
        else:
            yield from attempt("snapshot", name + ".snapshot", bytes_to(snapshot), restore)
    if VERSION < (1, 6):
        yield from attempt("raw buffer", name + ".raw", bytes_to(lambda: bytes(booster.save_raw())), from_raw, lost=True)
    else:
        for raw in ["json", "ubj"] + ["deprecated"] * (VERSION < (3, 1)):
            yield from attempt("raw buffer", "%s.%s.raw" % (name, raw),
                               bytes_to(lambda r=raw: bytes(booster.save_raw(raw_format=r))), from_raw)


# --- predictions ------------------------------------------------------------------------------------------------------


def refuse(refused, case, what, error):
    message = str(error).strip().split("\nStack trace")[0].splitlines()
    refused.append({"case": case, "what": what, "message": re.sub(r"^\[[0-9:]*\] [^ ]*: ", "", message[0] if message else repr(error))[:300]})


class Numbers:
    """The arrays of numbers.bin, each once."""

    def __init__(self):
        self.data = bytearray()
        self.known = {}

    def add(self, array):
        array = np.ascontiguousarray(array, dtype="<f4")
        raw = array.tobytes()
        key = hashlib.sha256(raw).digest()
        if key not in self.known:
            self.known[key] = len(self.data)
            self.data += raw
        return {"offset": self.known[key], "shape": list(array.shape)}


def thresholds_of(booster, columns):
    """The thresholds of every column."""
    found = [[] for _ in range(columns)]
    if VERSION < (1, 0):  # whose text dumps are rounded
        raw = bytes(booster.save_raw())
        at = 136
        for _ in range(2):
            at += 8 + struct.unpack_from("<Q", raw, at)[0]
        trees = struct.unpack_from("<i", raw, at)[0]
        at += 160
        for _ in range(trees):
            nodes = struct.unpack_from("<i", raw, at + 4)[0]
            at += 148
            for n in range(nodes):
                _, left, _, split, value = struct.unpack_from("<iiIIf", raw, at + 20 * n)
                if left != -1:
                    found[split & 0x7FFFFFFF].append(F32(value))
            at += 36 * nodes
        return found
    for tree in trees_of(booster):
        kinds = tree.get("split_type") or [0] * len(tree["left_children"])
        for left, column, threshold, kind in zip(tree["left_children"], tree["split_indices"], tree["split_conditions"], kinds):
            if left != -1 and kind == 0:
                found[column].append(F32(threshold))
    return found


def trees_of(booster):
    """The trees as the JSON form has them."""
    with tempfile.TemporaryDirectory() as tmp:
        path = os.path.join(tmp, "model.json")
        booster.save_model(path)
        with open(path, encoding="utf-8") as f:
            text = re.sub(r"-?\b(inf|nan|NaN|Infinity)\b", "null", f.read())
    gradient_booster = json.loads(text)["learner"]["gradient_booster"]
    return gradient_booster.get("gbtree", gradient_booster)["model"]["trees"]


EDGE_CATEGORIES = [-1, -0.5, -0.0, 0.0, 1.7, 2.0, 4.0, 5.0, 31.0, 32.0, 39.9, 40.0, 44.0, 45.0, 63.0, 64.0, 1e6, 16777215.0,
                   16777216.0, 3e9, np.nan]


def make_rows(rng, data, thresholds):
    rows = golden.make_rows(rng, data.x, thresholds, NUM_ROWS)
    for column, n in data.kinds.items():
        for r in range(NUM_ROWS):
            rows[r, column] = rng.randint(n) if rng.randint(2) else EDGE_CATEGORIES[rng.randint(len(EDGE_CATEGORIES))]
    return rows


class Asker:
    """Asks a booster for predictions of the rows of a case."""

    def __init__(self, case, data, rows, groups, rng):
        self.case, self.data, self.rows, self.groups = case, data, rows, groups
        self.base = rng.normal(size=(len(rows), groups)).astype(F32)
        self.forest = case.params.get("num_parallel_tree", 1)

    def wide(self):
        """The same with more rows, and base margins of all sizes."""
        rng = np.random.RandomState(1)
        wide = Asker(self.case, self.data, self.rows[rng.randint(len(self.rows), size=1500)], self.groups, rng)
        size = rng.choice([0.01, 1.0, 10.0, 100.0], size=(len(wide.rows), 1))
        wide.base = (rng.uniform(-1, 1, size=wide.base.shape) * size).astype(F32)
        return wide

    def matrix(self, base):
        m = self.data.matrix(self.rows)
        if base:
            flat = self.groups == 1 or VERSION < (1, 6)
            m.set_base_margin(self.base.reshape(-1) if flat else self.base)
        return m

    def predict(self, booster, base=False, rounds=None, lost=False, limit=None, **kw):
        """Predicts with all rounds, those in [rounds[0], rounds[1]), or as ntree_limit says."""
        if limit is not None:
            kw["ntree_limit"] = limit
        elif rounds is not None and VERSION < (1, 4):
            assert rounds[0] == 0
            kw["ntree_limit"] = rounds[1] * self.forest
        elif rounds is not None:
            kw["iteration_range"] = rounds
        elif self.case.booster == "dart" and VERSION < (1, 0):
            kw["ntree_limit"] = 10000  # without it, trees are dropped at random
        return np.asarray(booster.predict(self.matrix(base), **kw), dtype=F32)


OUTPUTS = [
    ("value", {}),
    ("margin", {"output_margin": True}),
    ("leaf", {"pred_leaf": True}),
    ("contributions", {"pred_contribs": True}),
    ("approximate", {"pred_contribs": True, "approx_contribs": True}),
    ("interactions", {"pred_interactions": True}),
]
EXPLANATIONS = ("contributions", "approximate", "interactions")
MISUSE = (xgb.core.XGBoostError, ValueError, TypeError, IndexError)


def checks_of(asker, written, booster, original, numbers, refused, rows_at, base_at):
    """What is asked of one file, and the answers."""
    case = asker.case
    checks = []

    def check(output, answer, **more):
        n = len(asker.rows)
        checks.append(dict({"output": output, "rows": rows_at, "want": numbers.add(answer.reshape(n, -1))}, **more))

    def ask(output, who=booster, note="", shown={}, **kw):
        try:
            answer = asker.predict(who, **kw)
        except MISUSE as e:
            if "keyword argument" in str(e) and "unexpected" not in str(e):
                raise  # a fault of this program
            refuse(refused, case.name, "predict %s%s from %s" % (output, note, written.form), e)
            return
        check(output, answer, **shown)

    for output, kw in OUTPUTS:
        if "multi_strategy" in case.params and VERSION < (3, 3) and output in EXPLANATIONS:
            # Refused, except for a file that 2.0 to 3.1 have loaded: these then take the numbers of a leaf for one.
            refuse(refused, case.name, "predict %s from %s" % (output, written.form), "vector leaves")
            continue
        ask(output, **kw)
        if output != "leaf":
            ask(output, base=True, note=" with a base margin", shown={"base_margin": base_at}, **kw)

    if case.name.startswith("tree-"):
        # Margins of every size, for what the objective makes of them.
        wide = asker.wide()
        try:
            answer = wide.predict(booster, base=True)
            checks.append({"output": "value", "rows": numbers.add(wide.rows), "base_margin": numbers.add(wide.base),
                           "want": numbers.add(answer.reshape(len(answer), -1))})
        except MISUSE as e:
            refuse(refused, case.name, "predict value with a base margin from %s" % written.form, e)

    if case.ranges and case.booster != "gblinear":
        layers = asker.rounds
        spans = [(0, 1), (0, 2), (0, layers)]
        if VERSION >= (1, 4):
            spans += [(1, 2), (1, layers), (layers - 1, layers)]
        spans = sorted({s for s in spans if s[0] < s[1] <= layers})
        for span in spans:
            who, shown = booster, span
            if written.lost and asker.forest > 1:
                # The loaded booster takes every tree (of each group) for a round. With groups the file shows the forest.
                if asker.groups > 1:
                    who = original
                elif VERSION < (1, 4):
                    shown = (0, span[1] * asker.forest)
            for output, kw in OUTPUTS:
                if "multi_strategy" in case.params and VERSION < (3, 3) and output in EXPLANATIONS:
                    continue
                if span[0] == 0 or output in ("value", "margin"):
                    ask(output, who=who, rounds=span, note=" of rounds %d to %d" % span, shown={"rounds": list(shown)}, **kw)

    if case.ranges and case.booster != "gblinear" and VERSION < (2, 0):  # XGBoost's older word for it, counted in trees
        who = original if written.lost and asker.forest > 1 and asker.groups > 1 else booster
        for limit in sorted({1, 3, asker.forest, asker.forest + 1}):
            if limit <= asker.rounds * asker.forest:
                for output, kw in OUTPUTS[:2]:
                    ask(output, who=who, limit=limit, note=" of rounds 0 to %d" % limit, shown={"limit": limit}, **kw)

    if written.pickled and (case.early or case.protocols):
        # As the containers do: the limit comes from an attribute of the Python object, 0 is all.
        limit = getattr(booster, "best_ntree_limit", 0) if VERSION < (2, 0) else 0
        if case.booster == "gblinear" and VERSION < (1, 4):
            limit = 0  # which it refuses otherwise
        if case.booster == "dart" and not limit:
            limit = 10000 if VERSION < (1, 0) else None
        for output, kw in OUTPUTS[:2]:
            ask(output, limit=limit if VERSION < (2, 0) else None, note=" as a container", shown={"container": True}, **kw)
    return checks


# --- releases' other ways of saving -----------------------------------------------------------------------------------


def container_of():
    """How the SageMaker container of this release saves a model: None if there was none."""
    short = VERSION[:2]
    if short in ((0, 72), (0, 90), (1, 0)):
        return "pickle", 3  # the default of the Python of the time
    if short == (1, 2):
        return "pickle", 4
    if short in ((1, 3), (1, 5), (1, 7), (3, 0), (3, 2)):
        return "save_model", None
    return None, None


def save_as_container(booster, path):
    how, protocol = container_of()
    if how == "pickle":
        with open(path, "wb") as f:
            pickle.dump(booster, f, protocol=protocol)
    else:
        booster.save_model(path)


def load_as_container(path):
    try:
        return unpickle(path)
    except Exception:  # as the container does
        return load_file(path)


def tar_of(path, files):
    with tarfile.open(path, "w:gz", compresslevel=6, format=tarfile.GNU_FORMAT) as t:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o644
            t.addfile(info, io.BytesIO(data))


def serve(asker, booster, **kw):
    """What the container predicts with one model."""
    limit = getattr(booster, "best_ntree_limit", 0) or 0
    if VERSION >= (2, 0):
        return asker.predict(booster, rounds=(0, limit) if limit else None, **kw)
    if asker.case.booster == "gblinear" and VERSION < (1, 4):
        limit = 0
    return asker.predict(booster, limit=limit, **kw)


def container_cases(out, name, case, booster, asker, numbers, refused, rows_at):
    """The archive of one model as a SageMaker job leaves it."""
    if container_of()[0] is None:
        return []
    inner = os.path.join(out, "xgboost-model")
    save_as_container(booster, inner)
    with open(inner, "rb") as f:
        data = f.read()
    loaded = load_as_container(inner)
    os.remove(inner)
    file = name + ".model.tar.gz"
    tar_of(os.path.join(out, file), [("xgboost-model", data)])
    checks = []
    for output, kw in OUTPUTS[:2]:
        try:
            answer = serve(asker, loaded, **kw)
        except MISUSE as e:
            refuse(refused, case.name, "serve %s" % output, e)
            continue
        checks.append({"output": output, "rows": rows_at, "want": numbers.add(answer.reshape(len(answer), -1)), "container": True})
    return [{"format": "container", "file": file, "checks": checks}]


def folds(out, seed, numbers, refused):
    """Archives of cross-validation: several models, averaged or voted. Returns entries of the manifest."""
    if container_of()[0] is None or VERSION < (1, 2):
        return []
    import scipy.stats
    entries = []
    trees = {"max_depth": 3, "eta": 0.3}
    for name, count, params, labels in [
        ("folds-logistic", 5, dict(trees, objective="binary:logistic"), "class2"),
        ("folds-number", 11, dict(trees, objective="reg:squarederror"), "number"),
        ("folds-softprob", 3, dict(trees, objective="multi:softprob", num_class=3), "class3"),
        ("folds-softmax", 4, dict(trees, objective="multi:softmax", num_class=4), "class4"),
        ("folds-hinge", 4, dict(trees, objective="binary:hinge"), "class2"),
        ("folds-poisson", 10, dict(trees, objective="count:poisson"), "count"),
        ("folds-dart", 3, dict(trees, booster="dart", rate_drop=0.3, objective="binary:logistic"), "class2"),
        ("folds-linear", 3, dict(booster="gblinear", updater="coord_descent", objective="reg:squarederror"), "number"),
    ]:
        case = Case(name, params, rounds=4, labels=labels)
        data = Data(np.random.RandomState(seed), case)
        members, files, rows = [], [], None
        for fold in range(count):
            part = np.arange(NUM_TRAIN) % count != fold
            booster = xgb.train(quiet(params, seed), data.matrix(data.x[part], data.y[part]), num_boost_round=4)
            inner = os.path.join(out, "xgboost-model")
            save_as_container(booster, inner)
            with open(inner, "rb") as f:
                files.append(("xgboost-model-%d" % fold, f.read()))
            members.append(load_as_container(inner))
            os.remove(inner)
            if rows is None:
                found = [[]] * COLUMNS if case.booster == "gblinear" else thresholds_of(booster, COLUMNS)
                rows = make_rows(np.random.RandomState(seed), data, found)
        file = name + ".model.tar.gz"
        tar_of(os.path.join(out, file), files)
        checks = []
        for part in (rows, rows[2:3]):  # a single row is summed in another order
            asker = Asker(case, data, part, params.get("num_class", 1), np.random.RandomState(seed))
            answers = [serve(asker, m) for m in members]
            if params["objective"] in ("multi:softmax", "binary:hinge"):
                answer = scipy.stats.mode(answers, keepdims=True).mode[0].astype(F32)
            else:
                answer = np.mean(answers, axis=0)
            assert answer.dtype == F32, answer.dtype
            checks.append({"output": "value", "rows": numbers.add(part), "want": numbers.add(answer.reshape(len(part), -1)),
                           "container": True})
        entries.append({"name": name, "booster": case.booster, "objective": params["objective"], "params": params,
                        "models": [{"format": "k-fold", "file": file, "checks": checks}]})
    return entries


def wrappers(out, seed, numbers, refused):
    """Pickles and files of the classes that look like scikit-learn's."""
    entries = []
    trees = {"max_depth": 3, "learning_rate": 0.3, "n_estimators": 6, "n_jobs": 1}
    plans = [
        ("XGBRegressor", dict(trees), "number", {}),
        ("XGBRegressor", dict(trees, missing=-999.0), "number", {"suffix": "-missing"}),
        ("XGBClassifier", dict(trees), "class2", {}),
        ("XGBClassifier", dict(trees), "class3", {"suffix": "-classes"}),
        ("XGBClassifier", dict(trees, n_estimators=12, learning_rate=1.0, max_depth=6), "noise2", {"suffix": "-early", "early": True}),
        ("XGBRegressor", dict(trees, booster="dart", rate_drop=0.3), "number", {"suffix": "-dart"}),
        ("XGBRegressor", dict(trees, booster="gblinear"), "number", {"suffix": "-linear"}),
        ("XGBRanker", dict(trees), "rank", {}),
        ("XGBRFClassifier", dict(trees), "class2", {}),
        ("XGBRFRegressor", dict(trees), "number", {}),
    ]
    for kind, params, labels, more in plans:
        name = "wrapper-" + kind + more.get("suffix", "")
        if not hasattr(xgb, kind):
            continue
        booster = params.get("booster", "gbtree")
        if booster == "gblinear":
            params = {"n_estimators": 6, "n_jobs": 1, "booster": "gblinear"}
        case = Case(name, params, labels=labels)
        data = Data(np.random.RandomState(seed), case)
        x, y = data.x, data.y
        if "missing" in params:
            x = np.where(np.isnan(x), F32(params["missing"]), x)
        fit = {}
        if kind == "XGBRanker":
            params = dict(params, objective="rank:pairwise")
            fit["group"] = [20] * (NUM_TRAIN // 20)
        if more.get("early"):
            half = NUM_TRAIN // 2
            fit.update(eval_set=[(x[half:], y[half:])], verbose=False)
            x, y = x[:half], y[:half]
            if VERSION >= (1, 6):
                params = dict(params, early_stopping_rounds=3)
            else:
                fit["early_stopping_rounds"] = 3
        try:
            wrapper = getattr(xgb, kind)(**params)
            wrapper.fit(x, y, **fit)
        except Exception as e:
            refuse(refused, name, "train", e)
            continue
        got = wrapper.get_booster()
        found = [[]] * COLUMNS if booster == "gblinear" else thresholds_of(got, COLUMNS)
        rows = make_rows(np.random.RandomState(seed), data, found)
        if "missing" in params:
            rows = np.where(np.isnan(rows), F32(params["missing"]), rows)
        rows_at = numbers.add(rows)
        models = []
        files = [("wrapper pickle", "%s.p%d.pkl" % (name, p), p) for p in range(6)]
        if VERSION >= (1, 0):
            files.append(("wrapper file", name + ".json", None))
        if VERSION >= (1, 6):
            files.append(("wrapper file", name + ".ubj", None))
        for form, file, protocol in files:
            path = os.path.join(out, file)
            try:
                if protocol is None:
                    wrapper.save_model(path)
                    loaded = getattr(xgb, kind)(**params)
                    loaded.load_model(path)
                else:
                    with open(path, "wb") as f:
                        pickle.dump(wrapper, f, protocol=protocol)
                    loaded = unpickle(path)
            except Exception as e:
                refuse(refused, name, "save or load a " + form, e)
                continue
            checks = []
            for output in ("value", "margin", "leaf"):
                try:
                    if booster == "dart" and output != "leaf":
                        # The wrapper would predict in place, which rounds otherwise (and, up to 0.90, would drop trees).
                        limit = {"ntree_limit": 10000} if VERSION < (1, 0) else {}
                        answer = loaded.get_booster().predict(xgb.DMatrix(rows), output_margin=output == "margin", **limit)
                    elif output == "margin" and kind.endswith("Classifier") and VERSION < (0, 80):
                        if more.get("early"):
                            continue
                        answer = loaded.get_booster().predict(xgb.DMatrix(rows), output_margin=True)  # predict gives classes
                    elif output == "leaf":
                        if more.get("early") and VERSION < (1, 4) or booster == "gblinear":
                            continue  # which gives all rounds there, and nothing here
                        answer = loaded.apply(rows)
                    elif output == "margin":
                        answer = loaded.predict(rows, output_margin=True)
                    elif kind.endswith("Classifier"):
                        if more.get("early") and VERSION < (0, 80):
                            continue  # which takes all rounds
                        answer = loaded.predict_proba(rows)
                        if labels != "class3":
                            answer = answer[:, 1]
                    else:
                        answer = loaded.predict(rows)
                except Exception as e:
                    refuse(refused, name, "predict %s from %s" % (output, form), e)
                    continue
                check = {"output": output, "rows": rows_at, "want": numbers.add(np.asarray(answer).reshape(len(rows), -1)),
                         "best": True}
                if "missing" in params:
                    check["missing"] = params["missing"]
                checks.append(check)
            models.append({"format": form, "file": file, "checks": checks})
        entries.append({"name": name, "booster": booster, "objective": str(getattr(wrapper, "objective", "")), "params": params,
                        "models": models})
    return entries


# --- all of it --------------------------------------------------------------------------------------------------------


def write_case(out, case, seed, number, numbers, refused):
    rng = np.random.RandomState(seed)
    data = Data(rng, case)
    try:
        booster = train(case, data, seed)
    except MISUSE as e:
        refuse(refused, case.name, "train", e)
        return None
    groups = max(case.params.get("num_class", 0), case.targets,
                 *(len(case.params[k]) if isinstance(case.params.get(k), list) else 1 for k in ("quantile_alpha", "expectile_alpha")))
    found = [[]] * case.columns if case.booster == "gblinear" else thresholds_of(booster, case.columns)
    rows = make_rows(rng, data, found)
    asker = Asker(case, data, rows, groups, rng)
    if case.ranges:
        per_tree = 1 if "multi_strategy" in case.params else groups
        asker.rounds = (len(booster.get_dump()) if VERSION < (1, 0) else len(trees_of(booster))) // (per_tree * asker.forest)
    rows_at, base_at = numbers.add(rows), numbers.add(asker.base)
    protocols = range(6) if case.protocols else sorted({number % 6, 3 if VERSION < (1, 1) else 4})
    models = []
    for written in save_all(out, case.name, case, booster, protocols, refused):
        try:
            loaded = written.load(os.path.join(out, written.name))
        except (Exception, SystemError) as e:
            # A file that its own release cannot read: what was saved is then the measure.
            refuse(refused, case.name, "load " + written.form, e)
            loaded = booster
        if case.rounds == 0 and VERSION < (1, 0):
            loaded = booster  # a file without trees gives the numbers of the first group only, once it is loaded
        checks = checks_of(asker, written, loaded, booster, numbers, refused, rows_at, base_at)
        models.append({"format": written.form, "file": written.name, "checks": checks})
    if case.protocols or case.early or case.name in ("forest", "custom", "continued", "deep") or case.name.startswith("tree-"):
        models += container_cases(out, case.name, case, booster, asker, numbers, refused, rows_at)
    return {"name": case.name, "booster": case.booster, "objective": case.objective, "params": case.params, "models": models}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cases", type=int, default=0, help="take only so many")
    parser.add_argument("--only", default="", help="take only the cases whose name matches this expression")
    args = parser.parse_args()
    warnings.simplefilter("ignore")

    out = os.path.join(args.out, xgb.__version__)
    os.makedirs(out, exist_ok=True)
    cases = [c for c in all_cases() if VERSION >= c.since and re.search(args.only, c.name)]
    rng = np.random.RandomState(args.seed)
    if args.cases and args.cases < len(cases):
        chosen = rng.choice(len(cases), args.cases, replace=False)
        cases = [cases[i] for i in sorted(chosen)]
    numbers, refused, done = Numbers(), [], []
    for i, case in enumerate(cases):
        if args.seed:
            case = drawn(case, np.random.RandomState(args.seed % (1 << 31) + i))
        entry = write_case(out, case, (args.seed + i) % (1 << 31), i, numbers, refused)
        if entry:
            done.append(entry)
    if not args.cases and not args.only:
        done += wrappers(out, args.seed % (1 << 31), numbers, refused)
        done += folds(out, args.seed % (1 << 31), numbers, refused)
    with open(os.path.join(out, "numbers.bin"), "wb") as f:
        f.write(numbers.data)
    manifest = {
        "xgboost": xgb.__version__, "python": platform.python_version(), "numpy": np.__version__,
        "libc": " ".join(platform.libc_ver()), "machine": platform.machine(), "seed": args.seed, "cases": done,
    }
    for name, content in (("manifest.json", manifest), ("refused.json", refused)):
        with open(os.path.join(out, name), "w") as f:
            json.dump(content, f, indent=1, sort_keys=True, default=str)
            f.write("\n")
    print("xgboost %s: %d models of %d cases, %d refused" %
          (xgb.__version__, sum(len(c["models"]) for c in done), len(done), len(refused)))


if __name__ == "__main__":
    main()
