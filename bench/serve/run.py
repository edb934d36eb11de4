#!/usr/bin/env python3
"""Serves one model with threatdetect and with the Python stacks that people use, and puts the same load on each in turn.

    bench/serve/run.py --out docs/serving.md        # everything: under eight minutes once the environments are there
    bench/serve/run.py --rounds 1 --seconds 1       # whether it works

Needs Go, Python 3.11 and wrk (Debian: apt-get install wrk). Each server has one core, wrk another. Answers are compared before anything is timed.
Environments are kept in --work."""
import argparse
import datetime
import json
import os
import re
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
CORES = sorted(os.sched_getaffinity(0))
SERVER, LOAD = CORES[0], CORES[-1]
COMMON = ["flask==3.1.3", "fastapi==0.165.0", "uvicorn[standard]==0.54.0", "gunicorn==27.0.1", "gevent==26.9.0", "packaging", "setuptools", "scipy"]
ENVIRONMENTS = {"xgboost-1.7.6": ["xgboost==1.7.6", "numpy<2"] + COMMON, "xgboost-3.2.0": ["xgboost==3.2.0", "numpy"] + COMMON,
                "mlserver": ["mlserver==1.7.1", "mlserver-xgboost==1.7.1", "xgboost==3.2.0"]}


class Server:
    def __init__(self, name, command, port, env=None, path="/invocations", ready="/ping", json=False):
        self.name, self.command, self.port, self.env = name, command, port, {**os.environ, "OMP_NUM_THREADS": "1", **(env or {})}
        self.path, self.ready, self.json, self.process = path, ready, json, None

    def with_workers(self, n):
        """The same with n workers, or None if it has none."""
        if "-w" not in self.command:
            return None
        command = list(self.command)
        command[command.index("-w") + 1] = str(n)
        return Server(f"{self.name}, {n} workers", command, self.port, self.env, self.path, self.ready, self.json)

    def start(self, log):
        self.process = subprocess.Popen(["taskset", "-c", str(SERVER)] + self.command, env=self.env, stdout=log, stderr=log, start_new_session=True)

    def stop(self):
        if self.process is None:
            return
        for how in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, how)
                self.process.wait(10)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue
        self.process.wait()
        self.process = None

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def ask(self, body):
        request = urllib.request.Request(self.url(self.path), body, {"Content-Type": "application/json" if self.json else "text/csv"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def scores(self, body):
        """What it says, as the bits of float32."""
        text = self.ask(body)
        values = json.loads(text)["outputs"][0]["data"] if self.json else [float(v) for v in text.split()]
        return [struct.pack("<f", v) for v in values]

    def first_answer(self, log, body):
        """Seconds from the start of the process to the first score."""
        begin = time.perf_counter()
        self.start(log)
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=60):
                    pass
                self.ask(body)
                return time.perf_counter() - begin
            except (OSError, urllib.error.URLError):
                if self.process.poll() is not None:
                    raise RuntimeError(f"{self.name} ended with {self.process.returncode}")
                if time.perf_counter() - begin > 60:
                    raise RuntimeError(f"{self.name} gives no answer")
                time.sleep(0.001)

    def memory(self):
        """Proportional set size of its processes, what of that is no file's, resident set size, bytes, and how many they are."""
        pss = anonymous = rss = processes = 0
        for entry in os.listdir("/proc"):
            try:
                if entry.isdigit() and os.getpgid(int(entry)) == self.process.pid:
                    text = open(f"/proc/{entry}/smaps_rollup").read()
                    pss += int(re.search(r"^Pss:\s+(\d+)", text, re.M)[1]) << 10
                    anonymous += int(re.search(r"^Pss_Anon:\s+(\d+)", text, re.M)[1]) << 10
                    rss += int(re.search(r"^Rss:\s+(\d+)", text, re.M)[1]) << 10
                    processes += 1
            except (OSError, TypeError):
                continue
        return pss, anonymous, rss, processes


def install(work, name, packages):
    venv = os.path.join(work, name)
    if not os.path.exists(os.path.join(venv, "done")):
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([venv + "/bin/pip", "install", "--quiet"] + packages, check=True)
        open(os.path.join(venv, "done"), "w").close()
    return venv + "/bin/"


def version(bin, package):
    return subprocess.run([bin + "python", "-c", f"import importlib.metadata as m; print(m.version('{package}'))"], capture_output=True, text=True).stdout.strip()


def bodies(columns):
    """One row and a hundred, without missing values: MLServer's JSON has no word for them."""
    import random
    draw = random.Random(1)
    row = lambda: ",".join(format(draw.lognormvariate(2, 3), ".6g") for _ in range(columns))
    lines = [row() for _ in range(100)]
    return {1: lines[0] + "\n", 100: "\n".join(lines) + "\n"}


def tensor(text):
    """A CSV body as a request of the V2 protocol."""
    rows = [[float(v) if v else float("nan") for v in line.split(",")] for line in text.splitlines()]
    return json.dumps({"inputs": [{"name": "x", "shape": [len(rows), len(rows[0])], "datatype": "FP32", "data": [v for row in rows for v in row]}]})


def load(server, file, seconds, connections):
    env = dict(os.environ, BODY=file, TYPE="application/json" if server.json else "text/csv")
    text = subprocess.run(["taskset", "-c", str(LOAD), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "--latency", "-s", os.path.join(HERE, "post.lua"),
                           server.url(server.path)], env=env, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        raise RuntimeError(f"{server.name}: {text}")
    unit = {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60}

    def at(percent):
        found = re.search(rf"^\s+{percent}%\s+([\d.]+)(us|ms|s|m)\s*$", text, re.M)
        if not found:
            raise RuntimeError(f"{server.name}: no {percent}% in {text}")
        return float(found[1]) * unit[found[2]]
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]), at(50), at(99)


def stopped(s, log, body):
    """Seconds to the first answer of a server that is not needed after it."""
    try:
        return s.first_answer(log, body(s, 1))
    finally:
        s.stop()


def alone(s, log, paths, body, seconds, connections):
    """The memory of a server after load, with no other one running, which would share the pages of libraries with it."""
    s.first_answer(log, body(s, 1))
    try:
        time.sleep(2)  # some tidy up a moment after their start
        for n in (1, 100):
            load(s, paths[n, s.json], seconds, connections)
        return s.memory()
    finally:
        s.stop()


def servers(work, files):
    td = os.path.join(files, "threatdetect")
    model = os.path.join(files, "model.json")
    image = os.path.join(files, "image")
    all = [Server("threatdetect serve", [td, "serve", "--quiet", "--model", model, "--listen", "127.0.0.1:18081"], 18081),
           Server("threatdetect serve --sagemaker 1.7-1, the container image's program", [image, "serve", "--quiet", "--model", model, "--sagemaker", "1.7-1", "--listen", "127.0.0.1:18082"], 18082)]
    port = 18090
    for release in ("1.7.6", "3.2.0"):
        bin = install(work, "xgboost-" + release, ENVIRONMENTS["xgboost-" + release])
        for app, worker, what in (("flask", "gevent", "Flask"), ("fastapi", "uvicorn.workers.UvicornWorker", "FastAPI")):
            port += 1
            all.append(Server(f"gunicorn {version(bin, 'gunicorn')}, {what} {version(bin, app)}, XGBoost {release}",
                              [bin + "gunicorn", "--chdir", HERE, "-w", "1", "-k", worker, "-b", f"127.0.0.1:{port}", "--log-level", "warning", "apps:app"],
                              port, {"APP": app, "MODEL": model}))
    try:
        bin = install(work, "mlserver", ENVIRONMENTS["mlserver"])
        settings = os.path.join(files, "mlserver")
        os.makedirs(settings, exist_ok=True)
        json.dump({"http_port": 18099, "grpc_port": 18100, "metrics_port": 18101, "host": "127.0.0.1", "parallel_workers": 0}, open(settings + "/settings.json", "w"))
        json.dump({"name": "m", "implementation": "mlserver_xgboost.XGBoostModel", "parameters": {"uri": model}}, open(settings + "/model-settings.json", "w"))
        all.append(Server(f"MLServer {version(bin, 'mlserver')}, XGBoost {version(bin, 'xgboost')}; JSON, which it wants", [bin + "mlserver", "start", settings], 18099,
                          path="/v2/models/m/infer", json=True))
    except subprocess.CalledProcessError as e:
        print(f"MLServer cannot be installed: {e}", file=sys.stderr)
    return all


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--work", default=os.path.join(tempfile.gettempdir(), "threatdetect-bench-serve"))
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--seconds", type=int, default=4, help="of load on a server in a round, for each body")
    p.add_argument("--connections", type=int, default=8)
    p.add_argument("--out", help="write the tables to this Markdown file, in place of what is between its markers")
    a = p.parse_args()
    if SERVER == LOAD:
        sys.exit("needs two cores: one for a server, one for the load")
    os.makedirs(a.work, exist_ok=True)
    files = tempfile.mkdtemp(prefix="threatdetect-serve-")
    subprocess.run(["go", "build", "-trimpath", "-ldflags=-s -w", "-o", files + "/threatdetect", "./cmd/threatdetect"], cwd=ROOT, check=True, env=dict(os.environ, CGO_ENABLED="0"))
    subprocess.run(["go", "build", "-trimpath", "-tags", "noparquet,noaws,noprogress,nethttpomithttp2", "-ldflags=-s -w", "-o", files + "/image", "./cmd/threatdetect"], cwd=ROOT, check=True,
                   env=dict(os.environ, CGO_ENABLED="0"))
    subprocess.run(["go", "build", "-trimpath", "-ldflags=-s -w", "-o", files + "/floor", "./serve/floor"], cwd=os.path.dirname(HERE), check=True, env=dict(os.environ, CGO_ENABLED="0"))
    subprocess.run([files + "/threatdetect", "convert", "--to", "json", "-o", files + "/model.json", ROOT + "/testdata/demo/model.tar.gz"], check=True)
    about = json.loads(subprocess.run([files + "/threatdetect", "inspect", "--json", files + "/model.json"], capture_output=True, check=True).stdout)
    texts = bodies(about["features"])
    paths = {}
    for n, text in texts.items():
        for is_json in (False, True):
            paths[n, is_json] = f"{files}/{n}.{'json' if is_json else 'csv'}"
            open(paths[n, is_json], "w").write(tensor(text) if is_json else text)
    body = lambda s, n: open(paths[n, s.json], "rb").read()

    all, starts, figures = [], {}, {}
    log = open(files + "/log", "w")
    try:
        want = None
        for s in servers(a.work, files):
            try:
                times = []
                for _ in range(max(a.rounds, 1)):
                    s.stop()
                    times.append(s.first_answer(log, body(s, 1)))
                starts[s] = statistics.median(times)
                got = {n: s.scores(body(s, n)) for n in texts}
            except (RuntimeError, OSError, KeyError) as e:
                s.stop()
                print(f"left out: {s.name}: {e}; see {log.name}", file=sys.stderr)
                continue
            want = want or got
            if got != want:
                sys.exit(f"{s.name} gives other scores than {all[0].name}")
            all.append(s)
            print(f"{s.name}: first answer after {starts[s] * 1000:.0f} ms; scores equal", file=sys.stderr)
        for s in all:
            load(s, paths[1, s.json], 1, a.connections)  # to warm up
        for turn in range(a.rounds):
            for n in texts:
                for s in all if turn % 2 == 0 else all[::-1]:
                    figures.setdefault((s, n), []).append(load(s, paths[n, s.json], a.seconds, a.connections))
            print(f"round {turn + 1} of {a.rounds}", file=sys.stderr)
        for s in all:
            s.stop()
        memory = {}
        for s in all:
            for t in filter(None, (s, s.with_workers(os.cpu_count()))):
                memory[t] = alone(t, log, paths, body, a.seconds, a.connections)
        floor = Server("a fixed answer by Go's net/http", [files + "/floor", "127.0.0.1:18083"], 18083)
        starts[floor] = statistics.median(stopped(floor, log, body) for _ in range(max(a.rounds, 1)))
        memory[floor] = alone(floor, log, paths, body, a.seconds, a.connections)
    finally:
        for s in all:
            s.stop()
    text = report(a, about, all, starts, figures, memory)
    if a.out:
        whole = open(a.out).read()
        begin, end = "<!-- measured -->\n", "<!-- end -->\n"
        head, rest = whole.split(begin)
        open(a.out, "w").write(head + begin + text + end + rest.split(end)[1])
    else:
        print(text)


def report(a, about, all, starts, figures, memory):
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown CPU")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    wrk = subprocess.run(["wrk", "-v"], capture_output=True, text=True).stdout.split("\n")[0].split(" [")[0]
    out = [f"{datetime.date.today()}, commit {commit}, {cpu}, {os.cpu_count()} cores, Python {sys.version.split()[0]}, {wrk}, load average before {os.getloadavg()[2]:.1f}. "
           f"Model: {about['trees']} trees of depth {about['max_depth']}, {about['features']} features. {a.connections} connections, {a.rounds} rounds of {a.seconds} s; medians.\n\n"]
    middle = lambda s, n, i: statistics.median(f[i] for f in figures[s, n])
    for n in (1, 100):
        out.append(f"| {n} row{'s' if n > 1 else ''} a request | requests/s | times | p50 | p99 | p99 of ours |\n|---|---|---|---|---|---|\n")
        for s in all:
            ratio = statistics.median(o[0] / f[0] for o, f in zip(figures[all[0], n], figures[s, n]))
            tail = middle(all[0], n, 2) / middle(s, n, 2)
            out.append(f"| {s.name} | {middle(s, n, 0):,.0f} | {ratio:.1f} | {middle(s, n, 1) * 1000:.2f} ms | {middle(s, n, 2) * 1000:.2f} ms | 1/{1 / tail:.1f} |\n")
        out.append("\n")
    ours, image = all[:2]
    out.append("| | first answer after | processes | memory (PSS) | anonymous | RSS | the command of it | the image of it |\n|---|---|---|---|---|---|---|---|\n")
    for s, (pss, anonymous, rss, processes) in memory.items():
        start = f"{starts[s] * 1000:,.0f} ms" if s in starts else ""
        out.append(f"| {s.name} | {start} | {processes} | {pss / 1e6:.0f} MB | {anonymous / 1e6:.0f} MB | {rss / 1e6:.0f} MB | "
                   f"1/{pss / memory[ours][0]:.1f} | 1/{pss / memory[image][0]:.1f} |\n")
    return "".join(out) + "\n\"times\" is how many times as many requests ours (the first line) answers; \"of ours\" is ours over theirs. Memory is that of one server at a time, after load.\n"


if __name__ == "__main__":
    main()
