#!/usr/bin/env python3
"""What a record costs in processor time on one core: with threatdetect batch, with threatdetect score at the end of a pipe, and with score.py, the job of this
folder, on Spark.

    examples/spark/cost.py --venv VENV        # with the packages of requirements.txt; needs Go, Java 17

All of them score the same simulated log to a folder, threats only, on one core, in turns. Each is run with a log and with one that is three times as long: what the longer one
takes more, over its records, is the cost of a record, without the start of a process, a JVM or a cluster.
"""
import argparse, ctypes, os, resource, shutil, statistics, subprocess, sys, tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SPARK = os.path.join(ROOT, "examples/spark")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--venv", required=True)
    p.add_argument("--records", type=int, default=1_000_000, help="of the shorter log")
    p.add_argument("--rounds", type=int, default=3)
    a = p.parse_args()
    # What a process leaves behind, as Spark does its Python workers, becomes a child of this one, which counts its time.
    if ctypes.CDLL(None, use_errno=True).prctl(36, 1, 0, 0, 0):  # PR_SET_CHILD_SUBREAPER
        sys.exit("this needs Linux")
    work = tempfile.mkdtemp(prefix="threatdetect-spark-")
    try:
        measure(a, work)
    finally:
        shutil.rmtree(work)


def measure(a, work):
    subprocess.run(["go", "build", "-o", work + "/threatdetect", "./cmd/threatdetect"], cwd=ROOT, check=True)
    subprocess.run(["go", "build", "-o", work + "/trafficgen", "./cmd/trafficgen"], cwd=ROOT, check=True)
    for name, n in (("short", a.records), ("long", 3 * a.records)):
        subprocess.run([work + "/trafficgen", "--seed", "8", "--records", str(n), "-o", f"{work}/{name}.log"], check=True, stderr=subprocess.DEVNULL)
    with open(work + "/short.log") as f, open(work + "/conn.header", "w") as header:
        header.writelines(line for _, line in zip(range(8), f) if line.startswith("#"))
    shutil.copy(ROOT + "/testdata/demo/model.tar.gz", work + "/model.bundle")  # Spark unpacks what is called tar.gz

    td, out = work + "/threatdetect", work + "/out"
    spark = [a.venv + "/bin/spark-submit", "--master", "local[1]", "--driver-memory", "1g", "--conf", "spark.ui.enabled=false", "--conf", "spark.local.dir=" + work,
             "--files", f"{td},{work}/model.bundle,{work}/conn.header", "--py-files", SPARK + "/pipe.py", SPARK + "/score.py",
             "--bundle", "model.bundle", "--from", "zeek", "--header", "conn.header", "--threats"]
    ways = {
        "batch": lambda log: [td, "batch", "--quiet", "--bundle", work + "/model.bundle", "--workers", "1", "--out", out, log],
        "score, at the end of a pipe": lambda log: ["sh", "-c", f"cat '{log}' | '{td}' score --quiet --bundle '{work}/model.bundle' - > '{out}'"],
        "score.py on Spark": lambda log: spark + [log, out],
    }
    costs = {way: [] for way in ways}
    for _ in range(a.rounds):
        for way, command in ways.items():
            took = [spent(command(f"{work}/{name}.log"), a, work, out) for name in ("short", "long")]
            costs[way].append((took[1] - took[0]) / (2 * a.records) * 1e9)
    batch = statistics.median(costs["batch"])
    print(f"| one core, {a.records:,} and {3 * a.records:,} records, {a.rounds} rounds | ns of processor time a record (least to most) | over batch |\n|---|---|---|")
    for way, ns in costs.items():
        print(f"| {way} | {statistics.median(ns):.0f} ({min(ns):.0f} to {max(ns):.0f}) | {statistics.median(ns) / batch:.2f} |")


def spent(command, a, work, out):
    """The processor time of a command with all that it starts, on one core."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    env = dict(os.environ, GOMAXPROCS="1", SPARK_LOCAL_IP="127.0.0.1", PYSPARK_PYTHON=a.venv + "/bin/python")
    done = subprocess.run(command, cwd=work, env=env, capture_output=True, text=True, preexec_fn=lambda: os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]))
    if done.returncode != 0:
        sys.exit(f"{command[0]}: {done.stderr[-2000:]}")
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    shutil.rmtree(out) if os.path.isdir(out) else os.remove(out)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


main()
