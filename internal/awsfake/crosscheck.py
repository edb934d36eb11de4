#!/usr/bin/env python3
"""Holds our requests and tables against those of others: see crosscheck.sh.

crosscheck.py requests FILE...   each line {"service","operation","input"} against botocore's service models
crosscheck.py images WHEEL TABLE...   tables of images against the one in the wheel of the SageMaker Python SDK
"""
import collections
import json
import re
import sys
import zipfile


def convert(value, shape):
    """A JSON value as botocore's validator wants it; what is no fault of the value stays as it is."""
    if shape.type_name == "structure" and isinstance(value, dict):
        return {k: convert(v, shape.members[k]) if k in shape.members else v for k, v in value.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [convert(v, shape.member) for v in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {k: convert(v, shape.value) for k, v in value.items()}
    if shape.type_name == "blob":
        return b""  # a dry run tells size and digest
    return value


def limits(value, shape, path, faults):
    """What botocore leaves to the service: patterns, enums and upper bounds."""
    meta = shape.metadata
    if isinstance(value, dict):
        for k, v in value.items():
            if shape.type_name == "structure" and k in shape.members:
                limits(v, shape.members[k], f"{path}.{k}", faults)
            elif shape.type_name == "map":
                limits(v, shape.value, f"{path}.{k}", faults)
    elif isinstance(value, list):
        for i, v in enumerate(value):
            limits(v, shape.member, f"{path}[{i}]", faults)
    size = value if isinstance(value, (int, float)) else len(value) if hasattr(value, "__len__") else None
    if isinstance(value, bool) or shape.type_name in ("structure", "blob", "timestamp"):
        return
    if size is not None and "max" in meta and size > meta["max"]:
        faults.append(f"{path}: {str(value)[:80]}: more than {meta['max']}")
    if isinstance(value, str):
        if meta.get("enum") and value not in meta["enum"]:
            faults.append(f"{path}: {value} is none of the values of {shape.name}")
        pattern = meta.get("pattern")
        try:
            if pattern and not re.fullmatch(pattern, value, re.DOTALL):
                faults.append(f"{path}: {value[:80]} is not {pattern}")
        except re.error:
            pass  # a word of other languages' patterns


def requests(files):
    import botocore.session
    from botocore.validate import ParamValidator

    session, models, counts, failed = botocore.session.get_session(), {}, collections.Counter(), 0
    for name in files:
        with open(name, encoding="utf-8") as f:
            for n, line in enumerate(f, 1):
                if not line.strip():
                    continue
                r = json.loads(line)
                service = r["service"]
                if service not in models:
                    models[service] = session.get_service_model(service)
                shape = models[service].operation_model(r["operation"]).input_shape
                given = r.get("input") or {}
                faults = []
                if shape is not None:
                    value = convert(given, shape)
                    report = ParamValidator().validate(value, shape)
                    if report.has_errors():
                        faults.append(report.generate_report())
                    limits(value, shape, r["operation"], faults)
                elif given:
                    faults.append("the operation has no input")
                counts[service] += 1
                for fault in faults:
                    failed += 1
                    print(f"{name}:{n}: {service} {r['operation']}: {fault}")
    print("botocore accepts", ", ".join(f"{n} of {s}" for s, n in sorted(counts.items())) or "nothing, as there was nothing")
    return failed == 0 and sum(counts.values()) > 0


def images(wheel, tables):
    theirs = json.loads(zipfile.ZipFile(wheel).read("sagemaker/core/image_uri_config/xgboost.json"))
    wanted = {}  # version: (repository, accounts by region)
    scopes = theirs if "versions" not in theirs else {"all": theirs}
    for scope in scopes.values():
        if "versions" not in scope:
            continue
        for version, v in scope["versions"].items():
            wanted.setdefault(version, (v["repository"], v["registries"]))
    ok = True
    for table in tables:
        with open(table, encoding="utf-8") as f:
            ours = json.load(f)
        for version, v in ours["versions"].items():
            if version not in wanted:
                print(f"{table}: version {version} is not in {wheel}")
                ok = False
                continue
            repository, registries = wanted[version]
            accounts = ours["accounts"][v["set"]]
            if repository != v["repository"]:
                print(f"{table}: {version}: repository {v['repository']}, theirs is {repository}")
                ok = False
            for region in sorted(set(registries) | set(accounts)):
                if registries.get(region) != accounts.get(region):
                    print(f"{table}: {version} in {region}: account {accounts.get(region)}, theirs is {registries.get(region)}")
                    ok = False
        for version in sorted(set(wanted) - set(ours["versions"])):
            print(f"{table}: version {version} is missing")
            ok = False
        print(f"{table}: {len(ours['versions'])} versions as in the SageMaker Python SDK")
    return ok


if __name__ == "__main__":
    good = requests(sys.argv[2:]) if sys.argv[1] == "requests" else images(sys.argv[2], sys.argv[3:])
    sys.exit(0 if good else 1)
