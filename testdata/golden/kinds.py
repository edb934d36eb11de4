"""What make.py trains besides gbtree with numeric splits: dart, gblinear, categorical splits, several targets, leaf vectors, and
all objectives; and the answers about base margins of rows and ranges of rounds.

A case is a tuple like those of make.py, whose last element is a dictionary:

    labels       kind of the labels, see labels()
    groups       number of outputs, if not 1 or num_class
    categorical  for every feature the number of its categories, or 0
    base         also predict from base margins
    ranges       ranges of rounds that are predicted
    refused      ranges that the release must refuse
    formats      forms to write, if not all
    modern       the release does not write this in the legacy form
    custom       train with an objective that XGBoost does not know
"""
import numpy as np
import xgboost as xgb

F32 = np.float32

# Objectives, the release that brought them, and their labels.
OBJECTIVES = {
    "reg:squaredlogerror": ((1, 0), "positive"),
    "reg:pseudohubererror": ((1, 2), "real"),
    "reg:absoluteerror": ((1, 7), "real"),
    "reg:quantileerror": ((2, 0), "real"),
    "reg:expectileerror": ((3, 3), "real"),
    "reg:gamma": ((0, 0), "positive"),
    "reg:tweedie": ((0, 0), "positive"),
    "count:poisson": ((0, 0), "count"),
    "survival:cox": ((0, 0), "cox"),
    "survival:aft": ((1, 2), "aft"),
    "binary:hinge": ((0, 0), "binary"),
    "rank:pairwise": ((0, 0), "rank"),
    "rank:ndcg": ((0, 0), "rank"),
    "rank:map": ((0, 0), "rank-binary"),
}
EDGES = np.array([-1, -0.5, -0.0, 0, 1.7, 39.9, 40, 63, 64, 1e6, 16777215, 16777216, 3e9, np.nan], dtype=F32)


def can_range(version):
    return version >= (1, 4)


def old_cases(version):
    """For the releases before 1.0, which have the legacy form only and start from margins."""
    tree = {"max_depth": 3, "eta": 0.4}
    regression = "reg:squarederror" if version >= (0, 90) else "reg:linear"
    dart = dict(tree, booster="dart", rate_drop=0.5, base_score=0.7)
    linear = {"booster": "gblinear", "updater": "coord_descent", "eta": 0.5, "base_score": 0.3}
    return [(name, params, rounds, 5, special) for name, params, rounds, special in (
        ("logistic", dict(tree, objective="binary:logistic", base_score=0.3), 6, {"labels": "binary", "base": True}),
        ("logitraw", dict(tree, objective="binary:logitraw", base_score=0.3), 3, {"labels": "binary"}),
        ("logistic-extreme", dict(tree, objective="binary:logistic", eta=60.0, min_child_weight=0.0), 4, {"labels": "binary"}),
        ("logistic-pruned", dict(tree, objective="binary:logistic", gamma=3.0, max_depth=6), 4, {"labels": "binary"}),
        ("squarederror", dict(tree, objective=regression, base_score=0.7), 20, {"labels": "real"}),
        ("poisson", dict(tree, objective="count:poisson", base_score=0.8, max_delta_step=0.4), 4, {"labels": "count"}),
        ("gamma", dict(tree, objective="reg:gamma", base_score=0.8), 3, {"labels": "positive"}),
        ("softprob-forest", dict(tree, objective="multi:softprob", num_class=3, num_parallel_tree=2, subsample=0.7, base_score=0.7), 3,
         {"labels": "classes", "base": True}),
        ("dart-tree", dict(dart, objective="binary:logistic"), 6, {"labels": "binary", "base": True}),
        ("dart-softprob", dict(dart, objective="multi:softprob", num_class=3), 4, {"labels": "classes"}),
        ("linear-squarederror", dict(linear, objective=regression), 4, {"labels": "real", "base": True}),
        ("linear-softprob", dict(linear, objective="multi:softprob", num_class=3), 3, {"labels": "classes"}),
    )]


def ranges(version, params, rounds):
    """The ranges that are asked for, and those that must be refused. 1.4, and dart up to 1.7, read past the end instead."""
    if not can_range(version):
        return {}
    if params.get("booster") == "gblinear":
        return {"ranges": [[0, 1]]} if version >= (1, 5) else {}  # the end is ignored, and refused in 1.4
    asked = [[0, 0], [0, 2], [1, 0], [1, rounds], [0, rounds], [2, 2]]
    refused = [[2, 1]]
    if version >= (1, 8) or version >= (1, 5) and params.get("booster") != "dart":
        refused.append([0, rounds + 1])
    return {"ranges": asked, "refused": refused}


def golden_cases(version):
    tree = {"max_depth": 3, "eta": 0.4}
    cases = []

    # The forms differ in little, so to save room not every release writes all.
    some = ["json", "ubj", "bin"]
    if (1, 6) <= version < (3, 1):
        some = ["ubj", "bin"] if version < (3, 0) else ["ubj"]
    elif version >= (3, 3):
        some = ["ubj"]
    one = ["bin"]  # or what comes next to it

    def add(name, params, rounds, features, **special):
        special.setdefault("formats", some)
        cases.append((name, params, rounds, features, special))

    def dart(name, rounds=6, **params):
        params = dict(tree, booster="dart", rate_drop=0.5, base_score=0.7, **params)
        add(name, params, rounds, 5, base=True, labels=params.pop("labels", "binary"), **ranges(version, params, rounds))

    dart("dart-tree", objective="binary:logistic", normalize_type="tree")
    dart("dart-forest", objective="reg:squarederror", normalize_type="forest", labels="real", one_drop=1)
    dart("dart-softprob", rounds=4, objective="multi:softprob", num_class=3, labels="classes")
    dart("dart-parallel", rounds=3, objective="binary:logistic", num_parallel_tree=2, subsample=0.7)

    linear = {"booster": "gblinear", "updater": "coord_descent", "eta": 0.5, "base_score": 0.3}
    add("linear-squarederror", dict(linear, objective="reg:squarederror"), 4, 6, labels="real", base=True,
        **ranges(version, linear, 4))
    add("linear-softprob", dict(linear, objective="multi:softprob", num_class=3), 3, 5, labels="classes", base=True)
    add("linear-untrained", dict(linear, objective="reg:squarederror"), 0, 3, labels="real")
    add("no-trees", dict(tree, objective="binary:logistic", base_score=0.3), 0, 3, labels="binary")

    for objective, (since, labels) in OBJECTIVES.items():
        if version < since or version >= (3, 3) and since < (2, 0):
            continue  # those of 3.2 again would only take room
        params = dict(tree, objective=objective)
        groups = 1
        if objective == "reg:tweedie":
            params["tweedie_variance_power"] = 1.2
        if objective == "survival:aft":
            params.update(aft_loss_distribution="normal", aft_loss_distribution_scale=1.2)
        if objective in ("reg:quantileerror", "reg:expectileerror"):
            params[objective[4:-5] + "_alpha"] = [0.1, 0.5, 0.9]
            groups = 3
        name = objective.replace(":", "-")
        for base_score in (0.8, None) if version >= (3, 2) else (0.8,):
            given = {} if base_score is None else {"base_score": base_score}
            add("%s-%s" % (name, base_score or "default"), dict(params, **given), 3, 4, labels=labels, groups=groups, formats=one,
                base=base_score == 0.8)

    add("custom", dict(tree, base_score=0.5), 3, 4, labels="real", custom=True, formats=one)
    forest = dict(tree, max_depth=2, num_parallel_tree=4, subsample=0.6)
    add("forest", dict(forest, objective="reg:squarederror", base_score=0.7), 3, 5, labels="real",
        **(ranges(version, {}, 3) if version >= (1, 6) else {}))
    add("forest-softprob", dict(forest, objective="multi:softprob", num_class=3), 3, 5, labels="classes", base=True,
        **(ranges(version, {}, 3) if version >= (1, 6) else {}))
    if version >= (1, 6):
        codes = [0, 5, 70, 0, 40]
        cat = dict(tree, tree_method="hist", objective="binary:logistic", base_score=0.6)
        add("categorical-onehot", dict(cat, max_cat_to_onehot=100), 6, 5, labels="codes", categorical=codes, modern=True)
        add("categorical-partition", dict(cat, max_cat_to_onehot=1, max_depth=4), 6, 5, labels="codes", categorical=codes,
            modern=True, base=True, **ranges(version, {}, 6))
        add("targets", dict(tree, tree_method="hist", objective="reg:squarederror", base_score=0.5), 4, 5, labels="targets",
            groups=3, base=True, **ranges(version, {}, 4))
        add("targets-logistic", dict(tree, tree_method="hist", objective="binary:logistic", base_score=0.4), 3, 5,
            labels="flags", groups=3)
    if version >= (2, 0):
        vector = dict(tree, tree_method="hist", multi_strategy="multi_output_tree")
        add("vector", dict(vector, objective="reg:squarederror", base_score=0.5), 5, 5, labels="targets", groups=3, base=True,
            modern=True, **ranges(version, {}, 5))
        add("vector-softprob", dict(vector, objective="multi:softprob", num_class=3, num_parallel_tree=2, subsample=0.7), 3, 5,
            labels="classes", modern=True)
        if version >= (3, 3):
            add("vector-dart", dict(vector, objective="reg:squarederror", booster="dart", rate_drop=0.5), 5, 5,
                labels="targets", groups=3, modern=True)

    # What is too large, or too special, to be there for every release.
    stumps = dict(tree, max_depth=1, base_score=0.7)
    if version in ((1, 0, 2), (1, 7, 6)):
        add("squarederror-long", dict(stumps, objective="reg:squarederror"), 200, 2, labels="real", formats=one)
    if version in ((1, 7, 6), (3, 4, 1)):
        add("softprob-40", dict(stumps, objective="multi:softprob", num_class=40, subsample=0.3), 1, 5, labels="classes", formats=one)
        add("forest-softprob-middle", dict(forest, objective="multi:softprob", num_class=3, max_depth=1), 3, 5, labels="classes",
            ranges=[[1, 2]], formats=one)
        add("dart-three", dict(tree, booster="dart", rate_drop=0.5, base_score=0.7, objective="binary:logistic", max_depth=2), 6, 5,
            labels="binary", ranges=[[0, 3]], formats=one)
        add("pseudohuber-slope", dict(stumps, objective="reg:pseudohubererror", huber_slope=2.5), 3, 4, labels="real", formats=one)
    if version in ((2, 1, 4), (3, 4, 1)):
        add("quantile-single", dict(stumps, objective="reg:quantileerror", quantile_alpha=0.3), 3, 4, labels="real", formats=one)
    if version == (3, 2, 0):
        add("linear-intercepts", {"booster": "gblinear", "updater": "coord_descent", "objective": "multi:softprob", "num_class": 3}, 3, 5,
            labels="classes")
    return cases


def fresh_cases(rng, number, version):
    cases = []
    names = [o for o, (since, _) in OBJECTIVES.items() if version >= since]
    for i in range(number):
        objective = str(rng.choice(names + ["reg:squarederror", "binary:logistic", "multi:softprob", "multi:softmax"]))
        labels = OBJECTIVES.get(objective, (None, {"reg:squarederror": "real", "binary:logistic": "binary"}.get(objective, "classes")))[1]
        rounds = int(rng.randint(2, 12))
        p = {
            "objective": objective, "eta": float(rng.choice([0.1, 0.4, 1.0])), "max_depth": int(rng.randint(1, 7)),
            "booster": str(rng.choice(["gbtree", "gbtree", "dart", "gblinear"])), "seed": int(rng.randint(1 << 30)),
        }
        special = {"labels": labels, "base": bool(rng.randint(2)), "groups": 1}
        if rng.randint(2):
            p["base_score"] = float(rng.choice([0.5, 0.25, round(float(rng.uniform(0.01, 0.99)), 6)]))
        if objective.startswith("multi:"):
            p["num_class"] = int(rng.randint(2, 6))
        if objective in ("reg:quantileerror", "reg:expectileerror"):
            p[objective[4:-5] + "_alpha"] = [0.2, 0.5, 0.6, 0.95]
            special["groups"] = 4
            p["booster"] = "gbtree"  # adaptive leaves are refused elsewhere
        if objective in ("reg:absoluteerror",):
            p["booster"] = "gbtree"
        features = int(rng.randint(4, 10))
        if p["booster"] == "gblinear":
            p["updater"] = "coord_descent"
            p["eta"] = 0.1  # with larger steps some objectives diverge
        else:
            adaptive = objective in ("reg:absoluteerror", "reg:quantileerror")  # leaves that XGBoost does not have in forests
            p["num_parallel_tree"] = int(rng.choice([1, 1, 3])) if special["groups"] == 1 and not adaptive else 1
            p["subsample"] = 0.7
            p["tree_method"] = "hist" if version >= (1, 6) else "exact"
            if version >= (1, 6) and rng.randint(3) == 0 and objective in ("reg:squarederror", "binary:logistic", "reg:gamma", "multi:softprob"):
                special["categorical"] = [int(rng.choice([0, 3, 20, 90])) for _ in range(features)]
                special["modern"] = True
                p["max_cat_to_onehot"] = int(rng.choice([1, 10, 100]))
            elif version >= (1, 6) and rng.randint(2) == 0 and objective == "reg:squarederror":
                special["labels"], special["groups"] = "targets", 3
                if version >= (2, 0) and p["booster"] == "gbtree" and rng.randint(2):
                    p["multi_strategy"] = "multi_output_tree"
                    special["modern"] = True
        if p["booster"] == "dart":
            p.update(rate_drop=float(rng.choice([0.1, 0.5])), normalize_type=str(rng.choice(["tree", "forest"])),
                     sample_type=str(rng.choice(["uniform", "weighted"])))
        if p.get("num_parallel_tree", 1) == 1 or version >= (1, 6):
            special.update(ranges(version, p, rounds))
        cases.append(("kind-%02d" % i, p, rounds, features, special))
    return cases


def make_features(rng, n, features, codes):
    columns = []
    for c in range(features):
        if codes and codes[c]:
            columns.append(rng.randint(0, codes[c], size=n))
        else:
            columns.append([rng.normal(size=n), rng.randint(0, 6, size=n), 10.0 ** rng.uniform(-2, 2, size=n)][c % 3])
    x = np.stack(columns, axis=1).astype(F32)
    signal = np.zeros(n)
    for c in range(features):
        if codes and codes[c]:  # every category has an effect of its own
            signal += rng.normal(size=codes[c])[x[:, c].astype(int)]
        else:
            signal += [1.0, 0.3, 0.02][c % 3] * x[:, c] * (-1) ** c
    signal += rng.normal(scale=0.3, size=n)
    x[rng.uniform(size=x.shape) < 0.1] = np.nan
    return x, signal


def make_labels(rng, kind, signal, classes):
    n = len(signal)
    rank = np.argsort(np.argsort(signal))
    positive = np.exp(np.clip(signal, -3, 3) / 2)
    return {
        "real": lambda: signal,
        "positive": lambda: positive,
        "count": lambda: np.floor(positive),
        "cox": lambda: positive * np.where(rng.uniform(size=n) < 0.3, -1, 1),
        "aft": lambda: positive,
        "binary": lambda: rank * 2 // n,
        "codes": lambda: rank * 2 // n,
        "classes": lambda: rank * classes // n,
        "rank": lambda: rank * 4 // n,
        "rank-binary": lambda: rank * 2 // n,
        "targets": lambda: np.stack([signal, signal ** 2 / 4, rng.normal(size=n)], axis=1),
        "flags": lambda: np.stack([signal > 0, signal > 1, rng.uniform(size=n) < 0.5], axis=1),
    }[kind]().astype(F32)


def train(rng, params, rounds, features, special):
    codes = special.get("categorical")
    x, signal = make_features(rng, 300, features, codes)
    y = make_labels(rng, special["labels"], signal, params.get("num_class", 0))
    options = {}
    if codes:
        options = {"feature_types": ["c" if c else "float" for c in codes], "enable_categorical": True}
    matrix = xgb.DMatrix(x, label=y, **options)
    if special["labels"] == "aft":
        matrix.set_float_info("label_lower_bound", y)
        matrix.set_float_info("label_upper_bound", np.where(rng.uniform(size=len(y)) < 0.2, np.inf, y * F32(1.1)).astype(F32))
    if special["labels"].startswith("rank"):
        matrix.set_group([10] * 30)
    params = dict(params, nthread=1, verbosity=0)
    params.setdefault("seed", 1)
    custom = {}
    if special.get("custom"):
        custom["obj"] = lambda p, d: (p.reshape(-1) - d.get_label(), np.ones(len(y), dtype=F32))
    booster = xgb.train(params, matrix, num_boost_round=rounds, **custom)
    if rounds == 0:
        booster.predict(xgb.DMatrix(x))  # which completes the set-up
    return booster, x


def mix_codes(rng, rows, codes):
    """Replaces some values of categorical columns by codes, and by what is none."""
    for c, number in enumerate(codes):
        if not number:
            continue
        for r in range(len(rows)):
            rows[r, c] = EDGES[rng.randint(len(EDGES))] if rng.randint(2) else rng.randint(number)
    rows[1] = np.nan


def answers(booster, rows, groups, leaves, extra):
    """The arrays behind the first three of an expectation."""
    found = []
    n = len(rows)
    if extra.get("base") is not None and extra.get("base") is not False:
        base = extra["base"]
        matrix = xgb.DMatrix(rows)
        matrix.set_base_margin(base if groups > 1 and xgb.__version__ >= "1.6" else base.reshape(-1))
        found.append(base.astype("<f4"))
        found.append(booster.predict(matrix, output_margin=True).reshape(n, -1).astype("<f4"))
        found.append(booster.predict(matrix).reshape(n, -1).astype("<f4"))
    matrix = xgb.DMatrix(rows)
    for asked in extra.get("ranges", []):
        found.append(booster.predict(matrix, output_margin=True, iteration_range=tuple(asked)).reshape(n, -1).astype("<f4"))
        if asked[0] == 0 and leaves.shape[1] > 0:
            some = booster.predict(matrix, pred_leaf=True, iteration_range=tuple(asked)).reshape(n, -1)
            assert np.array_equal(some, leaves[:, :some.shape[1]]), asked
    for refused in extra.get("refused", []):
        try:
            booster.predict(matrix, output_margin=True, iteration_range=tuple(refused))
        except xgb.core.XGBoostError:
            continue
        raise AssertionError("%s is not refused" % refused)
    return found
