#!/usr/bin/env python3
"""Long test L19: a batch over more bytes than memory, killed once, and what it took.

    testdata/batch/large.py --gib 50                 # many logs, which are the same bytes under many names
    testdata/batch/large.py --gib 20 --gzip          # one gzip log, of as many members

A part is generated once and named, or repeated, as often as it takes: the size of the input is real, the disk holds one part. It prints
one line of JSON: bytes, records, the most resident memory of the two runs in MiB, CPU and wall seconds.
"""
import argparse, gzip, json, os, re, shutil, signal, subprocess, sys, tempfile, time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--gib", type=float, default=50, help="plain bytes of all logs together")
    p.add_argument("--part", type=int, default=256, help="MiB of one part")
    p.add_argument("--gzip", action="store_true", help="one gzip log instead of many plain ones")
    p.add_argument("--format", default="tsv", choices=["tsv", "json", "eve"])
    p.add_argument("--bundle", default=os.path.join(ROOT, "testdata/demo/model.tar.gz"))
    p.add_argument("--kill", type=float, default=15, help="seconds after which the first run is killed")
    p.add_argument("--bin", help="folder of threatdetect and trafficgen (default: built here)")
    p.add_argument("flags", nargs="*", help="more flags of batch, behind --")
    a = p.parse_args()
    work = tempfile.mkdtemp(prefix="threatdetect-large-")
    try:
        run(a, work)
    finally:
        shutil.rmtree(work)


def run(a, work):
    for cmd in () if a.bin else ("threatdetect", "trafficgen"):
        subprocess.run(["go", "build", "-o", work + "/" + cmd, "./cmd/" + cmd], cwd=ROOT, check=True)
    bin = a.bin or work
    line = {"tsv": 160, "json": 390, "eve": 700}[a.format]
    part = work + "/part"
    said = subprocess.run([bin + "/trafficgen", "--format", a.format, "--records", str(a.part * 2**20 // line), "-o", part],
                          check=True, capture_output=True, text=True).stderr
    records = int(re.search(r"records (\d+)", said).group(1))
    size = os.path.getsize(part)
    n = max(1, round(a.gib * 2**30 / size))
    logs = work + "/logs"
    os.mkdir(logs)
    if a.gzip:
        # Piece by piece: what this program ever had in memory would count as what those had that it starts.
        with open(part, "rb") as plain, gzip.open(part + ".gz", "wb", 1) as member:
            shutil.copyfileobj(plain, member)
        with open(logs + "/conn.log.gz", "wb") as f:
            for _ in range(n):
                with open(part + ".gz", "rb") as member:
                    shutil.copyfileobj(member, f)
    else:
        for i in range(n):
            os.link(part, f"{logs}/conn.{i:05d}.log")
    cmd = [bin + "/threatdetect", "batch", "--bundle", a.bundle, "--out", work + "/out", "--summary", "json", "--commit-every", "5s", *a.flags, logs]
    began = time.time()
    first = batch(cmd, a.kill)
    second = batch(cmd)
    account = json.loads(second.said.strip().splitlines()[-1])
    if account["records"] != n * records or account["rows"] != n * records or account["failed"]:
        sys.exit(f"want {n * records} records: {second.said[-500:]}")
    print(json.dumps({"gib": round(n * size / 2**30, 1), "logs": 1 if a.gzip else n, "gzip": a.gzip, "records": account["records"], "killed": first.status == -signal.SIGKILL,
                      "threats": account["threats"], "written": account["written"], "resident_mib": max(first.memory, second.memory) // 1024,
                      "cpu_seconds": round(first.cpu + second.cpu), "seconds": round(time.time() - began)}), flush=True)


class batch:
    """A run of batch, killed after so many seconds: what it said, and what it alone took, KiB of memory at most and seconds of processors."""

    def __init__(self, cmd, kill=0):
        with tempfile.TemporaryFile("w+") as errors:
            process = subprocess.Popen(cmd, stderr=errors)
            if kill:
                time.sleep(kill)
                process.send_signal(signal.SIGKILL)
            _, status, used = os.wait4(process.pid, 0)
            self.status = process.returncode = os.waitstatus_to_exitcode(status)
            self.memory, self.cpu = used.ru_maxrss, used.ru_utime + used.ru_stime
            errors.seek(0)
            self.said = errors.read()


main()
