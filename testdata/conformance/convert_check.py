#!/usr/bin/env python3
"""Check that real XGBoost releases predict from converted files what the releases that made the models predict.

    convert_check.py convert [--every N] THREATDETECT MODELS OUT
    convert_check.py predict MODELS OUT        in the interpreter of the release that is to read the files
    convert_check.py table OUT

MODELS is what models.py has written: models of all releases, each with numbers that its own release predicted. `convert` takes
one file of each case (the first, the second, … in turn, so that all formats come up; --every N: of each N-th case) and
writes it without a target and for 1.7, 2.1, 3.2 and 3.4, JSON and UBJSON in turn. OUT/index.json lists what came of it: files, the
releases they are for, refusals. What is refused because of its base score is converted once more with --base-as-tree.

`predict` loads the files that are for its release and compares margins, values and leaf numbers: every bit. It writes
OUT/result-<release>.json and fails if a bit differs. `table` prints the results of all releases.
"""
import argparse
import concurrent.futures
import glob
import json
import os
import re
import subprocess
import sys

TARGETS = [None, "1.7", "2.1", "3.2", "3.4"]


def convert(args):
    index, jobs = [], []
    os.makedirs(args.out, exist_ok=True)
    for manifest in sorted(glob.glob(os.path.join(args.models, "*", "manifest.json"))):
        release = os.path.basename(os.path.dirname(manifest))
        with open(manifest) as f:
            cases = json.load(f)["cases"]
        for number, case in enumerate(cases):
            if number % args.every or not case["models"]:
                continue
            entry = case["models"][number // args.every % len(case["models"])]
            for turn, target in enumerate(TARGETS):
                jobs.append((release, case, entry, target, "json" if (number + turn) % 2 else "ubj"))

    def one(job):
        release, case, entry, target, form = job
        source = os.path.join(args.models, release, entry["file"])
        checks = [c for c in entry["checks"] if set(c) <= {"output", "rows", "want", "base_margin", "rounds"}
                  and c["output"] in ("value", "margin", "leaf")]
        result = {"release": release, "case": case["name"], "file": entry["file"], "target": target, "checks": checks}
        for flags in ([], ["--base-as-tree"]):
            name = "-".join([release, entry["file"], target or "all"] + [f[2:] for f in flags]) + "." + form
            command = [args.threatdetect, "convert", "--to", form, "-o", os.path.join(args.out, name)] + flags
            done = subprocess.run(command + (["--for", target] if target else []) + [source], capture_output=True, text=True)
            result["tree"] = bool(flags)
            if done.returncode == 0:
                span = re.match(r"for XGBoost ([\d.]+)(?: to ([\d.]+))?: ", done.stderr)
                first, last = (span.group(1), span.group(2) or span.group(1)) if span else (target or "1.7", target or "3.4")
                return dict(result, converted=name, first=first, last=last, notes=done.stderr.strip())
            result.setdefault("refused", done.stderr.strip())
            if "base" not in done.stderr:
                break
        return result

    with concurrent.futures.ThreadPoolExecutor(args.workers) as pool:
        index = list(pool.map(one, jobs))
    with open(os.path.join(args.out, "index.json"), "w") as f:
        json.dump(index, f, indent=1)
    kept = [e for e in index if "converted" in e]
    print("%d conversions: %d files (%d with the base score as a tree), %d refused" % (
        len(index), len(kept), sum(e["tree"] for e in kept), len(index) - len(kept)))


def numbers(models, release, array, dtype="<f4"):
    import numpy as np
    count = 1
    for n in array["shape"]:
        count *= n
    return np.fromfile(os.path.join(models, release, "numbers.bin"), dtype=dtype, count=count,
                       offset=array["offset"]).reshape(array["shape"])


def parts(text):
    return tuple(int(p) for p in text.split(".")[:2])


def predict(args):
    import numpy as np
    import xgboost as xgb
    here = parts(xgb.__version__)
    with open(os.path.join(args.out, "index.json")) as f:
        index = json.load(f)
    result = {"release": xgb.__version__, "files": 0, "rows": 0, "numbers": 0, "differ": []}
    for e in index:
        if "converted" not in e or not parts(e["first"]) <= here <= parts(e["last"]):
            continue
        made = parts(e["release"])
        booster = xgb.Booster({"nthread": 1, "verbosity": 0})
        try:
            booster.load_model(os.path.join(args.out, e["converted"]))
        except xgb.core.XGBoostError as err:
            result["differ"].append([e["converted"], "load", str(err)[:300]])
            continue
        result["files"] += 1
        for check in e["checks"]:
            # A margin of each row comes after the leaves up to 1.3, and the size of forests is not in files up to 1.5.
            # A base score that is a tree stays beside a margin of each row, and is a round and a leaf of its own.
            if ("base_margin" in check and made < (1, 4) or "rounds" in check and made < (1, 6) or
                    e["tree"] and (check["output"] == "leaf" or set(check) & {"base_margin", "rounds"})):
                continue
            rows = numbers(args.models, e["release"], check["rows"])
            want = numbers(args.models, e["release"], check["want"])
            keep = ~np.isinf(rows).any(axis=1)  # which releases from 1.4 on refuse
            rows, want = rows[keep], want[keep]
            matrix = xgb.DMatrix(rows)
            if "base_margin" in check:
                margin = numbers(args.models, e["release"], check["base_margin"])[keep]
                matrix.set_base_margin(margin if margin.shape[1] > 1 else margin[:, 0])
            options = {"value": {}, "margin": {"output_margin": True}, "leaf": {"pred_leaf": True}}[check["output"]]
            options["validate_features"] = False  # the numbers come without names
            if "rounds" in check:
                options["iteration_range"] = tuple(check["rounds"])
            try:
                got = booster.predict(matrix, **options).reshape(len(rows), -1).astype("<f4")
            except (xgb.core.XGBoostError, ValueError) as err:
                result["differ"].append([e["converted"], check["output"], str(err)[:300]])
                continue
            want = want.reshape(len(rows), -1)
            result["rows"] += len(rows)
            result["numbers"] += want.size
            if got.shape != want.shape:
                result["differ"].append([e["converted"], check["output"], "shape %s, not %s" % (got.shape, want.shape)])
                continue
            bad = (got.view("<u4") != want.view("<u4")) & ~(np.isnan(got) & np.isnan(want))
            if made < (1, 6) and "base_margin" in check:  # a margin below -88.7, which convert has a note about
                clamped = np.array(0x0020BD47, "<u4").view("<f4")
                bad &= ~((got == clamped) & (want >= 0) & (want < clamped))
            if made < (1, 4):  # up to then no sum of leaves was a negative zero
                bad &= ~((got == 0) & (want == 0))
            if bad.any():
                extra = [k for k in ("rounds", "base_margin") if k in check]
                result["differ"].append([e["converted"], " ".join([check["output"]] + extra), "%d of %d, first %r, not %r" % (
                    bad.sum(), bad.size, float(got[bad][0]), float(want[bad][0]))])
    with open(os.path.join(args.out, "result-%s.json" % xgb.__version__), "w") as f:
        json.dump(result, f, indent=1)
    print("%(release)s: %(files)d files, %(rows)d rows, %(numbers)d numbers" % result + ", %d checks differ" % len(result["differ"]))
    for line in result["differ"][:20]:
        print("  ", *line)
    return 1 if result["differ"] or not result["files"] else 0


def table(args):
    print("| read by | files | rows | numbers | checks that differ |\n| --- | --- | --- | --- | --- |")
    for path in sorted(glob.glob(os.path.join(args.out, "result-*.json"))):
        with open(path) as f:
            r = json.load(f)
        print("| %s | %d | %d | %d | %d |" % (r["release"], r["files"], r["rows"], r["numbers"], len(r["differ"])))
    with open(os.path.join(args.out, "index.json")) as f:
        refused = [e for e in json.load(f) if "refused" in e]
    reasons = {}
    for e in refused:
        why = re.sub(r"^.*?convert model: |\d+(\.\d+)*|; see --for.*", "", e["refused"].replace(e["file"], ""))
        kept = "kept as a tree" if "converted" in e else "refused"
        reasons.setdefault((kept, why[:160]), []).append(e["file"])
    for (kept, why), files in sorted(reasons.items()):
        print("%s: %d, such as %s: %s" % (kept, len(files), files[0], why))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("convert")
    one.add_argument("--every", type=int, default=1)
    one.add_argument("--workers", type=int, default=2)
    one.add_argument("threatdetect")
    for name in ("convert", "predict"):
        sub = one if name == "convert" else commands.add_parser(name)
        sub.add_argument("models")
        sub.add_argument("out")
    commands.add_parser("table").add_argument("out")
    args = parser.parse_args()
    return {"convert": convert, "predict": predict, "table": table}[args.command](args)


if __name__ == "__main__":
    sys.exit(main())
