"""Made-up and damaged logs of JSON objects (nfdump, pmacct, goflow2, VPC), and VPC flow logs in Parquet, for compare.py."""
from __future__ import annotations

import io
import os
import random
import sys

import mutations
from mutations import Hosts, count, flag_letters, odd, stamp

Rng = random.Random
Items = list[tuple[str, bytes]]  # values as they are written

ODDITIES = b'null|true|false|[]|{}|""|" "|"x"|"-"|[1]|["tcp"]|{"a":1}|-0|1.5e3|"1e2"|0|" 7 "'.split(b"|")
TIMES = (b'"1704890906.000000"|"1704890906"|1704890906|"2018-01-12T15:37:30.942"|"2018-01-12 15:37:30"|"2018-01-12T15:37:30Z"|"2018-02-30 00:00:00"'
         b'|"soon"|0|"0"|0.0|-1|9223372036|9223372037|9223372036854775807|9223372036854775808|"2262-04-11 23:47:16.854775808"|1e300|"1704890906.0000000005"').split(b"|")
FLAGS = (b'"...AP.SF"|".AP.SF"|"........"|"..AP"|"S......."|27|"27"|0|255|256|-1|2.0|"2"|[]|["SYN"]|["ACK","SYN"]|["ACK", "PSH" ,"FIN"]|["ECN","CWR"]'
         b'|["URG","ECE","RST"]|["S\\u0059N" ,"\\u0041CK"]|["S\\"YN"]|["syn"]|["XMAS"]|[2]|[["SYN"]]|{}|true|null|""').split(b"|")


def quoted(text: bytes) -> bytes:
    return b'"%s"' % text


def either(rng: Rng, number: bytes) -> bytes:
    """A number, or the same as a string."""
    return quoted(number) if rng.random() < 0.1 else number


def nanoseconds(rng: Rng, seconds: int) -> bytes:
    return b"%d" % (seconds * 10**9 + rng.choice((0, 0, 1, 250_000_000)))


def nfdump(rng: Rng, h: Hosts) -> Items:
    start, end = h.tick()
    src, dst = rng.choice(h.hosts), rng.choice(h.hosts)
    family = "6" if b":" in src else "4"
    both = rng.random() < 0.15
    items = [("type", b'"FLOW"'), ("first", quoted(stamp(start, rng.choice((b".000", b".250"))).replace(b" ", b"T"))),
             ("last", quoted(stamp(end, rng.choice((b".250", b".942"))).replace(b" ", b"T"))), ("received", b'"1970-01-01T00:00:00.000"'),
             ("in_packets", count(rng)), ("in_bytes", count(rng)), ("proto", rng.choice(h.protos)), ("tcp_flags", quoted(flag_letters(rng))),
             ("src_port", rng.choice(h.ports)), ("dst_port", rng.choice(h.ports)), ("src%s_addr" % family, quoted(src)), ("dst%s_addr" % family, quoted(dst)),
             ("src_net", b'""'), ("ip4_router", quoted(rng.choice(h.scopes)))]
    if both:
        items += [("out_packets", count(rng)), ("out_bytes", count(rng))]
    if rng.random() < 0.05:
        items[0] = ("type", rng.choice((b'"EVENT"', b'"STAT"', b'"EXPORTER"', b'"SAMPLER"', b'"event"', b"1")))
    return items


def pmacct(rng: Rng, h: Hosts) -> Items:
    start, end = h.tick()
    names = {b"6": b"tcp", b"17": b"udp", b"1": b"icmp"}
    proto = rng.choice(h.protos)
    seconds = quoted(b"%d.%06d" % (start, rng.choice((0, 250000)))) if start >= 0 else quoted(stamp(start, b""))
    items = [("label", b'{"nkey": "91", "ip_src": "x"}'), ("peer_ip_src", quoted(rng.choice(h.scopes))), ("ip_src", quoted(rng.choice(h.hosts))),
             ("ip_dst", quoted(rng.choice(h.hosts))), ("port_src", rng.choice(h.ports)), ("port_dst", rng.choice(h.ports)),
             ("tcp_flags", rng.choice((b"[]", b'["SYN"]', b'["ACK", "SYN"]', b'["ACK", "PSH", "FIN"]', b'["ACK", "RST"]'))),
             ("ip_proto", quoted(names.get(proto, proto))), ("timestamp_start", seconds), ("timestamp_end", quoted(stamp(end + 1, b".000000"))),
             ("packets", either(rng, count(rng))), ("flows", b"null"), ("bytes", either(rng, count(rng))), ("writer_id", b'"nfacctd"')]
    drop = {0: ("timestamp_start", "timestamp_end"), 1: ("timestamp_end",), 2: ("timestamp_end",)}.get(rng.randrange(12), ())
    return [item for item in items if item[0] not in drop]


def goflow2(rng: Rng, h: Hosts) -> Items:
    start, end = h.tick()
    names = {b"6": b"TCP", b"17": b"UDP", b"1": b"ICMP"}
    proto = rng.choice(h.protos)
    kind = rng.choice((b"SFLOW_5", b"NETFLOW_V9", b"IPFIX", b"NETFLOW_V5"))
    return [("type", quoted(kind)), ("time_received_ns", nanoseconds(rng, end)), ("sampling_rate", rng.choice((b"0", b"0", b"1", b"512", b"4294967296"))),
            ("sampler_address", quoted(rng.choice(h.scopes))), ("time_flow_start_ns", rng.choice((b"0", *[nanoseconds(rng, start)] * 12))),
            ("time_flow_end_ns", nanoseconds(rng, end + 1)), ("bytes", count(rng)), ("packets", count(rng)), ("src_addr", quoted(rng.choice(h.hosts))),
            ("dst_addr", quoted(rng.choice(h.hosts))), ("etype", b'"IPv4"'), ("proto", quoted(names.get(proto, proto))), ("src_port", rng.choice(h.ports)),
            ("dst_port", rng.choice(h.ports)), ("tcp_flags", rng.choice((b"0", b"2", b"18", b"16", b"17", b"4", b"255"))), ("as_path", b"[]")]


def vpc(rng: Rng, h: Hosts) -> Items:
    numbers = ("version", "srcport", "dstport", "protocol", "packets", "bytes", "start", "end", "tcp-flags")
    items = []
    for name, value in mutations.vpc_row(rng, h).items():
        plain = value.isdigit() and not value.startswith(b"0") or value == b"0"
        value = value.replace(b'"', b"").replace(b"\0", b"")
        text = either(rng, value) if name in numbers and plain else rng.choice((b'"-"', b"null", b'""')) if value == b"-" else quoted(value)
        if text != b"null" or rng.random() < 0.5:
            items.append((name.replace("-", "_") if rng.random() < 0.9 else name, text))
    return items


def damage(rng: Rng, items: Items) -> Items:
    if rng.random() < 0.08:
        at = rng.randrange(len(items))
        name, value = items[at]
        choices = ODDITIES
        if "addr" in name or name in ("ip_src", "ip_dst"):
            choices = [quoted(a) for a in mutations.ADDRESSES]
        elif name.startswith(("time", "first", "last", "start", "end")) and "received" not in name:
            choices = TIMES
        elif "flags" in name:
            choices = FLAGS
        elif "proto" in name:
            choices = [quoted(p) for p in mutations.PROTOS] + [b"6", b"17", b"256", b"-6", b"6.0", b"true", b"[]", b"{}", b'["tcp"]', b"null"]
        elif "port" in name:
            choices = [p for p in mutations.PORTS if p.isdigit()] + [quoted(p) for p in mutations.PORTS]
        if name in ("interface_id", "interface-id", "ip4_router", "peer_ip_src", "sampler_address", "log_status", "log-status"):
            choices = [b'"eni-7"', b"5", b'"5"', b'""', b"null", b'" eni-0 "', b'"%s"' % (b"x" * rng.choice((127, 128, 129, 300)))]
        elif rng.random() < 0.2:
            choices = ODDITIES + [quoted(n.replace(b'"', b"").replace(b"\0", b"")) for n in mutations.NUMBERS]
        value = rng.choice(choices)
        if rng.random() < 0.15:
            items = items[:at + 1] + [(name, value)] + items[at + 1:]  # the last one counts
        else:
            items = items[:at] + [(name, value)] + items[at + 1:]
    if rng.random() < 0.04:
        items = [item for item in items if item != rng.choice(items)]
    if rng.random() < 0.05:
        rng.shuffle(items)
    return items


def one_line(rng: Rng, items: Items) -> bytes:
    comma, colon = rng.choice(((b",", b":"),) * 8 + ((b", ", b": "), (b",   ", b" :\t")))
    line = b"{" + comma.join(b'"%s"' % name.encode() + colon + value for name, value in items) + b"}"
    if rng.random() < 0.01:
        line = rng.choice((line[:-1], line + line, line + b" x", b"7", b"null", b"{}", line[:-1] + b",}", b"  " + line + b"  ", line[:len(line) // 2],
                           line.replace(b":", b"", 1), line.replace(b'"', b"'"), line[:-1] + b',"host":"\xff\\ud83d"}', line[:-1] + b',"x":' + b"[" * 64 + b"]" * 64 + b"}"))
    return line


def lay_out(rng: Rng, records: list[Items]) -> list[bytes]:
    """As lines, as a list of lines, as a list on one line, or as a list of objects over many lines."""
    style = rng.randrange(5)
    if style == 0 and records:
        lines = [b"["]
        for n, items in enumerate(records):
            lines += [b"{" if rng.random() < 0.99 else b"\t{"] if not n else [b"{"]
            lines += [b'\t"%s" : %s%s' % (name.encode(), value, b"" if i == len(items) - 1 else b",") for i, (name, value) in enumerate(items)]
            lines.append(b"}" if n == len(records) - 1 else b"},")
        return lines + [b"]"]
    lines = [one_line(rng, items) for items in records]
    if style == 1:
        return [b"["] + [line + b"," for line in lines[:-1]] + lines[-1:] + [b"]"]
    if style == 2 and not any(line[:1] != b"{" or line[-1:] != b"}" for line in lines):
        if rng.random() < 0.3:  # all on one line, which is longer than what a reader looks at first
            return [b"[" + b",".join(lines * (70_000 // len(b",".join(lines)) + 1)) + b"]"]
        return [b"[" + b",".join(lines[:2]) + b","] + [line + b"," for line in lines[2:-1]] + [lines[-1] + b"]"] if len(lines) > 2 else lines
    for at in range(len(lines) - 1, 0, -1):
        if rng.random() < 0.01:
            lines.insert(at, rng.choice((b"", b"  ", b"\t")))
    return lines if lines and lines[0].startswith(b"{") else [b"{}"] + lines


def netflow_json(rng: Rng) -> list[bytes]:
    h, make = Hosts(rng), rng.choice((nfdump, pmacct, goflow2))
    return lay_out(rng, [damage(rng, make(rng, h)) for _ in range(rng.randrange(1, 40))])


def vpc_json(rng: Rng) -> list[bytes]:
    h = Hosts(rng)
    return lay_out(rng, [damage(rng, vpc(rng, h)) for _ in range(rng.randrange(1, 40))])


# Parquet

PARQUET_NUMBERS = {"version": 32, "srcport": 32, "dstport": 32, "protocol": 32, "packets": 64, "bytes": 64, "start": 64, "end": 64, "tcp-flags": 32}


def parquet(rng: Rng) -> list[bytes]:
    """One file, as one piece."""
    import pyarrow
    import pyarrow.parquet

    h = Hosts(rng)
    columns: dict[str, list[object]] = {}
    names = list(mutations.VPC_FIELDS)
    if rng.random() < 0.2:
        names.remove(rng.choice(names))
    if rng.random() < 0.2:
        rng.shuffle(names)
    number = int(10 ** rng.uniform(0, 2.3))
    for _ in range(number):
        row = mutations.vpc_row(rng, h)
        for name in names:
            cell: object = None if row[name] == b"-" and rng.random() < 0.8 else row[name].decode("latin-1")
            if name in PARQUET_NUMBERS:
                limit = 1 << PARQUET_NUMBERS[name] - 1
                try:
                    cell = max(-limit, min(limit - 1, int(row[name])))
                except ValueError:
                    cell = None
                if rng.random() < 0.02:
                    cell = rng.choice((None, -1, 0, 70000, 300, limit - 1, -limit))
            columns.setdefault(name, []).append(cell)
    arrays = {}
    for name in names:
        kind = {None: pyarrow.string(), 32: pyarrow.int32(), 64: pyarrow.int64()}[PARQUET_NUMBERS.get(name)]
        if rng.random() < 0.1:
            kind = {pyarrow.string(): pyarrow.large_string(), pyarrow.int32(): pyarrow.int64()}.get(kind, kind)
        arrays[name.replace("-", "_") if rng.random() < 0.9 else name] = pyarrow.array(columns[name], kind)
    out = io.BytesIO()
    pyarrow.parquet.write_table(
        pyarrow.table(arrays), out, compression=rng.choice(("snappy", "gzip", "zstd", "none")), use_dictionary=rng.random() < 0.6,
        data_page_version=rng.choice(("1.0", "2.0")), row_group_size=rng.choice((1, 7, 100, 10000)), data_page_size=rng.choice((64, 1 << 20)),
        write_page_index=rng.random() < 0.3, store_schema=rng.random() < 0.5)
    return [out.getvalue()]


def have_parquet() -> bool:
    """Whether pyarrow is there: this Python's own, or the one that examples/spark/check.sh has installed below $VENVS."""
    venv = os.environ.get("SPARK_VENV") or os.path.join(os.environ.get("VENVS", ""), "spark")
    sys.path.append(os.path.join(venv, "lib", "python%d.%d" % sys.version_info[:2], "site-packages"))
    try:
        import pyarrow.parquet
    except ImportError:
        sys.path.pop()
        return False
    return bool(pyarrow.parquet)


KINDS = (("netflow", netflow_json, mutations.CONTEXT_SETS), ("vpcflow", vpc_json, mutations.CONTEXT_SETS)) + (
    (("vpcflow", parquet, mutations.CONTEXT_SETS),) if have_parquet() else ())
