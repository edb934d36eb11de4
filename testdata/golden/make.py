#!/usr/bin/env python3
"""Train small models with the XGBoost release of this interpreter and write what that release predicts.

    make.py OUT                golden cases, the same on every run
    make.py --fresh SEED OUT   other cases, different for every seed

Both write OUT/<release>/: for every case the model in each format that the release writes
(<case>.bin.gz, the legacy form; <case>.json.gz; <case>.ubj.gz), or in those that the case names, <case>.expect.gz, and one
manifest.json. kinds.py has the cases of other boosters than gbtree with numeric splits, and of other objectives.

<case>.expect.gz holds four arrays one after the other, little-endian and without headers, row-major:

    rows     float32  rows x features   the input; NaN is missing
    margins  float32  rows x groups     predict(output_margin=True)
    values   float32  rows x values     predict()
    leaves   int32    rows x trees      predict(pred_leaf=True)

and, in cases that have them, the answers to other questions:

    base     float32  rows x groups     base margins of the rows, where the manifest says "base"
    margins  float32  rows x groups     margins that start from them
    values   float32  rows x values     values that start from them
    margins  float32  rows x groups     for each [begin, end] of "ranges" in the manifest, predict(iteration_range=...)

Cases with "explained" in the manifest have <case>.explain.gz, with what columns add to the margins of that many first rows:

    exact         float32  explained x groups x (features + 1)    predict(pred_contribs=True)
    approximate   float32  explained x groups x (features + 1)    predict(pred_contribs=True, approx_contribs=True)
    interactions  float32  explained x groups x (features + 1)^2  predict(pred_interactions=True); none for gblinear

"refused" in the manifest are ranges that the release refuses. A gblinear model has no leaves and counts 0 trees.

The expectations are those of every written file, loaded again by the same release: the script fails if two formats
of a case differ. Needs Python 3.8 to 3.11, xgboost 0.72 or later, numpy < 2; make.sh has the commands.
"""
import argparse
import collections.abc
import gzip
import json
import os
import platform
import re
import struct
import sys
import tempfile

import numpy as np

collections.Mapping = collections.abc.Mapping  # where releases before 0.90 look for it
import xgboost as xgb

import kinds

VERSION = tuple(int(p) for p in xgb.__version__.split(".")[:3])
F32 = np.float32
if VERSION < (1, 0):

    class Booster(xgb.Booster):
        """Releases before 1.0 drop trees of dart at random when they predict without a limit, however large."""

        def predict(self, data, **how):
            try:
                return super().predict(data, **{"ntree_limit": 1 << 20, **how})
            except xgb.core.XGBoostError:  # gblinear has no trees
                return super().predict(data, **how)

    xgb.Booster = Booster


# --- training ---------------------------------------------------------------------------------------------------------


def make_data(rng, n, features, classes):
    """Columns of several kinds: numbers, counts, flags, powers of ten; 10 % missing. Labels that can be learned."""
    columns = []
    for c in range(features):
        kind = c % 4
        if kind == 0:
            columns.append(rng.normal(size=n))
        elif kind == 1:
            columns.append(rng.randint(0, 6, size=n))
        elif kind == 2:
            columns.append(rng.randint(0, 2, size=n))
        else:
            columns.append(10.0 ** rng.uniform(-3, 6, size=n))
    x = np.stack(columns, axis=1).astype(F32)
    signal = x[:, 0] + 0.7 * x[:, 1 % features] * (x[:, 2 % features] > 0) + 0.3 * np.log10(np.abs(x[:, 3 % features]) + 1)
    signal = signal + rng.normal(scale=0.5, size=n)
    x[rng.uniform(size=x.shape) < 0.1] = np.nan
    if classes == 0:
        return x, signal.astype(F32)
    rank = np.argsort(np.argsort(signal))
    return x, (rank * classes // n).astype(F32)


def golden_cases():
    """The cases of the committed files: name, parameters, rounds, columns, and what is special about the labels."""
    logistic = {"objective": "binary:logistic", "max_depth": 4, "eta": 0.3}
    regression = {"objective": "reg:squarederror", "max_depth": 4, "eta": 0.3}
    multi = {"num_class": 3, "max_depth": 3, "eta": 0.4}
    if VERSION < (1, 0):
        return kinds.old_cases(VERSION)
    cases = [
        ("logistic-base-0.5", dict(logistic, base_score=0.5), 11, 6, None),
        ("logistic-base-0.1", dict(logistic, base_score=0.1), 10, 5, None),
        ("logistic-base-0.999", dict(logistic, base_score=0.999, max_depth=5, min_child_weight=0.0), 9, 7, None),
        ("logistic-base-default", dict(logistic), 8, 6, "rare"),
        ("logistic-forest", dict(logistic, base_score=0.7, num_parallel_tree=3, subsample=0.7, colsample_bynode=0.6,
                                 eta=0.8, max_depth=3), 4, 6, None),
        ("logistic-pruned", dict(logistic, base_score=0.5, gamma=4.0, max_depth=6, tree_method="exact"), 10, 6, None),
        ("logistic-extreme", dict(logistic, base_score=0.5, eta=60.0, max_depth=3, min_child_weight=0.0), 4, 4, None),
        ("logitraw-base-0.2", dict(logistic, objective="binary:logitraw", base_score=0.2), 8, 6, None),
        ("squarederror-base-0.7", dict(regression, base_score=0.7, eta=0.05, max_depth=3), 50, 6, None),
        ("squarederror-lossguide", dict(regression, base_score=0.5, tree_method="hist", grow_policy="lossguide",
                                        max_depth=0, max_leaves=24, min_child_weight=0.0, reg_lambda=0.5), 6, 5, "outliers"),
        ("squarederror-single-leaf", dict(regression, base_score=0.1, gamma=1e9, tree_method="exact"), 5, 3, None),
        ("squarederror-base-default", dict(regression), 7, 6, None),
        ("linear-base-0.5", dict(regression, objective="reg:linear", base_score=0.5), 6, 5, None),
        ("reglogistic-base-0.1", dict(logistic, objective="reg:logistic", base_score=0.1), 7, 5, None),
        ("softmax", dict(multi, objective="multi:softmax", base_score=0.5), 5, 6, None),
        ("softmax-ties", dict(multi, objective="multi:softmax", base_score=0.5, gamma=60.0, tree_method="exact"), 2, 4, None),
        ("softprob", dict(multi, objective="multi:softprob", base_score=0.5), 6, 6, None),
        ("softprob-base-default", dict(multi, objective="multi:softprob", num_class=5), 3, 6, "rare"),
        ("softprob-forest", dict(multi, objective="multi:softprob", base_score=0.7, num_parallel_tree=2, subsample=0.6,
                                 max_depth=2), 3, 6, None),
    ]
    if VERSION >= (3, 2):
        cases += [
            ("logistic-base-0", dict(logistic), 3, 4, "zeros"),
            ("logistic-base-1", dict(logistic), 3, 4, "ones"),
            ("logistic-base-1e-7", dict(logistic, base_score=1e-7), 4, 4, None),
        ]
    if VERSION >= (3, 3):
        cases = []  # those of 3.2 again would only take room
    return cases + kinds.golden_cases(VERSION)


def fresh_cases(rng, number):
    """Cases drawn at random."""
    objectives = ["binary:logistic", "binary:logitraw", "reg:squarederror", "reg:linear", "reg:logistic",
                  "multi:softmax", "multi:softprob"]
    cases = []
    for i in range(number):
        objective = objectives[i % len(objectives)]
        p = {
            "objective": objective,
            "max_depth": int(rng.randint(1, 10)),
            "eta": float(rng.choice([0.05, 0.3, 1.0])),
            "gamma": float(rng.choice([0.0, 0.0, 0.5, 5.0])),
            "subsample": float(rng.choice([0.6, 1.0])),
            "reg_lambda": float(rng.choice([0.0, 1.0])),
            "num_parallel_tree": int(rng.choice([1, 1, 1, 4])),
            "tree_method": str(rng.choice(["exact", "hist"])),
            "seed": int(rng.randint(1 << 30)),
        }
        if rng.randint(3):
            p["base_score"] = float(rng.choice([0.5, 0.25, round(float(rng.uniform(0.001, 0.999)), 6)]))
        if objective.startswith("multi:"):
            p["num_class"] = int(rng.randint(2, 7))
        special = "rare" if objective == "binary:logistic" and rng.randint(2) else None
        cases.append(("fresh-%02d" % i, p, int(rng.randint(1, 25)), int(rng.randint(1, 16)), special))
    return cases + kinds.fresh_cases(rng, number, VERSION)


def train(rng, params, rounds, features, special):
    if isinstance(special, dict):
        return kinds.train(rng, params, rounds, features, special)
    objective = params["objective"]
    classes = params.get("num_class", 0 if "squared" in objective or "linear" in objective else 2)
    x, y = make_data(rng, 300, features, classes)
    if special == "rare":
        y = np.where(rng.uniform(size=len(y)) < 0.8, 0, y).astype(F32)
    elif special == "zeros":
        y = np.zeros_like(y)
    elif special == "ones":
        y = np.ones_like(y)
    elif special == "outliers":  # each is cut off by a split of its own, which makes long thin trees
        y = (2.0 ** np.arange(len(y)) % 1e9 * (rng.uniform(size=len(y)) < 0.1)).astype(F32)
    params = dict(params, nthread=1, verbosity=0)
    params.setdefault("seed", 1)
    matrix = xgb.DMatrix(x, label=y)
    return xgb.train(params, matrix, num_boost_round=rounds), x


# --- rows -------------------------------------------------------------------------------------------------------------


def old_thresholds(path, features):
    """The thresholds of every column, from the legacy form as releases before 1.0 write it."""
    found = [[] for _ in range(features)]
    with open(path, "rb") as f:
        f.seek(136)
        for _ in range(2):
            name = f.read(struct.unpack("<Q", f.read(8))[0])
        if name == b"gblinear":
            return found
        trees = struct.unpack("<i", f.read(160)[:4])[0]
        for _ in range(trees):
            nodes = struct.unpack("<2i", f.read(148)[:8])[1]
            for _, left, _, split, threshold in struct.iter_unpack("<3iIf", f.read(20 * nodes)):
                if left != -1 and split != 0xFFFFFFFF:
                    found[split & 0x7FFFFFFF].append(F32(threshold))
            f.seek(16 * nodes, 1)
    return found


def thresholds_of(path, features):
    """The thresholds of every column, from the JSON form."""
    with open(path) as f:
        text = re.sub(r"-?(inf|nan)\b", "null", f.read())  # as 1.0 writes infinite gains, which are no JSON
    learner = json.loads(text)["learner"]
    found = [[] for _ in range(features)]
    booster = learner["gradient_booster"]
    booster = booster.get("gbtree", booster)  # where dart has it up to 3.2
    for tree in booster["model"].get("trees", []):
        for left, column, threshold in zip(tree["left_children"], tree["split_indices"], tree["split_conditions"]):
            if left != -1:
                found[column].append(F32(threshold))
    return found


def make_rows(rng, x, thresholds, n):
    """Rows of the training data in which values were replaced by those that are hard to get right."""
    accepts_inf = VERSION < (1, 4)  # later releases refuse it in a DMatrix
    special = np.array([0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x000116C2, 0x7F7FFFFF, 0xFF7FFFFF,
                        0x7FC00000, 0xFFC00000, 0x7E967699, 0xFE967699] + [0x7F800000, 0xFF800000] * accepts_inf,
                       dtype=np.uint32).view(F32)
    rows = x[rng.randint(len(x), size=n)].copy()
    for r in range(n):
        if r % 8 == 0:
            continue  # some rows stay as they are
        for c in range(rows.shape[1]):
            choice = rng.randint(6)
            if choice < 3 and thresholds[c]:
                t = thresholds[c][rng.randint(len(thresholds[c]))]
                rows[r, c] = [t, np.nextafter(t, F32(-np.inf)), np.nextafter(t, F32(np.inf))][choice]
            elif choice == 3:
                rows[r, c] = special[rng.randint(len(special))]
    rows[1] = np.nan
    return rows


# --- expectations -----------------------------------------------------------------------------------------------------


def expectations(booster, rows, groups, leafless, extra):
    matrix = xgb.DMatrix(rows)
    n = len(rows)
    margins = booster.predict(matrix, output_margin=True).reshape(n, -1)
    values = booster.predict(matrix).reshape(n, -1)
    leaves = np.zeros((n, 0)) if leafless else booster.predict(matrix, pred_leaf=True).reshape(n, -1)
    assert margins.shape[1] == groups, (margins.shape, groups)
    return [margins.astype("<f4"), values.astype("<f4"), leaves.astype("<i4")] + kinds.answers(booster, rows, groups, leaves, extra)


# The golden cases that are explained: groups, forests, deep trees that repeat columns, deleted nodes, single leaves, other boosters.
EXPLAINED = ("logistic-base-0.1", "logistic-base-0.999", "logistic-forest", "logistic-pruned", "squarederror-lossguide",
             "squarederror-base-default", "squarederror-single-leaf", "softprob-forest", "dart-tree", "dart-softprob",
             "linear-softprob", "linear-intercepts", "categorical-partition", "targets")


def explanations(booster, rows, linear):
    matrix = xgb.DMatrix(rows)
    asked = [{"pred_contribs": True}, {"pred_contribs": True, "approx_contribs": True}] + [{"pred_interactions": True}] * (not linear)
    return [booster.predict(matrix, **how).astype("<f4") for how in asked]


def zip_bytes(path, data):
    with open(path, "wb") as f:
        with gzip.GzipFile("", "wb", 9, f, mtime=0) as z:
            z.write(data)


def write_case(out, rng, name, params, rounds, features, special, n, explained):
    booster, x = train(rng, params, rounds, features, special)
    extensions = ["json"] if VERSION >= (1, 0) else []
    if VERSION >= (1, 6):
        extensions.append("ubj")
    extra = special if isinstance(special, dict) else {}
    if VERSION < (3, 1) and not extra.get("modern"):
        extensions.append("bin")
    written = [e for e in extensions if e in extra.get("formats", extensions)] or extensions[-1:]
    groups = params.get("num_class", extra.get("groups", 1))
    leafless = params.get("booster") == "gblinear" or rounds == 0
    if extra.get("base"):
        extra = dict(extra, base=rng.normal(size=(n, groups)).astype(F32))
    expected = why = None
    with tempfile.TemporaryDirectory() as tmp:
        paths = {}
        for extension in extensions:
            # A name without extension asks for the legacy form; 2.1 and later want to be asked by name.
            plain = extension == "bin" and VERSION < (2, 1)
            paths[extension] = os.path.join(tmp, "model" if plain else
                                            "model.deprecated" if extension == "bin" else "model." + extension)
            booster.save_model(paths[extension])
        thresholds = thresholds_of(paths["json"], features) if "json" in paths else old_thresholds(paths["bin"], features)
        rows = make_rows(rng, x, thresholds, n)
        if extra.get("categorical"):
            kinds.mix_codes(rng, rows, extra["categorical"])
        for extension in list(extensions):
            loaded = xgb.Booster({"verbosity": 0})
            try:
                loaded.load_model(paths[extension])
            except xgb.core.XGBoostError:
                # 1.0 cannot read its own JSON back if a node was deleted or a gain is infinite. A file that XGBoost refuses
                # proves nothing.
                if VERSION >= (1, 1) or extension != "json":
                    raise
                extensions.remove(extension)
                continue
            got = expectations(loaded, rows, groups, leafless, extra)
            if expected is None:
                expected = got
            if explained:
                found = explanations(loaded, rows[:explained], params.get("booster") == "gblinear")
                why = why or found
                if any(a.tobytes() != b.tobytes() for a, b in zip(found, why)):
                    sys.exit("%s: contributions of .%s differ from those of the first format" % (name, extension))
            for i, (a, b) in enumerate(zip(got, expected)):
                if a.tobytes() != b.tobytes():
                    sys.exit("%s: array %d of .%s differs from that of the first format" % (name, i, extension))
            if extension not in written:
                continue
            with open(paths[extension], "rb") as f:
                zip_bytes(os.path.join(out, "%s.%s.gz" % (name, extension)), f.read())
    zip_bytes(os.path.join(out, name + ".expect.gz"),
              rows.astype("<f4").tobytes() + b"".join(a.tobytes() for a in expected))
    if explained:
        zip_bytes(os.path.join(out, name + ".explain.gz"), b"".join(a.tobytes() for a in why))
    margins, values, leaves = expected[:3]
    done = {
        "name": name, "params": params, "rounds": rounds, "formats": [e for e in extensions if e in written], "rows": n,
        "features": features, "groups": groups, "values": values.shape[1], "trees": leaves.shape[1],
    }
    if explained:
        done["explained"] = explained
    done.update((key, extra[key]) for key in ("ranges", "refused") if extra.get(key))
    if extra.get("base") is not None and extra.get("base") is not False:
        done["base"] = True
    return done


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--fresh", type=int, metavar="SEED", help="random cases instead of the golden ones")
    parser.add_argument("--cases", type=int, default=28, help="how many random cases")
    args = parser.parse_args()

    out = os.path.join(args.out, xgb.__version__)
    os.makedirs(out, exist_ok=True)
    if args.fresh is None:
        cases, n = golden_cases(), 48
        command = "make.py OUT"
    else:
        cases, n = fresh_cases(np.random.RandomState(args.fresh), args.cases), 200
        command = "make.py --fresh %d --cases %d OUT" % (args.fresh, args.cases)
        print("xgboost %s, seed %d" % (xgb.__version__, args.fresh))
    done, refused = [], []
    for i, case in enumerate(cases):
        seed = (args.fresh or 0) % (1 << 31) + i
        explained = 40 if args.fresh is not None else 8 if case[0] in EXPLAINED else 0
        if isinstance(case[-1], dict) and case[1].get("multi_strategy") == "multi_output_tree":
            explained = 0  # refused up to 3.2, and other bits from 3.3 on
        small = args.fresh is None and isinstance(case[-1], dict)
        try:
            done.append(write_case(out, np.random.RandomState(seed), *case, 24 if small else n, explained))
        except xgb.core.XGBoostError as e:
            if args.fresh is None:
                raise
            refused.append("%s %s: %s" % (case[0], case[1], str(e).splitlines()[0]))  # a draw that this release does not train
    if refused:
        print("not trained by this release:", *refused, sep="\n  ")
    if len(refused) > len(cases) // 10:
        sys.exit("%d of %d draws were not trained" % (len(refused), len(cases)))
    manifest = {
        "xgboost": xgb.__version__, "python": platform.python_version(), "numpy": np.__version__,
        "libc": " ".join(platform.libc_ver()), "machine": platform.machine(), "command": command, "cases": done,
    }
    with open(os.path.join(out, "manifest.json"), "w") as f:
        json.dump(manifest, f, indent=1, sort_keys=True)
        f.write("\n")


if __name__ == "__main__":
    main()
