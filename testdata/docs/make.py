"""Trains the models of docs/ and writes what their own XGBoost predicts. Usage: PYTHON make.py old|libsvm|endpoint

PYTHON is that of an environment with the release: 0.90 for old, 1.7.6 for the others (make.sh runs all). The rows are made of the
numbers of a small generator, so that they are the same everywhere."""
import io, pickle, sys, tarfile
import numpy as np
import xgboost as xgb


def numbers(seed, n, columns):
    state, out = seed, []
    for _ in range(n * columns):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        out.append((state >> 40) / 2.0**24)
    return np.array(out).reshape(n, columns)


def flows(seed, n):
    """bytes_in, bytes_out, packets, duration, failed, port_low: many of them 0"""
    u = numbers(seed, n, 8)
    x = np.zeros((n, 6))
    x[:, 0] = np.where(u[:, 0] < 0.35, 0, np.round(np.exp(9 * u[:, 0])))
    x[:, 1] = np.where(u[:, 1] < 0.45, 0, np.round(np.exp(8 * u[:, 1])))
    x[:, 2] = np.round(1 + 40 * u[:, 2] ** 3)
    x[:, 3] = np.where(u[:, 3] < 0.25, 0, np.round(90 * u[:, 3] ** 4, 3))
    x[:, 4] = np.where(u[:, 4] < 0.7, 0, np.round(10 * u[:, 4]))
    x[:, 5] = u[:, 5] < 0.4
    y = ((x[:, 1] == 0) & (x[:, 4] > 7) | (u[:, 6] + (x[:, 0] > 2000) * 0.4 + x[:, 5] * 0.3 > 1.35)).astype(int)
    return x, y


names = ["bytes_in", "bytes_out", "packets", "duration", "failed", "port_low"]


def csv(path, x, header=True):
    with open(path, "w") as f:
        if header:
            f.write(",".join(names) + "\n")
        for row in x:
            f.write(",".join(repr(int(v)) if v == int(v) else repr(float(v)) for v in row) + "\n")


def values(path, p):
    with open(path, "w") as f:
        f.writelines(repr(float(v)) + "\n" for v in p)


def archive(path, data):
    info = tarfile.TarInfo("xgboost-model")
    info.size = len(data)
    with tarfile.open(path, "w:gz", compresslevel=9) as t:
        t.addfile(info, io.BytesIO(data))


def libsvm(path, x, y):
    """As most writers of LIBSVM files do: a 0 is left out."""
    with open(path, "w") as f:
        for row, label in zip(x, y):
            f.write(" ".join([str(label)] + ["%d:%r" % (i, float(v)) for i, v in enumerate(row) if v != 0]) + "\n")


params = {"objective": "binary:logistic", "max_depth": 3, "eta": 0.3, "seed": 7, "nthread": 1}
x, y = flows(1, 600)
new, labels = flows(2, 12)
what = sys.argv[1]
if what == "old":  # as the SageMaker container of XGBoost 0.90 saved
    booster = xgb.train(params, xgb.DMatrix(x, label=y, feature_names=names), 12)
    archive("old.tar.gz", pickle.dumps(booster, protocol=4))
    csv("old-rows.csv", new)
    values("old-expect.csv", booster.predict(xgb.DMatrix(new, feature_names=names)))
elif what == "libsvm":
    libsvm("train.libsvm", x, y)
    booster = xgb.train(params, xgb.DMatrix("train.libsvm?format=libsvm"), 12)
    booster.save_model("libsvm.json")
    libsvm("new.libsvm", new, labels)
    csv("libsvm-rows.csv", new, header=False)
    values("libsvm-expect.csv", booster.predict(xgb.DMatrix("new.libsvm?format=libsvm")))
else:  # early stopping: all rounds are in the file, and the number of the best one
    held, held_labels = flows(3, 200)
    booster = xgb.train(dict(params, eta=0.6, max_depth=5), xgb.DMatrix(x, label=y), 60, evals=[(xgb.DMatrix(held, label=held_labels), "held")],
                        early_stopping_rounds=10, verbose_eval=False)
    booster.save_model("xgboost-model")
    archive("endpoint.tar.gz", open("xgboost-model", "rb").read())
    csv("endpoint-rows.csv", new, header=False)
    loaded = xgb.Booster()
    loaded.load_model("xgboost-model")
    values("endpoint-reply.csv", loaded.predict(xgb.DMatrix(new), ntree_limit=loaded.best_ntree_limit) if hasattr(loaded, "best_ntree_limit")
           else loaded.predict(xgb.DMatrix(new), iteration_range=(0, loaded.best_iteration + 1)))
    print(booster.best_iteration, booster.num_boosted_rounds())
