#!/usr/bin/env python3
"""An engine that is called from Python, or prepared by it. worker.go and engines.go start this.

    worker.py ENGINE prepare|serve DIR ROWS COLUMNS OUTPUTS ROUNDS SHAPE

prepare converts, compiles or trains what the engine needs, into DIR. serve answers commands, as worker.go has them. A class of
engines.py has the name of the engine, and:

    prepare(task)       optional
    Engine(task)        loads the model
    .version
    .call(begin, end)   returns a function without arguments that scores these rows; what can be made beforehand has been
    .outputs(result)    numbers of what that function returned, as an array of (end-begin) x outputs
    .time(batch, s)     optional: nanoseconds per row by a clock of the engine's own
"""
import os
import statistics
import sys
import time

import numpy as np

import engines


class Task:
    def __init__(self, dir, rows, columns, outputs, rounds, shape):
        self.dir, self.shape = dir, shape
        self.columns, self.outputs, self.rounds = int(columns), int(outputs), int(rounds)
        self.rows_path = rows

    @property
    def rows(self):
        return np.fromfile(self.rows_path, "<f4").reshape(-1, self.columns)

    @property
    def depth(self):
        return int(self.shape.split("of depth ")[1].split(",")[0])

    def file(self, name):
        return os.path.join(self.dir, name)

    def training(self):
        """The first of the rows and labels that XGBoost was trained on. How fast trees are does not depend on how many there were."""
        data = np.load(os.path.join(os.path.dirname(self.dir), "train%d.npz" % self.columns))
        return data["x"][:40_000], data["two" if self.outputs == 1 else "five"][:40_000]


def measure(calls, batch, seconds):
    """The median time per row over samples of at least 2 ms, going through the rows in order."""
    samples, at, start = [], 0, time.process_time_ns()
    while not samples or time.process_time_ns() - start < seconds * 1e9:
        began, n = time.process_time_ns(), 0
        while True:
            for _ in range(max(64 // batch, 1)):
                calls[at]()
                at = at + 1 if at + 1 < len(calls) else 0
                n += batch
            took = time.process_time_ns() - began
            if took >= 2_000_000:
                break
        samples.append(took / n)
    return statistics.median(samples), len(samples)


def serve(task, engine):
    rows = len(task.rows)
    calls = {}  # by batch size: making the arguments takes longer than some predictions
    print("ready", engine.version, flush=True)
    for line in sys.stdin:
        command, *words = line.split()
        if command == "time":
            batch, seconds = int(words[0]), float(words[1])
            if hasattr(engine, "time"):
                print("%.3f 1" % engine.time(batch, seconds), flush=True)
                continue
            if batch not in calls:
                calls[batch] = [engine.call(i * batch, (i + 1) * batch) for i in range(min(rows // batch, 8192))]
            print("%.3f %d" % measure(calls[batch], batch, seconds), flush=True)
        elif command == "check":
            parts = []
            count = int(words[0])
            for begin in range(0, count, 1000):
                end = min(begin + 1000, count)
                parts.append(np.array(engine.outputs(engine.call(begin, end)()), "<f4").reshape(end - begin, task.outputs))
            np.concatenate(parts).tofile(words[1])
            print("ok", flush=True)
        else:
            sys.exit("unknown command " + line)


def main():
    name, mode = sys.argv[1:3]
    task = Task(*sys.argv[3:])
    kind = getattr(engines, name.replace("-", "_"))
    if mode == "prepare":
        if hasattr(kind, "prepare"):
            kind.prepare(task)
        return
    try:
        engine = kind(task)
    except Exception as e:
        print("error: %s: %s" % (type(e).__name__, " ".join(str(e).split())), flush=True)
        raise
    serve(task, engine)


main()
