"""Runs the jobs in one Spark session and compares what they write with threatdetect on the same files, without Spark: verdicts with those of its
command batch. An executor is killed in the middle of the first job. See check.sh."""
import glob
import json
import os
import signal
import struct
import subprocess
import sys
import threading
import time

import by_host
import score
from pipe import Pipe
from pyspark.sql import SparkSession

work = sys.argv[1]
spark = SparkSession.builder.appName("check").getOrCreate()
program = os.path.join(work, "threatdetect")


def path(name):
    return os.path.join(work, name)


def alone(*args, want=0):
    """What the program writes without Spark, sorted, and its account."""
    done = subprocess.run([program, *args, "--summary", "json"], capture_output=True, cwd=work)
    assert done.returncode == want, done.stderr
    return sorted(done.stdout.splitlines()), counts(json.loads(done.stderr.splitlines()[-1]))


def counts(account):
    return {k: v for k, v in account.items() if k != "seconds"}


def written(name):
    lines = []
    for part in glob.glob(path(name) + "/kind=output/**/part-*", recursive=True):
        with open(part, "rb") as f:
            lines += f.read().splitlines()
    return sorted(lines)


def executors():
    """The executors of this session: processes that the JVM, which is this program's parent, has started."""
    found = []
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/stat") as stat, open(f"/proc/{entry}/cmdline") as line:
                if int(stat.read().rsplit(")", 1)[1].split()[1]) == os.getppid() and "CoarseGrainedExecutorBackend" in line.read():
                    found.append(int(entry))
        except (OSError, ValueError, IndexError):
            continue
    return found


class Killer(threading.Thread):
    """Kills an executor when some tasks of a stage are done and others are not, and watches for tasks that fail by it."""

    def __init__(self):
        super().__init__(daemon=True)
        self.killed, self.failed, self.ended = 0, 0, False

    def run(self):
        tracker = spark.sparkContext.statusTracker()
        while not self.ended:
            for stage in tracker.getActiveStageIds():
                info = tracker.getStageInfo(stage)
                if info is None:
                    continue
                self.failed = max(self.failed, info.numFailedTasks)
                if not self.killed and info.numTasks > 4 and 2 <= info.numCompletedTasks <= info.numTasks - 2:
                    self.killed = executors()[0]
                    os.kill(self.killed, signal.SIGKILL)
            time.sleep(0.02)


def step(text):
    print(f"spark: {text}: {time.monotonic() - begin:.0f} s", flush=True)


try:
    begin = time.monotonic()
    log = ["--from", "zeek", "--header", "conn.header", path("conn.log")]
    killer = Killer()
    killer.start()
    account = score.main(["--bundle", "model.bundle", "--on-skipped", "count", *log, path("verdicts")])
    killer.ended = True
    killer.join()
    assert killer.killed and killer.failed > 0, "no executor was lost in the middle"
    _, want_account = alone("batch", "--bundle", "model.bundle", "--all", "--out", "batch", "conn.log", want=5)
    with open(path("batch/conn.log.ndjson"), "rb") as f:
        want = sorted(f.read().splitlines())
    assert account["skipped"] and counts(account) == {k: want_account[k] for k in counts(account)}, (account, want_account)
    assert want_account["written"] == len(want) and written("verdicts") == want
    step(f"{len(want)} verdicts, an executor killed, {killer.failed} tasks again, equal to those of batch to the byte")

    try:
        score.main(["--bundle", "model.bundle", *log, path("refused")])
        raise AssertionError("a record was skipped and nobody was told")
    except Exception as e:
        assert "wrong number of fields" in str(e) or "threatdetect ended with 4" in str(e), e
    assert not os.path.exists(path("refused/_SUCCESS"))
    step("a record that cannot be read ends the job unless it is to be counted")

    score.main(["--bundle", "model.bundle", "--on-skipped", "count", "--threats", "--to", "parquet", *log, path("threats")])
    bits = lambda score: struct.pack("<f", score)
    got = sorted((r.uid, bits(r.score), r.threat) for r in spark.read.parquet(path("threats/kind=output")).select("uid", "score", "threat").collect())
    assert got == sorted((v["uid"], bits(v["score"]), v["threat"]) for v in map(json.loads, want) if v["threat"])
    step(f"{len(got)} threats in Parquet, equal to the bit")

    rows, _ = alone("features", "--set", "flow-portable/1", "--no-header", "rows.log")
    with open(path("rows.csv"), "wb") as f:
        f.write(b"".join(row + b"\n" for row in rows))
    account = score.main(["--model", "model.bundle", "--from", "csv", path("rows.csv"), path("scores")])
    scores = subprocess.run([program, "predict", "--model", "model.bundle", "--quiet", "rows.csv"], capture_output=True, cwd=work, check=True).stdout.splitlines()
    assert account["rows"] == len(rows) and written("scores") == sorted(row + b"," + s for row, s in zip(rows, scores))
    step(f"{len(rows)} numeric rows, each with its score")

    account = by_host.main(["--set", "beacon/1", "--header", "conn.header", "--partitions", "6", path("rows.log"), path("beacons")])
    want, want_account = alone("features", "--set", "beacon/1", "--to", "ndjson", "rows.log")
    assert counts(account) == want_account and written("beacons") == want
    assert sum(b'"beacon_n":' in line and b'"beacon_score":null' not in line for line in want) > 0, "no source calls often enough to tell"
    step(f"{len(want)} rows of a set that remembers, by host")

    for refused, job in {"set host/1 is not made of the flows of a source alone": lambda: by_host.main(["--set", "host/1", "--header", "conn.header", path("rows.log"), path("no")]),
                         "set host/1 remembers flows": lambda: Pipe(["features", "--part", "--set", "host/1"]).check(),
                         "several records": lambda: Pipe(["features", "--part", "--set", "flow-min/1", "--from", "vpcflow"]).check()}.items():
        try:
            job()
            raise AssertionError(f"not refused: {refused}")
        except SystemExit as e:
            assert refused in str(e), e
    step("what needs the whole log is refused")
finally:  # executors that the end of the program takes by surprise say so at length
    spark.stop()
