#!/usr/bin/env python3
"""Write one small model of everything that the XGBoost release of this interpreter can make, in each form it can write.

    make.py OUT      OUT/<release>.tar.gz with <case>.bin (legacy), <case>.json, <case>.ubj

The models are for tests of what is read, not of what is predicted. Needs xgboost 0.72 or later and numpy < 2; the case with
named categories needs pandas, too. What a release refuses is listed on standard error.
"""
import collections.abc
import gzip
import io
import os
import sys
import tarfile
import tempfile

import numpy as np
import xgboost as xgb

collections.Mapping = collections.abc.Mapping  # 0.72 needs it
VERSION = tuple(int(p) for p in xgb.__version__.split(".")[:3])
ROWS, COLUMNS = 60, 4
rng = np.random.RandomState(4)
X = rng.normal(size=(ROWS, COLUMNS)).astype(np.float32)
X[rng.uniform(size=X.shape) < 0.1] = np.nan
SIGNAL = np.nan_to_num(X[:, 0]) + 0.5 * np.nan_to_num(X[:, 1])
FLAG = (SIGNAL > 0).astype(np.float32)
COUNT = np.floor(np.exp(SIGNAL)).astype(np.float32)
POSITIVE = np.exp(SIGNAL).astype(np.float32)
CLASS = (np.argsort(np.argsort(SIGNAL)) * 3 // ROWS).astype(np.float32)
TARGETS = np.stack([SIGNAL, SIGNAL**2, -SIGNAL], axis=1).astype(np.float32)
CODES = X.copy()
CODES[:, 0] = rng.randint(0, 3, size=ROWS)
CODES[:, 1] = rng.randint(0, 40, size=ROWS)
CODE_LABEL = (CODES[:, 0] == 1) + np.sin(CODES[:, 1])

LINEAR = "reg:squarederror" if VERSION >= (0, 90) else "reg:linear"


def matrix(label, data=X, **more):
    return xgb.DMatrix(data, label=label, **more)


def objective(name, label, **params):
    return lambda: (dict(objective=name, **params), matrix(label), 3)


def ranking(name):
    def make():
        d = matrix(FLAG)
        d.set_group([20, 20, 20])
        return dict(objective=name), d, 3

    return make


def survival():
    d = xgb.DMatrix(X)
    d.set_float_info("label_lower_bound", POSITIVE)
    d.set_float_info("label_upper_bound", POSITIVE + 1)
    return dict(objective="survival:aft", aft_loss_distribution="logistic", aft_loss_distribution_scale=1.2), d, 3


def categories(label, **params):
    def make():
        d = xgb.DMatrix(CODES, label=label, feature_types=["c", "c", "q", "q"], enable_categorical=True)
        return dict(tree_method="hist", max_depth=4, **params), d, 3

    return make


def named_categories():
    import pandas

    frame = pandas.DataFrame({
        "colour": pandas.Categorical([["red", "green", "blå"][int(c)] for c in CODES[:, 0]]),
        "size": pandas.Categorical((CODES[:, 1] * 1000 - 7).astype(np.int64)),
        "x": CODES[:, 2],
    })
    return dict(objective=LINEAR, tree_method="hist"), xgb.DMatrix(frame, label=CODE_LABEL, enable_categorical=True), 3


def named_features():
    d = xgb.DMatrix(X, label=SIGNAL, feature_names=["a", "b c", "d\"e", "\u00e9"], feature_types=["q", "int", "float", "q"])
    return dict(objective=LINEAR), d, 2


def attributes(booster):
    booster.set_attr(best_iteration="1", note="caf\u00e9 \"quoted\"\n", empty="")


def custom(predt, d):
    return predt - d.get_label(), np.ones(len(predt))


MORE = dict(booster="dart", rate_drop=0.6, skip_drop=0.0, one_drop=1)
VECTOR = dict(multi_strategy="multi_output_tree", tree_method="hist")
CASES = {
    "squarederror": objective(LINEAR, SIGNAL, base_score=0.7),
    "linear-alias": objective("reg:linear", SIGNAL),
    "squaredlogerror": objective("reg:squaredlogerror", POSITIVE),
    "reglogistic": objective("reg:logistic", FLAG, base_score=0.25),
    "logistic": objective("binary:logistic", FLAG, base_score=0.3, scale_pos_weight=2),
    "logitraw": objective("binary:logitraw", FLAG, base_score=0.2),
    "hinge": objective("binary:hinge", FLAG),
    "gamma": objective("reg:gamma", POSITIVE, base_score=1.5),
    "tweedie": objective("reg:tweedie", POSITIVE, tweedie_variance_power=1.2),
    "poisson": objective("count:poisson", COUNT),
    "poisson-step": objective("count:poisson", COUNT, max_delta_step=0.4),
    "cox": objective("survival:cox", POSITIVE),
    "aft": survival,
    "softmax": objective("multi:softmax", CLASS, num_class=3),
    "softprob": objective("multi:softprob", CLASS, num_class=3),
    "pairwise": ranking("rank:pairwise"),
    "ndcg": ranking("rank:ndcg"),
    "map": ranking("rank:map"),
    "pseudohuber": objective("reg:pseudohubererror", SIGNAL, huber_slope=1.3),
    "absoluteerror": objective("reg:absoluteerror", SIGNAL),
    "quantile": objective("reg:quantileerror", SIGNAL, quantile_alpha=0.3),
    "quantiles": objective("reg:quantileerror", SIGNAL, quantile_alpha=[0.1, 0.5, 0.9]),
    "expectiles": objective("reg:expectileerror", SIGNAL, expectile_alpha=[0.1, 0.5, 0.9]),
    "dart": objective("binary:logistic", FLAG, **MORE),
    "dart-softprob": objective("multi:softprob", CLASS, num_class=3, **MORE),
    "dart-untrained": lambda: (dict(objective=LINEAR, **MORE), matrix(SIGNAL), 0),
    "dart-vector": objective(LINEAR, TARGETS, **dict(MORE, **VECTOR)),
    "gblinear": objective("binary:logistic", FLAG, booster="gblinear"),
    "gblinear-softprob": objective("multi:softprob", CLASS, booster="gblinear", num_class=3),
    "gblinear-untrained": lambda: (dict(objective=LINEAR, booster="gblinear"), matrix(SIGNAL), 0),
    "untrained": lambda: (dict(objective=LINEAR), matrix(SIGNAL), 0),
    "leaves": objective(LINEAR, SIGNAL, gamma=1e9),
    "pruned": objective(LINEAR, SIGNAL, gamma=1.5, max_depth=6, tree_method="exact"),
    "forest": objective(LINEAR, SIGNAL, num_parallel_tree=4, subsample=0.5),
    "forest-softprob": objective("multi:softprob", CLASS, num_class=3, num_parallel_tree=4, subsample=0.5),
    "targets": objective(LINEAR, TARGETS, tree_method="hist"),
    "targets-logistic": objective("binary:logistic", (TARGETS > 0).astype(np.float32), tree_method="hist"),
    "vector": objective(LINEAR, TARGETS, **VECTOR),
    "vector-forest": objective(LINEAR, TARGETS, num_parallel_tree=2, subsample=0.5, **VECTOR),
    "vector-softprob": objective("multi:softprob", CLASS, num_class=3, **VECTOR),
    "vector-categories": categories(TARGETS, objective=LINEAR, multi_strategy="multi_output_tree"),
    "categories": categories(CODE_LABEL, objective=LINEAR),
    "categories-onehot": categories(CODE_LABEL, objective=LINEAR, max_cat_to_onehot=100),
    "categories-softprob": categories(CLASS, objective="multi:softprob", num_class=3),
    "categories-pruned": categories(CODE_LABEL, objective=LINEAR, gamma=0.7),
    "categories-dart": categories(CODE_LABEL, objective=LINEAR, **MORE),
    "categories-named": named_categories,
    "names": named_features,
    "custom": lambda: (dict(), matrix(SIGNAL), 3),
}


def train(case):
    params, d, rounds = CASES[case]()
    params = dict(dict(max_depth=3, eta=0.5, nthread=1, seed=7, silent=1), **params)
    if VERSION >= (1, 0):
        del params["silent"]
        params["verbosity"] = 0
    more = dict(obj=custom) if case == "custom" else {}
    booster = xgb.train(params, d, rounds, **more)
    if case == "names":
        attributes(booster)
    return booster


def forms(booster, folder):
    """The files that this release writes for the booster."""
    legacy = os.path.join(folder, "m.deprecated")
    names = {"bin": legacy}
    if VERSION >= (1, 0):
        names["json"] = os.path.join(folder, "m.json")
    if VERSION >= (1, 6):
        names["ubj"] = os.path.join(folder, "m.ubj")
    if VERSION >= (3, 1):
        del names["bin"]
    for ext, path in names.items():
        try:
            booster.save_model(path)
        except xgb.core.XGBoostError as e:
            yield ext, None, str(e)
            continue
        with open(path, "rb") as f:
            yield ext, f.read(), ""


def main(out):
    path = os.path.join(out, xgb.__version__ + ".tar.gz")
    raw = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for case in sorted(CASES):
            if VERSION < (2, 0) and "vector" in case or VERSION < (1, 6) and "categories" in case:
                continue  # releases that do not know a parameter may ignore it
            try:
                booster = train(case)
            except Exception as e:  # whatever the release says to what it does not know
                print("%s: %s: %s" % (xgb.__version__, case, str(e).strip().splitlines()[:1]), file=sys.stderr)
                continue
            for ext, data, refusal in forms(booster, folder):
                if data is None:
                    print("%s: %s.%s: %s" % (xgb.__version__, case, ext, refusal.splitlines()[:1]), file=sys.stderr)
                    continue
                member = tarfile.TarInfo(case + "." + ext)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    with open(path, "wb") as f, gzip.GzipFile("", "wb", 9, f, mtime=0) as z:
        z.write(raw.getvalue())
    print(path, os.path.getsize(path))


main(sys.argv[1])
