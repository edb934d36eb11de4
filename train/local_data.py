"""What the container reads: the configuration, the channels and their files. Runs in front of local.py, in one program."""
import csv
import json
import os
import re
import shutil
import sys
import tempfile
import time

import numpy as np
import xgboost as xgb

ROOT, IMAGE, FORM = sys.argv[1:4]
VERSION = [0, 72] if IMAGE == "1" else [int(n) for n in re.findall(r"\d+", IMAGE)]


class UserError(Exception):
    """A fault of the data or the hyperparameters: ClientError in SageMaker's words."""


def info(text, *args, level="INFO"):
    print("[%s:%s] %s" % (time.strftime("%Y-%m-%d:%H:%M:%S"), level, text % args), flush=True)


def read(name):
    path = os.path.join(ROOT, "input", "config", name)
    if not os.path.exists(path):
        return None
    with open(path) as f:
        return json.load(f)


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
