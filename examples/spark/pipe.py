"""Streams the partitions of a Spark DataFrame of lines through threatdetect, one process for each partition.

Lines stay in Arrow buffers on their way in and out: Python looks at batches, never at a line."""
import collections
import json
import os
import subprocess
import tempfile
import threading

import pyarrow as pa
import pyarrow.compute as pc
from pyspark import SparkFiles

SCHEMA = "kind string, input string, value string"
CHUNK = 1 << 20  # bytes of the program's output that are read at a time


class Pipe:
    """What a worker runs: a command of threatdetect whose files were shipped with --files.

    With on_skipped="fail" the first record that is skipped for a fault ends the job and is named; with "count" the account tells of it.
    Lines that begin with # are not data where there is a header: it goes to the program itself. With pairs, each line of the output
    belongs to the line of the input at its place."""

    def __init__(self, args, header=None, prepend=False, on_skipped="fail", pairs=False):
        self.args, self.header, self.prepend, self.on_skipped, self.pairs = list(args), header, prepend, on_skipped, pairs

    def command(self):
        program = SparkFiles.get("threatdetect")
        return [program] + [SparkFiles.get(a[1:]) if a.startswith("@") else a for a in self.args]

    def output(self, *more):
        """Runs the command on the driver, without input."""
        done = subprocess.run(self.command() + list(more), input=b"", capture_output=True)
        if done.returncode != 0:
            raise SystemExit(done.stderr.decode(errors="replace").strip())
        return done.stdout

    def check(self):
        """Asks the program whether it would do this at all: bundle, header and set are looked at before any task begins."""
        self.output("-")

    def __call__(self, batches):
        """The work of one partition: record batches with a column of lines in, SCHEMA out. The last row is the account."""
        strict = ["--strict"] if self.on_skipped == "fail" and not self.pairs else []
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(self.command() + strict + ["--summary", "json", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=errors, env=dict(os.environ, GOMAXPROCS=os.environ.get("GOMAXPROCS", "1")))
            feeder = Feeder(self, batches, process.stdin)
            feeder.start()
            try:
                for lines in split(process.stdout):
                    yield batch("output", feeder.take(len(lines)) if self.pairs else None, lines)
                code = process.wait()
                feeder.join()
            finally:  # also when Spark wants no more of it
                process.kill()
                process.wait()
            errors.seek(0)
            told = errors.read().decode(errors="replace").strip()
        if feeder.failure is not None:
            raise feeder.failure
        if code not in (0, 5) or code == 5 and self.on_skipped == "fail":
            raise RuntimeError(f"threatdetect ended with {code}: {told[-2000:]}")
        if feeder.fed:
            raise RuntimeError("threatdetect answered with fewer lines than it was given")
        yield batch("account", None, pa.array([told.splitlines()[-1]]))


class Feeder(threading.Thread):
    """Writes the lines of a partition to the program while its answers are read."""

    def __init__(self, pipe, batches, stdin):
        super().__init__(daemon=True)
        self.pipe, self.batches, self.stdin = pipe, batches, stdin
        self.fed, self.failure = collections.deque(), None

    def run(self):
        try:
            if self.pipe.prepend:
                self.stdin.write(self.pipe.header.encode())
            for b in self.batches:
                lines = b.column(0)
                if self.pipe.header is not None and not self.pipe.prepend:
                    lines = self.without_directives(lines)
                if self.pipe.pairs:
                    self.fed.append(lines)
                self.stdin.write(joined(lines))
            self.stdin.close()
        except BrokenPipeError:  # the program ended early, and says why
            pass
        except BaseException as e:  # for the thread that reads
            self.failure = e
        finally:
            try:
                self.stdin.close()
            except OSError:
                pass

    def without_directives(self, lines):
        directive = pc.starts_with(lines, "#")
        if not pc.any(directive).as_py():
            return lines
        want = fields(self.pipe.header)
        for line in lines.filter(directive):
            if line.as_py().startswith("#fields") and fields(line.as_py()) != want:
                raise ValueError("a file of the input has other columns than the header that was given: score it in a job of its own")
        return lines.filter(pc.invert(directive))

    def take(self, n):
        """The next n lines that were fed."""
        parts = []
        while n > 0:
            first = self.fed.popleft()
            parts.append(first[:n])
            if len(first) > n:
                self.fed.appendleft(first[n:])
            n -= len(parts[-1])
        return pa.concat_arrays(parts)


def fields(header):
    """The line of a header that names the columns."""
    return next((line.rstrip("\r") for line in header.split("\n") if line.startswith("#fields")), None)


def joined(lines):
    """The bytes of the lines, each with its end."""
    if len(lines) == 0:
        return b""
    lines = lines.cast(pa.binary())
    ended = pc.binary_join_element_wise(lines, pa.scalar(b""), pa.scalar(b"\n"))
    return memoryview(ended.buffers()[2])[:pc.sum(pc.binary_length(lines)).as_py() + len(lines)]


def split(stream):
    """The lines of a stream, some at a time, without their ends."""
    rest = b""
    while chunk := stream.read1(CHUNK):
        lines = pc.split_pattern(pa.array([rest + chunk], pa.binary()), b"\n").flatten()
        rest = lines[-1].as_py()
        if len(lines) > 1:
            yield lines[:-1].view(pa.string())
    if rest:
        yield pa.array([rest.decode(errors="replace")])


def batch(kind, inputs, values):
    n = len(values)
    return pa.RecordBatch.from_arrays([pa.array([kind] * n), pa.nulls(n, pa.string()) if inputs is None else inputs, values], ["kind", "input", "value"])


def add(accounts):
    """The sum of the accounts of all partitions."""
    total = {}
    for text in accounts:
        for key, value in json.loads(text).items():
            if isinstance(value, dict):
                into = total.setdefault(key, {})
                for name, n in value.items():
                    into[name] = into.get(name, 0) + n
            else:
                total[key] = total.get(key, 0) + value
    return total
