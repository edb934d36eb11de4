"""Logs of one direction whose records are JSON objects (nfdump, pmacct, goflow2; VPC), and VPC flow logs in Parquet (network-logs 1.4, 1.5).

3.8 tells of these formats no more than how their records are paired. This program takes: objects one a line if the first one is a line by
itself, commas and the brackets of a list around them not counted, else objects wherever they lie; of equal keys the last; of two names of
one column the later one that has a value; an empty string is none, of VPC `-` as well; a number may be a string, and a time of NetFlow
either a date or seconds (goflow2: nanoseconds); flags of NetFlow letters, a number or a list of names; a record of NetFlow without a
time, or with the time 0 of goflow2, is a flow by itself; what an sFlow record counts is multiplied by the sampling rate, and it
has no duration; nfdump's records of types that are no traffic are `other`.

Parquet needs pyarrow. A cell is its value as text.
"""
from __future__ import annotations

import dataclasses
import io
import json
from collections import Counter
from typing import Any, Iterator, Optional

import features
import oneway
from features import Fault, Flow, JSONNumber, Unfit


def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of equal keys the last, in its place."""
    found: dict[str, Any] = {}
    for key, value in items:
        found.pop(key, None)
        found[key] = value
    return found


def parse(text: bytes) -> dict[str, Any]:
    decoded = text.decode("utf-8", "surrogateescape")
    if features.nesting(decoded) > features.MAX_NESTING:
        raise Fault("malformed")
    try:
        value = json.loads(decoded, parse_float=JSONNumber, parse_int=JSONNumber, parse_constant=features.refuse_constant,
                           object_pairs_hook=pairs)
    except ValueError:
        raise Fault("malformed") from None
    if not isinstance(value, dict):
        raise Fault("malformed")
    return value


class Other:
    """A value that is neither text nor a number, and no list of texts."""


def scalar(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("ascii") if isinstance(value, JSONNumber) else features.string_bytes(value)
    return value if isinstance(value, list) else Other()


def object_end(text: bytes) -> Optional[int]:
    """Where the object that text begins with ends; None if it does not."""
    depth, at = 0, 0
    while at < len(text):
        c = text[at:at + 1]
        if c == b'"':
            at += 1
            while text[at:at + 1] not in (b'"', b""):
                at += 2 if text[at:at + 1] == b"\\" else 1
        elif c in b"{[":
            depth += 1
        elif c in b"}]":
            depth -= 1
            if depth == 0:
                return at + 1
        at += 1
    return None


class Objects:
    """What both formats have in common: where the objects are."""

    def take_object(self, values: dict[str, Any]) -> None:
        raise NotImplementedError

    def feed_all(self, data: bytes, broken: bool, skipped: Counter[str]) -> None:
        lines = [line for line in features.lines_of(data, broken) if line.data.strip()]
        begin = next((line.data for line in lines if line.data.strip(b"[ \t")), b"{}")
        at = begin.find(b"{")
        one_a_line = at < 0 or (not begin[:at].strip(b" \t") and object_end(begin[at:]) == len(begin[at:].rstrip(b" \t,")))
        if one_a_line:
            for line in lines:
                self.feed_line(line, skipped)
            return
        self.feed_anywhere(lines, begin[:max(at, 0)], skipped)

    def feed_anywhere(self, lines: list[features.Line], indent: bytes, skipped: Counter[str]) -> None:
        """Objects wherever they lie. An object that is open where a line begins like the first one is malformed, and the line begins another one; a
        line with something else outside of objects, and at whose end no object is open, is malformed, too."""
        text, depth = b"", 0  # of the object that is open
        for line in lines:
            data = line.data
            if len(data) > features.LINE_LIMIT:
                skipped["too_long"] += 1
                depth = 0
                continue
            if depth > 0 and data.startswith(indent + b"{"):
                skipped["malformed"] += 1
                depth = 0
            junk, begin, i = False, 0, 0
            while i < len(data):
                c = data[i:i + 1]
                if depth == 0:
                    if c == b"{":
                        text, depth, begin = b"", 1, i
                    elif c not in b" \t,[]":
                        junk = True
                elif c == b'"':
                    i += 1
                    while data[i:i + 1] not in (b'"', b""):
                        i += 2 if data[i:i + 1] == b"\\" else 1
                elif c in b"{[":
                    depth += 1
                elif c in b"}]":
                    depth -= 1
                    if depth == 0:
                        try:
                            self.take_object(parse(text + data[begin:i + 1]))
                        except Fault as fault:
                            skipped[fault.reason] += 1
                i += 1
            if depth > 0:
                text += data[begin:] + b"\n"
                if len(text) > features.LINE_LIMIT:
                    skipped["too_long"] += 1
                    depth = 0
            elif junk:
                skipped["malformed" if line.ended else "truncated"] += 1
        if depth > 0:
            skipped["truncated"] += 1

    def feed_line(self, line: features.Line, skipped: Counter[str]) -> None:
        text = line.data
        if len(text) > features.LINE_LIMIT:
            skipped["too_long"] += 1
            return
        if not text.startswith(b"{") or text.endswith(b","):
            text = text.strip(b" \t,")
            if not text.strip(b"[]"):
                return
        try:
            if line.cut:
                raise Fault("truncated")
            self.take_object(parse(text))
        except Fault as fault:
            cut = not line.ended and fault.reason not in features.HARMLESS
            skipped["truncated" if cut else fault.reason] += 1


# --- VPC --------------------------------------------------------------------------------------------------------------

VPC_COLUMNS = {"interface-id", "srcaddr", "dstaddr", "pkt-srcaddr", "pkt-dstaddr", "srcport", "dstport", "protocol", "packets", "bytes",
               "start", "end", "tcp-flags", "log-status"}


class VPC(Objects, oneway.VPC):
    def take_object(self, values: dict[str, Any]) -> None:
        row: dict[str, bytes] = {}
        for key, value in values.items():
            name = key.replace("_", "-")
            if name not in VPC_COLUMNS:
                continue
            row.pop(name, None)
            text = None if value is None else scalar(value)
            if isinstance(text, (Other, list)):
                text = b"[]"  # no number, time or address; and no name of a protocol
            if text not in (None, b"", b"-"):
                row[name] = text
        if row.get("protocol") == b"[]" and row.get("log-status") not in (b"NODATA", b"SKIPDATA"):
            row["protocol"] = b"999"
        self.take(row)


class Parquet(oneway.VPC):
    def feed_all(self, data: bytes, broken: bool, skipped: Counter[str]) -> None:
        import pyarrow
        import pyarrow.parquet

        if broken:
            return  # the index is at the end of the file
        try:
            table = pyarrow.parquet.ParquetFile(io.BytesIO(data)).read()
        except (pyarrow.ArrowException, OSError) as e:
            raise Unfit("Parquet: %s" % e) from None
        names = [name.replace("_", "-") for name in table.column_names]
        if not ({"srcaddr", "pkt-srcaddr"} & set(names) and {"dstaddr", "pkt-dstaddr"} & set(names) and {"start", "end"} <= set(names)):
            raise Unfit("a required column is not in the file")
        for cells in zip(*(column.to_pylist() for column in table.columns)):
            row: dict[str, bytes] = {}
            for name, cell in zip(names, cells):
                text = b"" if cell is None else str(cell).encode()
                if name not in row and text not in (b"", b"-"):
                    row[name] = text
            try:
                self.take(row)
            except Fault as fault:
                skipped[fault.reason] += 1


# --- NetFlow ----------------------------------------------------------------------------------------------------------

# Key: what it is, and for times how many decimal places of it make nanoseconds.
KEYS = {
    # nfdump
    "first": ("start", 9), "t_first": ("start", 9), "last": ("end", 9), "t_last": ("end", 9), "duration": ("duration", 9),
    "src4_addr": ("src", 0), "src6_addr": ("src", 0), "dst4_addr": ("dst", 0), "dst6_addr": ("dst", 0), "src_port": ("sport", 0),
    "dst_port": ("dport", 0), "proto": ("proto", 0), "tcp_flags": ("flags", 0), "in_packets": ("pkts", 0), "in_bytes": ("bytes", 0),
    "out_packets": ("out_pkts", 0), "out_bytes": ("out_bytes", 0), "ip4_router": ("exporter", 0), "ip6_router": ("exporter", 0),
    "type": ("type", 0),
    # pmacct
    "timestamp_start": ("start", 9), "timestamp_end": ("end", 9), "ip_src": ("src", 0), "ip_dst": ("dst", 0), "port_src": ("sport", 0),
    "port_dst": ("dport", 0), "ip_proto": ("proto", 0), "packets": ("pkts", 0), "bytes": ("bytes", 0), "peer_ip_src": ("exporter", 0),
    # goflow2
    "time_flow_start_ns": ("start", 0), "time_flow_end_ns": ("end", 0), "src_addr": ("src", 0), "dst_addr": ("dst", 0),
    "sampler_address": ("exporter", 0), "sampling_rate": ("rate", 0)}
NO_TRAFFIC = (b"EVENT", b"STAT", b"EXPORTER", b"SAMPLER")
FLAG_BITS = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32, "ECE": 64, "ECN": 64, "CWR": 128}


class NetFlow(Objects, oneway.OneWay):
    def __init__(self) -> None:
        super().__init__(oneway.Pairing(300, False, features.FLAG_NAMES))

    def take_object(self, values: dict[str, Any]) -> None:
        row: dict[str, Any] = {}
        places: dict[str, int] = {}
        numeric: dict[str, bool] = {}
        for key, value in values.items():
            name, unit = KEYS.get(key, ("", 0))
            found = None if value is None else scalar(value)
            if isinstance(found, bytes):
                found = found.strip(b" \t") or None
            if name and found is not None:
                row[name], places[name], numeric[name] = found, unit, isinstance(value, JSONNumber)
        if row.get("type") in NO_TRAFFIC and not numeric["type"]:
            raise Fault("other")
        if row.get("start") == b"0" and numeric["start"]:
            del row["start"]
        if not all(name in row for name in ("src", "dst", "proto")):
            raise Fault("missing")

        def text(name: str, reason: str) -> bytes:
            if not isinstance(row[name], bytes):
                raise Fault(reason)
            return row[name]

        def counted(name: str) -> Optional[int]:
            return features.count(text(name, "number")) if name in row else None

        def time(name: str) -> int:
            spelled = text(name, "time")
            if not numeric[name]:
                try:
                    return oneway.date_time(spelled)
                except Fault:
                    pass
            try:
                ns = features.scaled(spelled, places[name])
            except Fault:
                raise Fault("time") from None
            if not features.in_int64(ns):
                raise Fault("time")
            return ns

        number = features.protocol(text("proto", "number"))
        r = oneway.Record(b"", 0, 0, b"", b"", features.proto_class(number), timed="duration" in row or "end" in row)
        if "start" in row:
            r.start = r.end = time("start")
            if "duration" in row:
                elapsed = features.scaled(text("duration", "number"), 9)
                if elapsed < 0 or not features.in_int64(elapsed):
                    raise Fault("number")
                r.end = r.start + elapsed
                if "end" in row:
                    time("end")
            elif "end" in row:
                r.end = time("end")
            if r.end < r.start or not features.in_int64(r.end) or not features.in_int64(r.end - r.start):
                raise Fault("time")
        r.src, r.dst = (oneway.address16(text(side, "address")) for side in ("src", "dst"))
        if features.has_ports(number):
            r.src_port, r.dst_port = self.port(counted("sport")), self.port(counted("dport"))
        if r.proto == "tcp" and "flags" in row:
            r.flags = self.flags(row["flags"])
            r.starts = r.flags["syn"] and not r.flags["ack"]
        r.pkts, r.bytes = counted("pkts"), counted("bytes")
        exporter = row.get("exporter", b"")
        r.scope = exporter if isinstance(exporter, bytes) else b"?"
        rate = counted("rate") or 0
        if isinstance(row.get("type"), bytes) and row["type"].startswith(b"SFLOW"):
            r.timed = False
            if rate > 1:
                r.pkts, r.bytes = (None if n is None else min(n * rate, features.UINT64_MAX) for n in (r.pkts, r.bytes))
        out_pkts, out_bytes = counted("out_pkts"), counted("out_bytes")
        self.used += 1
        if "start" not in row:
            self.pairing.done.append(self.single(r))
            return
        r.both = bool(out_pkts or out_bytes)
        self.pairing.add(r)
        if r.both:
            self.pairing.add(dataclasses.replace(
                r, src=r.dst, dst=r.src, src_port=r.dst_port, dst_port=r.src_port, pkts=out_pkts, bytes=out_bytes,
                flags=None, starts=False, both=False))

    @staticmethod
    def port(number: Optional[int]) -> Optional[int]:
        if number is not None and number > 65535:
            raise Fault("number")
        return number

    @staticmethod
    def flags(value: Any) -> dict[str, bool]:
        if isinstance(value, list):
            names = [x for x in value if isinstance(x, str) and not isinstance(x, JSONNumber) and x in FLAG_BITS]
            if len(names) != len(value):
                raise Fault("number")
            bits = 0
            for name in names:
                bits |= FLAG_BITS[name]
        elif not isinstance(value, bytes):
            raise Fault("number")
        else:
            try:
                bits = features.count(value)
            except Fault:
                return oneway.flag_text(value)
        return {name: bits & bit != 0 for name, bit in features.FLAG_BITS.items()}

    @staticmethod
    def single(r: oneway.Record) -> Flow:
        flow = Flow(proto=r.proto, src=r.src, dst=r.dst, src_port=r.src_port, dst_port=r.dst_port, fwd_pkts=r.pkts, fwd_bytes=r.bytes)
        if r.flags is not None:
            flow.fwd_flags.update(r.flags)
        flow.state = oneway.state_of(flow)
        return flow
