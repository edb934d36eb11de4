#!/usr/bin/env python3
"""Train small models with the XGBoost release of this interpreter and pickle them in every way that models are met.

    make.py OUT

writes OUT/<release>.tar.gz: <case>.pkl, the pickle; <model>.ref, the same booster as the release's save_model wrote it (UBJSON, JSON or the legacy
form); and manifest.json, which says for each case what is in it. The bytes are the same on every run.

Python 2 and NumPy 2 are not needed: as they differ in how they name and quote things only, their pickles are put together from the parts of others.
make.sh has the commands.
"""
import collections
import collections.abc
import gzip
import io
import json
import os
import pickle
import struct
import sys
import tarfile
import tempfile
import warnings

import numpy as np

collections.Mapping = collections.abc.Mapping  # where releases before 0.90 look for it
import xgboost as xgb

warnings.filterwarnings("ignore")
VERSION = tuple(int(p) for p in xgb.__version__.split(".")[:3])
PARAMS = {"max_depth": 2, "eta": 0.7, "seed": 3, "nthread": 1}
if VERSION >= (1, 0, 0):
    PARAMS["verbosity"] = 0
else:
    PARAMS["silent"] = 1


def data(classes):
    rng = np.random.RandomState(7)
    x = rng.rand(120, 4).astype(np.float32)
    signal = x[:, 0] + x[:, 1] * x[:, 2] + rng.normal(scale=0.3, size=len(x))
    x[rng.uniform(size=x.shape) < 0.1] = np.nan
    if classes == 0:
        return x, signal.astype(np.float32)
    return x, (np.argsort(np.argsort(signal)) * classes // len(x)).astype(int)


def train(rounds, names=None, classes=0, stop=False, **params):
    x, y = data(classes)
    matrix = xgb.DMatrix(x[:80], label=y[:80], feature_names=names)
    extra = {}
    if stop:
        test = xgb.DMatrix(x[80:], label=y[80:], feature_names=names)
        extra = dict(evals=[(test, "test")], early_stopping_rounds=2, verbose_eval=False)
    return xgb.train(dict(PARAMS, **params), matrix, rounds, **extra)


class Writer:
    """Collects the files of one release."""

    def __init__(self):
        self.files = {}
        self.cases = {}

    def reference(self, model, booster):
        form = "model" if VERSION < (1, 3, 0) else "json" if VERSION < (1, 6, 0) else "ubj"
        with tempfile.TemporaryDirectory() as tmp:
            path = os.path.join(tmp, "m." + form)
            booster.save_model(path)
            with open(path, "rb") as f:
                self.files[model + ".ref"] = f.read()

    def case(self, name, content, model, facts):
        self.files[name + ".pkl"] = content
        self.cases[name] = dict(model=model, **facts)

    def write(self, out):
        self.files["manifest.json"] = json.dumps(self.cases, indent=1, sort_keys=True).encode() + b"\n"
        plain = io.BytesIO()
        with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            # In this order the likes of a file are near to it, which compresses well.
            for name in sorted(self.files, key=lambda name: (self.cases.get(name[:-4], {}).get("model", name[:-4]), name)):
                member = tarfile.TarInfo(name)
                member.size = len(self.files[name])
                tar.addfile(member, io.BytesIO(self.files[name]))
        with open(os.path.join(out, xgb.__version__ + ".tar.gz"), "wb") as f:
            with gzip.GzipFile("", "wb", 9, f, 0) as z:
                z.write(plain.getvalue())


def facts_of(booster, forest=1):
    """What the reader has to find besides the trees."""
    facts = {"forest": forest}
    attributes = vars(booster)
    for key in ("best_ntree_limit", "best_iteration"):
        if attributes.get(key) is not None:
            facts[key] = int(attributes[key])
    if booster.feature_names:
        facts["feature_names"] = list(booster.feature_names)
    return facts


def python2(state, protocol):
    """The Booster with this state as Python 2 pickles it: strings without an encoding, its own module names, a bytearray as quoted text."""

    def text(s):
        return b"S'%s'\n" % s.encode() if protocol == 0 else b"U" + bytes([len(s)]) + s.encode()

    def value(v):
        if isinstance(v, bytearray):
            u = v.decode("latin-1")
            if protocol == 0:
                u = u.replace("\\", "\\u005c").replace("\n", "\\u000a")
                u = b"V" + u.encode("raw-unicode-escape") + b"\n"
            else:
                u = u.encode("utf-8")
                u = b"X" + struct.pack("<I", len(u)) + u
            return b"c__builtin__\nbytearray\n(" + u + text("latin-1") + b"tR"
        if isinstance(v, str):
            return text(v)
        if v is None:
            return b"N"
        if isinstance(v, (list, tuple)):
            return b"(" + b"".join(map(value, v)) + b"l"
        return b"I%d\n" % v

    pairs = b"".join(text(k) + value(v) for k, v in sorted(state.items()))
    if protocol == 2:
        return b"\x80\x02cxgboost.core\nBooster\nq\x01)\x81q\x02}q\x03(" + pairs + b"ub."
    if protocol == 1:
        return b"ccopy_reg\n_reconstructor\nq\x01(cxgboost.core\nBooster\nc__builtin__\nobject\nNtRq\x02}q\x03(" + pairs + b"ub."
    return b"ccopy_reg\n_reconstructor\np1\n(cxgboost.core\nBooster\nc__builtin__\nobject\nNtRp2\n(" + pairs + b"db."


def numpy2(content):
    """The pickle with the module names of NumPy 2. The frame, whose length would no longer be right, is left out: it is optional."""
    if content[1] >= 4:
        assert content[2] == 0x95
        content = content[:2] + content[11:]
    for module in (b"numpy.core.multiarray", b"numpy.core.numeric"):
        new = module.replace(b"core", b"_core")
        content = content.replace(b"\x8c" + bytes([len(module)]) + module, b"\x8c" + bytes([len(new)]) + new)
        content = content.replace(b"c" + module + b"\n", b"c" + new + b"\n")
    return content


def boosters(w):
    names = ["länge", "b", "c d", "e"]
    booster = train(3, names=names, objective="binary:logistic", classes=2)
    w.reference("booster", booster)
    for protocol in range(6):
        w.case("booster-p%d" % protocol, pickle.dumps(booster, protocol), "booster", facts_of(booster))
    if VERSION < (1, 3, 0):
        plain = train(2, objective="binary:logistic", classes=2)
        w.reference("python2", plain)
        state = plain.__getstate__()
        state["feature_names"] = ["f%d" % i for i in range(4)]
        facts = dict(facts_of(plain), feature_names=state["feature_names"])
        for protocol in range(3):
            w.case("python2-p%d" % protocol, python2(state, protocol), "python2", facts)

    early = train(30, objective="reg:squarederror" if VERSION >= (0, 90) else "reg:linear", stop=True)
    w.reference("early", early)
    w.case("early", pickle.dumps(early, 4), "early", facts_of(early))

    forest = train(2, objective="reg:logistic", num_parallel_tree=3, subsample=0.5, classes=2)
    w.reference("forest", forest)
    w.case("forest", pickle.dumps(forest, 3), "forest", facts_of(forest, 3))
    w.case("inside", pickle.dumps({"model": (forest, "note"), "again": [forest], "mean": np.float64(0.5)}, 4), "forest", facts_of(forest, 3))


def wrappers(w):
    x, y = data(3)
    labels = np.array(["benign", "scan", "über"])[y] if VERSION < (1, 6, 0) else y
    common = dict(n_estimators=2, max_depth=2, n_jobs=1, missing=-999)
    model = xgb.XGBClassifier(**common)
    model.fit(np.nan_to_num(x, nan=-999), labels)
    booster = model.get_booster()
    w.reference("classifier", booster)
    facts = dict(facts_of(booster), wrapper="XGBClassifier", missing=-999, num_classes=3)
    if VERSION < (2, 0, 0):
        facts["classes"] = [str(c) for c in model.classes_]
    for protocol in (0, 2, 4, 5):
        content = pickle.dumps(model, protocol)
        w.case("classifier-p%d" % protocol, content, "classifier", facts)
        if protocol and VERSION < (2, 0, 0):
            w.case("classifier-p%d-numpy2" % protocol, numpy2(content), "classifier", facts)

    if VERSION >= (0, 90):
        forest = xgb.XGBRFRegressor(n_estimators=3, max_depth=2, n_jobs=1, random_state=5)
        forest.fit(*data(0))
        booster = forest.get_booster()
        w.reference("rf", booster)
        w.case("rf", pickle.dumps(forest, 4), "rf", dict(facts_of(booster, 3), wrapper="XGBRFRegressor"))


def main():
    w = Writer()
    boosters(w)
    wrappers(w)
    w.write(sys.argv[1])


main()
