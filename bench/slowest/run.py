#!/usr/bin/env python3
"""The slowest inputs (test L21 of docs/reliability.md, requirement READ-11): logs that are made to cost a reader much for a byte, beside the log of every day.

    bench/slowest/run.py                             # builds the program; all formats, features and score, plain and gzip
    bench/slowest/run.py --binary PATH zeek-tsv eve  # of a program that is there, some formats
    bench/slowest/run.py --mb 4 --rounds 1 --plain --command features

For each format a log of usual records is made, and logs of the same length of each kind of line below, behind the same header. All are read in turns, as many
rounds as asked for; of each the least processor time counts (of the process, start included, from a file in the page cache to /dev/null). Printed is its rate by that of
the usual log, in plain bytes a second; at the end of each line the least, which READ-11 wants to be a quarter or more. The exit status is 1 if one is less.
"""
import argparse, gzip, json, os, random, resource, shutil, subprocess, sys, tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUNDLE = os.path.join(ROOT, "testdata/demo/model.tar.gz")
RANDOM = random.Random(1)


def ip():
    return f"10.{RANDOM.randrange(4)}.{RANDOM.randrange(256)}.{RANDOM.randrange(1, 255)}"


def port():
    return RANDOM.choice((53, 80, 443, 22, RANDOM.randrange(1024, 65536)))


def uid():
    return "C" + "".join(RANDOM.choice("abcdefghijkmnopqrstuvwxyzABCDEFGH0123456789") for _ in range(17))


def count():
    return RANDOM.randrange(1 << RANDOM.randrange(1, 24))


ZEEK = "ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto service duration orig_bytes resp_bytes conn_state local_orig local_resp missed_bytes history orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes tunnel_parents".split()
ZEEK_HEADER = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n#fields\t" + "\t".join(ZEEK) + "\n"


def zeek(i):
    return [f"{1545403816 + i / 50:.6f}", uid(), ip(), port(), ip(), port(), "tcp", RANDOM.choice(("http", "-", "ssl", "ssh")), f"{RANDOM.random() * 9:.6f}", count(), count(),
            RANDOM.choice(("SF", "S0", "RSTO", "REJ")), "T", "F", 0, RANDOM.choice(("ShADadFf", "S", "ShADadttfR", "Sr")), count(), count(), count(), count(), "(empty)"]


def zeek_json(i):
    row = dict(zip(ZEEK[:-1], zeek(i)))
    row.update(ts=float(row["ts"]), duration=float(row["duration"]), local_orig=True, local_resp=False)
    return json.dumps({k: v for k, v in row.items() if v != "-"}, separators=(",", ":"))


def eve(i):
    return json.dumps({"timestamp": f"2020-01-05T{i // 3600 % 24:02}:{i // 60 % 60:02}:{i % 60:02}.204242+0000", "flow_id": RANDOM.randrange(1 << 50), "in_iface": "eth0", "event_type": "flow",
                       "src_ip": ip(), "src_port": port(), "dest_ip": ip(), "dest_port": port(), "proto": "TCP", "app_proto": RANDOM.choice(("http", "tls", "failed", "ssh")),
                       "flow": {"pkts_toserver": count(), "pkts_toclient": count(), "bytes_toserver": count(), "bytes_toclient": count(), "start": f"2020-01-05T00:00:{i % 60:02}.131415+0000",
                                "end": f"2020-01-05T00:01:{i % 60:02}.131415+0000", "age": 60, "state": "closed", "reason": "timeout", "alerted": False},
                       "metadata": {"flowbits": ["http.dottedquadhost"]}, "tcp": {"tcp_flags": "1b", "tcp_flags_ts": "1b", "tcp_flags_tc": "1b", "syn": True, "fin": True, "psh": True, "ack": True, "state": "closed"}},
                      separators=(",", ":"))


def vpc(i, by=" "):
    return by.join(map(str, (2, 123456789010, f"eni-{RANDOM.randrange(1 << 30):08x}", ip(), ip(), port(), port(), RANDOM.choice((6, 17)), count(), count(), 1418530010 + i // 50, 1418530070 + i // 50, "ACCEPT", "OK")))


VPC = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status".split()


def vpc_json(i):
    return json.dumps(dict(zip(VPC, vpc(i).split())), separators=(",", ":"))


def clock(i):
    return f"2018-01-12 {i // 3600 % 24:02}:{i // 60 % 60:02}:{i % 60:02}"


NFDUMP = "ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt,in,out,sas,das,smk,dmk,dtos,dir,nh,nhb,svln,dvln,ismc,odmc,idmc,osmc,mpls1,mpls2,cl,sl,al,ra,eng,exid,tr"


def nfdump(i):
    t = clock(i // 50)
    return f"{t},{t},{RANDOM.random() * 9:.3f},{ip()},{ip()},{port()},{port()},TCP,...AP.SF,0,0,{count()},{count()},0,0,0,0,0,0,0,0,0,0,0.0.0.0,0.0.0.0,0,0,00:00:00:00:00:00,00:00:00:00:00:00,00:00:00:00:00:00,00:00:00:00:00:00,0-0-0,0-0-0,0.000,0.000,0.000,{ip()},0/0,1,{t}.000"


def nfdump_json(i):
    t = clock(i // 50).replace(" ", "T") + ".123"
    return json.dumps({"type": "FLOW", "export_sysid": 1, "first": t, "last": t, "received": t, "in_packets": count(), "in_bytes": count(), "proto": 6, "tcp_flags": "...AP.SF", "src_port": port(), "dst_port": port(),
                       "fwd_status": 0, "src_tos": 0, "src4_addr": ip(), "dst4_addr": ip(), "src_geo": "..", "dst_geo": "..", "sampled": 0}, separators=(",", ":"))


BINETFLOW = "StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,TotPkts,TotBytes,SrcBytes,Label"


def binetflow(i):
    n = count()
    return f"2011/08/18 {i // 3600 % 24:02}:{i // 60 % 60:02}:{i % 60:02}.146156,{RANDOM.random() * 9:.6f},tcp,{ip()},{port()},   ->,{ip()},{port()},FSPA_FSRPA,0,0,{count()},{n},{n // 3},flow=From-Botnet-V42-TCP-Established-HTTP-Ad-40"


CIC = ("Destination Port,Flow Duration,Total Fwd Packets,Total Backward Packets,Total Length of Fwd Packets,Total Length of Bwd Packets," +
       ",".join(f"Column {i}" for i in range(71)) + ",Label")


def cic(i):
    return ",".join([str(port()), str(count()), str(count()), str(count()), str(count()), str(count())] + [RANDOM.choice(("0", "0", f"{RANDOM.random() * 99:.9f}", str(count()))) for _ in range(71)] + ["BENIGN"])


UNSW = "id,dur,proto,service,state,spkts,dpkts,sbytes,dbytes,rate,sttl,dttl,sload,dload,sloss,dloss,sinpkt,dinpkt,sjit,djit,swin,stcpb,dtcpb,dwin,tcprtt,synack,ackdat,smean,dmean,trans_depth,response_body_len,ct_srv_src,ct_state_ttl,ct_dst_ltm,ct_src_dport_ltm,ct_dst_sport_ltm,ct_dst_src_ltm,is_ftp_login,ct_ftp_cmd,ct_flw_http_mthd,ct_src_ltm,ct_srv_dst,is_sm_ips_ports,attack_cat,label"


def unsw(i):
    return ",".join([str(i), f"{RANDOM.random():.6f}", RANDOM.choice(("tcp", "udp")), RANDOM.choice(("-", "http", "dns")), "FIN"] + [str(count()) for _ in range(4)] + [f"{RANDOM.random() * 99:.6f}"] +
                    [RANDOM.choice(("0", str(RANDOM.randrange(255)), f"{RANDOM.random() * 99:.6f}")) for _ in range(33)] + ["Normal", "0"])


def nsl(i):
    return ",".join([str(RANDOM.choice((0, 0, count()))), "tcp", RANDOM.choice(("http", "private")), RANDOM.choice(("SF", "S0")), str(count()), str(count())] + ["0"] * 16 + [str(RANDOM.randrange(512)), str(RANDOM.randrange(512))] +
                    [f"{RANDOM.random():.2f}" for _ in range(7)] + ["255", str(RANDOM.randrange(256))] + [f"{RANDOM.random():.2f}" for _ in range(8)] + ["normal", "21"])


# name: --from, header, a record, cells of a row (0: JSON), set
FORMATS = {
    "zeek-tsv": ("zeek", ZEEK_HEADER, lambda i: "\t".join(map(str, zeek(i))), "\t", "flow-min/1"),
    "zeek-json": ("zeek", "", zeek_json, "", "flow-min/1"),
    "eve": ("eve", "", eve, "", "flow-min/1"),
    "vpc": ("vpcflow", " ".join(VPC) + "\n", vpc, " ", "flow-min/1"),
    "vpc-csv": ("vpcflow", ",".join(VPC) + "\n", lambda i: vpc(i, ","), ",", "flow-min/1"),
    "vpc-json": ("vpcflow", "", vpc_json, "", "flow-min/1"),
    "nfdump": ("netflow", NFDUMP + "\n", nfdump, ",", "flow-min/1"),
    "nfdump-json": ("netflow", "", nfdump_json, "", "flow-min/1"),
    "binetflow": ("binetflow", BINETFLOW + "\n", binetflow, ",", "flow-min/1"),
    "cic": ("cicflow", CIC + "\n", cic, ",", "flow-min/1"),
    "unsw": ("unsw", UNSW + "\n", unsw, ",", "flow-min/1"),
    "nsl": ("nslkdd", "", nsl, ",", "nsl-41/1"),
}


def kinds(name):
    """What the corpus has for a format: lines that come again and again."""
    _, header, record, by, _ = FORMATS[name]
    row = record(7)
    out = {"x": "x\n", "x,y": "x\ny\n", "0": "0\n", "{": "{\n", "[": "[\n", "{}": "{}\n", "[]": "[]\n", "{}0": "{}\n0\n", "#": "#\n", "#x": "#\nx\n", "quote": '"\n', "x quote": 'x\n"\n', "comma": ",\n", "commas": ",\n,,\n", "x y comma": "x\ny\n,\n", "x comma": "x\n,\n", "xx yy": "xx\nyy\n", "[] 0": "[]\n0\n", "nul": "\0\n", "empty": "\n", "x empty": "x\n\n",
           "blank": " \n", "crlf": "\r\n", "x crlf": "x\r\n", "xx": "xx\n", "12": "12\n", "x x": f"x{by or ' '}x\n", "long": "x" * 9000 + "\n"}
    if by:
        cells = row.count(by) + 1
        out["one less"] = by.join(["0"] * (cells - 1)) + "\n"
        out["empty, one less"] = "0" + by * (cells - 2) + "\n"
        out["all empty"] = by * (cells - 1) + "\n"
        out["zeros"] = by.join(["0"] * cells) + "\n"
        if header:
            names = header[header.rfind("\n", 0, -1) + 1:]
            out["header"] = names
            out["headers"] = names + names[:-1] + by + "x\n"
        out["quotes"] = by.join(['""""""'] * cells) + "\n"
    else:
        out['{"a":1}'] = '{"a":1}\n'
        out["deep"] = '{"a":' * 70 + "1" + "}" * 70 + "\n"
        out["deep enough"] = '{"a":' + "[" * 60 + "]" * 60 + "}\n"
        out["keys"] = "{" + ",".join(f'"{i}":1' for i in range(1000)) + "}\n"
        out["escapes"] = row[:-1] + ',"x":"' + "\\u0041" * 50 + '"}\n'
    if name == "zeek-tsv":
        out["unset"] = f"#unset_field\tx\n{row}\n#unset_field\t-\n{row}\n"
        out["path"] = f"#path\tdns\n#path\tconn\n{row}\n"
        out["fields"] = "#fields\t" + "\t".join(ZEEK) + "2\n" + row + "\n#fields\t" + "\t".join(ZEEK) + "\n" + row + "\n"
        out["escaped"] = row.replace("\tC", "\tC\\x41", 1) + "\n"
    if name == "nfdump":
        out["summary"] = "Summary\nx\n"
    out["half"] = row[:len(row) // 2] + "\n"
    out["bad"] = row.replace(".", "..") + "\n"
    out["row x"] = row + "\nx\n"
    return out


def measure(binary, args, path):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    p = subprocess.run([binary, *args, "-q", "--max-bad-ratio", "1", path], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if p.returncode not in (0, 4, 5):
        sys.exit(f"{args} {path}: status {p.returncode}: {p.stderr.decode(errors='replace')}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--binary", help="of threatdetect; it is built if none is given")
    p.add_argument("--mb", type=float, default=16, help="length of each log")
    p.add_argument("--rounds", type=int, default=2)
    p.add_argument("--plain", action="store_true", help="without gzip")
    p.add_argument("--kind", action="append", help="only this kind of line")
    p.add_argument("--command", choices=("features", "score"), help="only this command")
    p.add_argument("--auto", action="store_true", help="without --from: the program tells the format")
    p.add_argument("formats", nargs="*", metavar="FORMAT", default=[], help="of " + ", ".join(FORMATS))
    a = p.parse_args()
    work = tempfile.mkdtemp(prefix="threatdetect-slowest-")
    try:
        if not a.binary:
            a.binary = work + "/threatdetect"
            subprocess.run(["go", "build", "-o", a.binary, "./cmd/threatdetect"], cwd=ROOT, check=True)
        worst = [corpus(a, work, name, command, packed) for name in a.formats or FORMATS for packed in ((False,) if a.plain else (False, True))
                 for command in ((a.command,) if a.command else ("features", "score")) if command == "features" or name != "nsl"]
    finally:
        shutil.rmtree(work)
    print(f"least of all: {min(worst):.2f}")
    sys.exit(min(worst) < 0.25)


def corpus(a, work, name, command, packed):
    form, header, record, _, set_ = FORMATS[name]
    size = int(a.mb * 1e6)
    logs, lengths = {}, {}

    def keep(kind, text):
        data = text.encode("latin-1")
        lengths[kind] = len(data)
        logs[kind] = f"{work}/{len(logs)}.log"
        with open(logs[kind], "wb") as f:
            f.write(gzip.compress(data, 1) if packed else data)

    RANDOM.seed(1)
    rows, n = [], 0
    while n < size:
        rows.append(record(len(rows)) + "\n")
        n += len(rows[-1])
    keep("normal", header + "".join(rows))
    # Every log begins as the usual one, which is how its format is told.
    begin = header + "".join(rows[:2])
    for kind, lines in kinds(name).items():
        if not a.kind or kind in a.kind:
            keep(kind, begin + lines * ((size - len(begin)) // len(lines)))
    args = ["features", "--set", set_] if command == "features" else ["score", "--bundle", BUNDLE]
    if not a.auto:
        args += ["--from", form]
    best = {}
    for _ in range(a.rounds):
        for kind, path in logs.items():
            best[kind] = min(best.get(kind, 1e9), measure(a.binary, args, path))
    rate = {kind: lengths[kind] / t for kind, t in best.items()}
    shares = {kind: r / rate["normal"] for kind, r in rate.items() if kind != "normal"}
    least = min(shares, key=shares.get)
    print(f"{name} {command}{' gzip' if packed else ''}: normal {rate['normal'] / 1e6:.0f} MB/s; " + ", ".join(f"{k} {v:.2f}" for k, v in shares.items()) + f"; least {least} {shares[least]:.2f}", flush=True)
    return shares[least]


main()
