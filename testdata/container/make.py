#!/usr/bin/env python3
"""Takes the requests whose rows matter out of recorded replies of a SageMaker container: usage: make.py RECORDED TAG

RECORDED holds golden/TAG.json and models/TAG/*.tar.gz. Writes TAG.ndjson.gz, a request a line: name, model, from (the
format), status (200; 400 for columns that do not fit; 415 for rows that cannot be read), body (base64), reply (of status
200), and copies the models."""
import base64, gzip, json, shutil, sys

recorded, tag = sys.argv[1:]
forms = {"text/csv": "csv", "text/libsvm": "libsvm", "application/x-recordio-protobuf": "recordio"}
models, seen, lines = {}, set(), []
for g in json.load(open("%s/golden/%s.json" % (recorded, tag))):
    if g.get("method") != "POST" or g["path"] != "/invocations" or g["env"] or "body_b64" not in g or g.get("or"):
        continue
    headers = [(k.lower(), v) for k, v in g["headers"]]
    types = [v for k, v in headers if k == "content-type"]
    if len(types) != 1 or types[0] not in forms or any(k not in ("content-type", "accept") for k, v in headers):
        continue
    if any(k == "accept" and v != "text/csv" for k, v in headers):
        continue
    if g["status"] not in (200, 400, 415) or len(g["body_b64"]) > 20000 or not g["body_b64"]:
        continue
    key = g["model"], forms[types[0]], g["body_b64"]
    if key in seen or g["model"].startswith("ens-") or g["model"] in ("junk", "nothing", "broken", "beside", "early-full", "named"):
        continue
    seen.add(key)
    models[g["model"]] = 1
    r = {"name": g["name"], "model": g["model"], "from": forms[types[0]], "status": g["status"], "body": g["body_b64"]}
    if g["status"] == 200:
        r["reply"] = base64.b64decode(g["response_b64"]).decode()
    lines.append(json.dumps(r, ensure_ascii=True, separators=(",", ":")))
with open(tag + ".ndjson.gz", "wb") as f, gzip.GzipFile(fileobj=f, mode="wb", mtime=0, filename="") as z:
    z.write("".join(line + "\n" for line in lines).encode())
for m in models:
    shutil.copy("%s/models/%s/%s.tar.gz" % (recorded, tag, m), "%s-%s.tar.gz" % (tag, m))
print(len(lines), sorted(models))
