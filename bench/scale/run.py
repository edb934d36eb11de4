#!/usr/bin/env python3
"""How time and memory grow with the size of the input, and what batch costs beside a loop and beside Spark.

    bench/scale/run.py                               # 1, 4, 16 and 64 GB with one core and two; prints the tables
    bench/scale/run.py --out docs/scale.md           # and puts them there, between <!-- measured --> and <!-- end -->
    bench/scale/run.py --minutes 20 1 4 16           # what would take longer than is left is not run, and says so

A log of a quarter of a gigabyte is simulated once and has as many names as make the size: batch reads every byte of it under every name, from the page cache. So
the disk's reading is no part of any figure; writing is: outputs, journals and their syncs go to the folder for temporary files, and are removed after each run.
The largest run with two cores is killed half way and gone on with (test L19 of docs/reliability.md); its figures are of both parts together.

Wall time means something on a machine with nothing else to do only: the load at the start is printed. Processor time is of the measured processes alone.
"""
import argparse, json, os, re, shutil, signal, subprocess, sys, tempfile, time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUNDLE = os.path.join(ROOT, "testdata/demo/model.tar.gz")
RECORDS = 1_900_000  # of a part


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--minutes", type=float, default=16, help="for the table of sizes")
    p.add_argument("--rounds", type=int, default=12, help="of the comparison with a loop")
    p.add_argument("--spark", metavar="VENV", help="virtual environment with examples/spark/requirements.txt, to measure the pipe of examples/spark")
    p.add_argument("--out", help="document to put the tables into")
    p.add_argument("--tmp", help="folder for the part and the outputs, which take three tenths of the largest size")
    p.add_argument("gb", nargs="*", type=float, default=[1, 4, 16, 64])
    a = p.parse_args()
    work = tempfile.mkdtemp(prefix="threatdetect-scale-", dir=a.tmp)
    try:
        lines = report(a, work)
    finally:
        shutil.rmtree(work)
    if a.out:
        with open(a.out) as f:
            text = f.read()
        text, n = re.subn(r"(<!-- measured -->\n).*?(<!-- end -->)", lambda m: m[1] + "\n".join(lines) + "\n" + m[2], text, flags=re.S)
        if n != 1:
            sys.exit(f"{a.out}: no place between <!-- measured --> and <!-- end -->")
        with open(a.out, "w") as f:
            f.write(text)


def report(a, work):
    lines = []

    def say(text):
        lines.append(text)
        print(text, flush=True)

    for cmd in ("threatdetect", "trafficgen"):
        subprocess.run(["go", "build", "-o", f"{work}/{cmd}", "./cmd/" + cmd], cwd=ROOT, check=True)
    part = work + "/part.log"
    said = subprocess.run([work + "/trafficgen", "--seed", "8", "--records", str(RECORDS), "-o", part], check=True, capture_output=True, text=True).stderr
    records = int(re.search(r"records (\d+)", said)[1])
    model = re.search(r"model name\s*: (.*)", open("/proc/cpuinfo").read())[1]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    say(f"{time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC, commit {commit}, {os.cpu_count()} cores of {model}, load {os.getloadavg()[0]:.1f} at the start.\n")
    sizes(a, work, part, records, say)
    loop(a, say)
    if a.spark:
        say("")
        done = subprocess.run([sys.executable, ROOT + "/examples/spark/cost.py", "--venv", a.spark], capture_output=True, text=True)
        say(done.stdout.strip() if done.returncode == 0 else f"examples/spark/cost.py failed: {done.stderr[-1000:]}")
    return lines


def sizes(a, work, part, records, say):
    say("| size | command | cores | records | wall s | MB a wall second | processor s | ns a record | records a processor second | most memory |")
    say("|---|---|---|---|---|---|---|---|---|---|")
    end, rate = time.time() + 60 * a.minutes, {}
    for gb in sorted(a.gb):
        n = max(1, round(gb * 1e9 / os.path.getsize(part)))
        logs = work + "/logs"
        os.mkdir(logs)
        for i in range(n):
            os.link(part, f"{logs}/conn.{i:04d}.log")
        for cores in (1, 2):
            if shutil.disk_usage(work).free < 0.35e9 * gb:
                say(f"| {gb:g} GB | batch | {cores} | not run: no room for outputs of {0.3 * gb:.0f} GB | | | | | | |")
                continue
            wait = rate.get(cores, 0) * n
            if time.time() + wait > end:
                say(f"| {gb:g} GB | batch | {cores} | not run: some {wait / 60:.0f} minutes | | | | | | |")
                continue
            cmd = [work + "/threatdetect", "batch", "--bundle", BUNDLE, "--workers", str(cores), "--out", work + "/out", "--commit-every", "5s", "--summary", "json", logs]
            kill = wait / 2 if cores == 2 and gb == max(a.gb) and wait > 20 else 0
            killed, first = run(cmd, cores, kill) if kill else (False, Used())
            account, used = run(cmd, cores)
            used = used + first
            if account["records"] != n * records or account["rows"] != n * records or account["failed"]:
                sys.exit(f"want {n * records} records: {account}")
            rate[cores] = used.wall / n
            row(say, gb, "batch, killed half way and gone on with" if killed else "batch", cores, n * records, n * os.path.getsize(part), used)
            shutil.rmtree(work + "/out")
        shutil.rmtree(logs)
        if gb <= 4:
            feeder = subprocess.Popen(["sh", "-c", f"i=0; while [ $i -lt {n} ]; do cat '{part}'; i=$((i+1)); done"], stdout=subprocess.PIPE)
            account, used = run([work + "/threatdetect", "score", "--bundle", BUNDLE, "-o", work + "/scored", "--summary", "json", "-"], 1, stdin=feeder.stdout)
            feeder.stdout.close()
            feeder.wait()
            row(say, gb, "score, from a pipe", 1, account["rows"], n * os.path.getsize(part), used)
            os.remove(work + "/scored")


def row(say, gb, what, cores, records, size, u):
    say(f"| {gb:g} GB | {what} | {cores} | {records:,} | {u.wall:.1f} | {size / 1e6 / u.wall:.0f} | {u.cpu:.1f} | {u.cpu / records * 1e9:.0f} | {records / u.cpu:,.0f} | {u.memory >> 10} MiB |")


class Used:
    """What a process took: seconds of the wall clock and of processors, KiB of memory at most."""

    def __init__(self, wall=0.0, cpu=0.0, memory=0):
        self.wall, self.cpu, self.memory = wall, cpu, memory

    def __add__(self, o):
        return Used(self.wall + o.wall, self.cpu + o.cpu, max(self.memory, o.memory))


def run(cmd, cores, kill=0, stdin=subprocess.DEVNULL):
    """Runs a command on so many cores, and returns its account, or whether it was killed, and what it took."""
    began = time.time()
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(cmd, stdin=stdin, stdout=subprocess.DEVNULL, stderr=errors, env=dict(os.environ, GOMAXPROCS=str(cores)),
                                   preexec_fn=lambda: os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores]))
        if kill:
            time.sleep(kill)
            process.send_signal(signal.SIGKILL)
        _, status, usage = os.wait4(process.pid, 0)
        used = Used(time.time() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
        code = process.returncode = os.waitstatus_to_exitcode(status)
        if kill:
            return code == -signal.SIGKILL, used
        errors.seek(0)
        said = errors.read()
    if code != 0:
        sys.exit(f"{cmd[1]} ended with {code}: {said[-1000:]}")
    return json.loads(said.strip().splitlines()[-1]), used


def loop(a, say):
    done = subprocess.run(["go", "test", "-run", "^$", "-bench", "Pipeline", "-benchtime", f"{a.rounds}x", "./inference/batch"], cwd=ROOT, capture_output=True, text=True)
    got = {unit: float(value) for value, unit in re.findall(r"([\d.]+) (\S+/\w+)", done.stdout)}
    if "pipeline/op" not in got:
        say(f"\nBenchmarkPipeline failed: {done.stdout[-500:]}{done.stderr[-500:]}")
        return
    say(f"\nOf the processor time of `batch` with one worker, a loop that parses, makes rows and judges takes {got['pipeline/op']:.2f}, and one that lays the threats out "
        f"as well {got['written/op']:.2f}; where attacks are a hundredth of the records, and so is what is written, the former takes {got['rare/op']:.2f}. A record takes {got['two/op']:.2f} times as much with two workers (medians of {a.rounds} rounds in one process, "
        f"`go test -run '^$' -bench Pipeline ./inference/batch`).")


main()
