"""VPC flow logs and nfdump's CSV, and the pairing of their records (network-logs 1.4, 1.5, 3.8.2 to 3.8.4).

Where the specification leaves a choice, this program takes: the losing one of pkt-srcaddr and srcaddr, and of td and te, is
checked as the winning one is, but an end before the start is looked for in the winning one only; of a line of text any run of blanks and tabs separates words; a header may come again after nfdump's summary and ends it;
a record of nfdump with neither td nor te has no duration, nor has a flow of which it is a part; a sum of counts stays at
2^64-1; the second half of a record of both directions has unknown flags.
"""
from __future__ import annotations

import dataclasses
import datetime
import re
from fractions import Fraction
from typing import Any, Callable, Optional, Sequence

import features
from features import Fault, Flow, Unfit

SECOND = 10**9
Endpoint = tuple[bytes, int]  # 16 bytes of address, port


@dataclasses.dataclass
class Record:
    """One direction in one interval. None is missing."""

    scope: bytes
    start: int
    end: int
    src: bytes
    dst: bytes
    proto: Optional[str] = None  # class
    src_port: Optional[int] = None
    dst_port: Optional[int] = None
    pkts: Optional[int] = None
    bytes: Optional[int] = None
    flags: Optional[dict[str, bool]] = None  # None: missing; keys are the flags that the source tells
    starts: bool = False  # has SYN and not ACK
    timed: bool = True
    both: bool = False  # first half of a two-in-one record


class Open:
    """An open flow: its records, in order."""

    def __init__(self, key: Any, first: Record) -> None:
        self.key = key
        self.records = [first]

    @property
    def start(self) -> int:
        return min(r.start for r in self.records)

    @property
    def end(self) -> int:
        return max(r.end for r in self.records)


def endpoints(r: Record) -> tuple[Endpoint, Endpoint]:
    return (r.src, r.src_port or 0), (r.dst, r.dst_port or 0)


class Pairing:
    def __init__(self, interval: int, reverse_is_zero: bool, flags: Sequence[str]) -> None:
        self.interval, self.reverse_is_zero, self.told = interval * SECOND, reverse_is_zero, flags
        self.clock: Optional[int] = None
        self.open: dict[Any, Open] = {}  # in order of creation
        self.lost: list[tuple[bytes, int, int]] = []
        self.done: list[Flow] = []

    def add(self, r: Record) -> None:
        if self.clock is not None and r.end < self.clock - 3600 * SECOND:
            self.flush()
            self.clock = r.end
        else:
            self.clock = r.end if self.clock is None else max(self.clock, r.end)
        for key in [k for k, f in self.open.items() if self.clock - f.end > 2 * self.interval]:
            self.emit(key)
        key = (r.proto, r.scope, tuple(sorted(endpoints(r))))
        f = self.open.get(key)
        if f is not None:
            near = max(r.start - f.end, f.start - r.end) <= self.interval + 60 * SECOND
            short = max(r.end, f.end) - min(r.start, f.start) <= 3600 * SECOND
            if near and short:
                f.records.append(r)
                return
            self.emit(key)
        self.open[key] = Open(key, r)

    def flush(self) -> None:
        for key in list(self.open):
            self.emit(key)

    def emit(self, key: Any) -> None:
        f = self.open.pop(key)
        first = f.records[0]
        source, target = endpoints(first)
        sent = {source: [r for r in f.records if endpoints(r)[0] == source]}
        if target != source:
            sent[target] = [r for r in f.records if endpoints(r)[0] == target]
        forward = self.forward(f, source, target, sent)
        reverse = target if forward == source else source
        ours, theirs = sent[forward], sent[reverse] if reverse != forward else []
        flow = Flow()
        flow.start = f.start
        flow.duration = f.end - f.start if all(r.timed for r in f.records) else None
        flow.proto = first.proto
        swapped = forward != source
        flow.src_port = first.dst_port if swapped else first.src_port
        flow.dst_port = first.src_port if swapped else first.dst_port
        flow.src, flow.dst = forward[0], reverse[0]
        flow.fwd_pkts, flow.fwd_bytes = total(ours, "pkts"), total(ours, "bytes")
        if flow.proto == "tcp":
            flow.fwd_flags.update(self.union(ours))
        if theirs:
            flow.rev_pkts, flow.rev_bytes = total(theirs, "pkts"), total(theirs, "bytes")
            if flow.proto == "tcp":
                flow.rev_flags.update(self.union(theirs))
        elif self.reverse_is_zero and not any(s == first.scope and a <= f.end and b >= f.start for s, a, b in self.lost):
            flow.rev_pkts = flow.rev_bytes = 0
            if flow.proto == "tcp":
                flow.rev_flags.update({name: None if v is None else False for name, v in flow.fwd_flags.items()})
        flow.state = state_of(flow)
        self.done.append(flow)

    @staticmethod
    def forward(f: Open, source: Endpoint, target: Endpoint, sent: dict[Endpoint, list[Record]]) -> Endpoint:
        if not sent.get(target) or target == source:
            return source

        def only(test: Callable[[Endpoint], bool]) -> Optional[Endpoint]:
            fit = [e for e in (source, target) if test(e)]
            return fit[0] if len(fit) == 1 else None

        for r in f.records:
            if r.both:
                return endpoints(r)[0]
        first = f.records[0]
        ports = {source: first.src_port, target: first.dst_port}
        least = {e: min(r.start for r in sent[e]) for e in (source, target)}
        for test in (lambda e: any(r.starts for r in sent[e]),
                     lambda e: ports[e] is not None and ports[e] >= 32768,
                     lambda e: least[e] < least[target if e == source else source]):
            one = only(test)
            if one is not None:
                return one
        return source

    def union(self, records: list[Record]) -> dict[str, Optional[bool]]:
        if any(r.flags is None for r in records):
            return {name: None for name in self.told}
        return {name: any(r.flags[name] for r in records) for name in self.told}


def total(records: list[Record], what: str) -> Optional[int]:
    values = [getattr(r, what) for r in records]
    return None if None in values else min(sum(values), features.UINT64_MAX)


def state_of(flow: Flow) -> str:
    f, r, rp = flow.fwd_flags, flow.rev_flags, flow.rev_pkts
    if flow.proto is None:
        return "unknown"
    if flow.proto != "tcp":
        return "unknown" if rp is None else "request_reply" if rp else "request_only"
    if rp is None:
        return "attempt" if f["syn"] and f["ack"] is False else "unknown"
    if any(side[name] is None for side in (f, r) for name in ("syn", "fin", "rst")):
        return "unknown"
    if not f["syn"]:
        return "midstream"
    if rp == 0:
        return "attempt"
    if not r["syn"]:
        return "rejected" if r["rst"] else "unknown"
    if f["fin"] and r["fin"]:
        return "closed"
    if f["rst"]:
        return "reset_orig"
    if r["rst"]:
        return "reset_resp"
    return "half_closed" if f["fin"] or r["fin"] else "established"


def address16(text: bytes) -> bytes:
    ip = features.address(text)
    return ip.packed if ip.version == 6 else b"\0" * 10 + b"\xff\xff" + ip.packed


def seconds(text: bytes) -> int:
    try:
        ns = features.scaled(text, 9)
    except Fault:
        raise Fault("time") from None
    if not features.in_int64(ns):
        raise Fault("time")
    return ns


class OneWay:
    """What both readers have in common: a header that holds until the next one, and the pairing."""

    def __init__(self, pairing: Pairing) -> None:
        self.pairing = pairing
        self.used = 0
        self.columns: dict[str, int] = {}
        self.width = 0

    def set_columns(self, names: Sequence[str]) -> None:
        self.width, self.columns = len(names), {}
        for i, name in enumerate(names):
            self.columns.setdefault(name, i)

    def drain(self) -> list[Flow]:
        done, self.pairing.done = self.pairing.done, []
        return done

    def finish(self) -> None:
        pass

    def close(self) -> None:
        """The input is at its end, or broken: what is open comes out."""
        self.pairing.flush()


# --- VPC --------------------------------------------------------------------------------------------------------------

VPC_DEFAULT = ("version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action "
               "log-status").split()


class VPC(OneWay):
    def __init__(self) -> None:
        super().__init__(Pairing(600, True, ("syn", "fin", "rst")))
        self.comma = False
        self.set_columns(VPC_DEFAULT)

    @staticmethod
    def words(line: bytes, comma: bool) -> list[bytes]:
        return features.csv_cells(line) if comma else [w for w in re.split(rb"[ \t]+", line) if w]

    def header(self, line: bytes) -> Optional[list[str]]:
        try:
            names = [w.decode("latin-1").replace("_", "-") for w in self.words(line, b"," in line)]
        except Fault:
            return None
        source, target = {"srcaddr", "pkt-srcaddr"}, {"dstaddr", "pkt-dstaddr"}
        return names if source & set(names) and target & set(names) else None

    def is_record(self, line: bytes) -> bool:
        if self.header(line) is not None:
            return False
        try:
            return any(self.words(line, self.comma))
        except Fault:
            return True

    def feed(self, line: bytes) -> None:
        names = self.header(line)
        if names is not None:
            self.comma = b"," in line
            self.set_columns(names)
            if "start" not in names or "end" not in names:
                raise Unfit("a required column is not in the header")
            return
        cells = self.words(line, self.comma)
        if not any(cells):
            return
        if len(cells) != self.width:
            raise Fault("fields")
        self.take({name: cells[i] for name, i in self.columns.items() if cells[i] not in (b"-", b"")})

    def take(self, row: dict[str, bytes]) -> None:
        """One record, by the names of its fields; those without a value are not in it."""
        status = row.get("log-status")
        if status == b"NODATA":
            raise Fault("nodata")
        if status == b"SKIPDATA":
            try:
                start, end = seconds(row["start"]), seconds(row["end"])
                if start <= end:
                    self.pairing.lost.append((row.get("interface-id", b""), start, end))
            except (Fault, KeyError):
                pass
            raise Fault("skipdata")
        if not all(side in row or "pkt-" + side in row for side in ("srcaddr", "dstaddr")) or "start" not in row or "end" not in row:
            raise Fault("missing")

        def value(name: str, parse: Callable[[bytes], Any]) -> Any:
            return parse(row[name]) if name in row else None

        number = value("protocol", features.protocol)
        ports = features.has_ports(number)
        found = {name: address16(row[name]) for name in ("srcaddr", "dstaddr", "pkt-srcaddr", "pkt-dstaddr") if name in row}
        src, dst = (found.get("pkt-" + side, found.get(side)) for side in ("srcaddr", "dstaddr"))
        r = Record(row.get("interface-id", b""), 0, 0, src, dst, features.proto_class(number))
        r.src_port = value("srcport", features.port) if ports else None
        r.dst_port = value("dstport", features.port) if ports else None
        r.pkts, r.bytes = value("packets", features.count), value("bytes", features.count)
        r.start, r.end = seconds(row["start"]), seconds(row["end"])
        if r.end < r.start or not features.in_int64(r.end - r.start):
            raise Fault("time")
        if r.proto == "tcp":
            bits = value("tcp-flags", features.count)
            if bits is not None:
                r.flags = {"fin": bool(bits & 1), "syn": bool(bits & 2), "rst": bool(bits & 4)}
                r.starts = bool(bits & 2) and not bits & 16
        self.used += 1
        self.pairing.add(r)


# --- nfdump -----------------------------------------------------------------------------------------------------------

NFDUMP_NAMES = {"ts": "ts", "firstseen": "ts", "td": "td", "duration": "td", "te": "te", "lastseen": "te", "sa": "sa",
                "srcaddr": "sa", "da": "da", "dstaddr": "da", "sp": "sp", "srcport": "sp", "dp": "dp", "dstport": "dp",
                "pr": "pr", "proto": "pr", "flg": "flg", "flags": "flg", "ipkt": "ipkt", "packets": "ipkt",
                "ibyt": "ibyt", "bytes": "ibyt", "opkt": "opkt", "outpackets": "opkt", "obyt": "obyt",
                "outbytes": "obyt", "ra": "ra", "routerip": "ra"}
NFDUMP_TIME = re.compile(rb"([0-9]{4})(?:-([0-9]{2})-|/([0-9]{2})/)([0-9]{2})[ Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]+)?"
                         rb"(?:[Zz]|([+-])([0-9]{2}):?([0-9]{2}))?")
FLAG_LETTERS = {ord("U"): "urg", ord("A"): "ack", ord("P"): "psh", ord("R"): "rst", ord("S"): "syn", ord("F"): "fin"}


def date_time(text: bytes) -> int:
    m = NFDUMP_TIME.fullmatch(text)
    if m is None:
        raise Fault("time")
    hour, minute, second = (int(m.group(i)) for i in (5, 6, 7))
    zone_hour, zone_minute = int(m.group(10) or b"0"), int(m.group(11) or b"0")
    if hour > 23 or minute > 59 or second > 59 or zone_hour > 23 or zone_minute > 59:
        raise Fault("time")
    try:
        day = datetime.date(int(m.group(1)) or -1, int(m.group(2) or m.group(3)), int(m.group(4)))
    except ValueError:
        raise Fault("time") from None
    days = day.toordinal() - datetime.date(1970, 1, 1).toordinal()
    offset = (zone_hour * 60 + zone_minute) * 60
    whole = ((days * 24 + hour) * 60 + minute) * 60 + second + (offset if m.group(9) == b"-" else -offset)
    fraction = Fraction(int(m.group(8)[1:]), 10 ** (len(m.group(8)) - 1)) if m.group(8) else Fraction(0)
    ns = round((whole + fraction) * SECOND)
    if not features.in_int64(ns):
        raise Fault("time")
    return ns


def flag_text(text: bytes) -> dict[str, bool]:
    letters = {8: b"CEUAPRSF", 6: b"UAPRSF"}.get(len(text))
    if letters is None or any(c not in (b"."[0], want) for c, want in zip(text, letters)):
        raise Fault("number")
    seen = {FLAG_LETTERS.get(c) for c in text}
    return {name: name in seen for name in features.FLAG_NAMES}


class Nfdump(OneWay):
    def __init__(self) -> None:
        super().__init__(Pairing(300, False, features.FLAG_NAMES))
        self.trailer = False

    @staticmethod
    def header(line: bytes) -> Optional[list[str]]:
        try:
            names = [c.decode("latin-1").lower() for c in features.csv_cells(line)]
        except Fault:
            return None
        return names if "ts" in names or "firstseen" in names else None

    def is_record(self, line: bytes) -> bool:
        if self.header(line) is not None:
            return False
        if self.trailer or line.strip(b" \t") == b"Summary":
            return False
        try:
            return any(features.csv_cells(line))
        except Fault:
            return True

    def feed(self, line: bytes) -> None:
        names = self.header(line)
        if names is not None:
            self.trailer = False
            self.set_columns([NFDUMP_NAMES.get(name, "") for name in names])
            if not all(name in self.columns for name in ("ts", "sa", "da", "pr")):
                raise Unfit("a required column is not in the header")
            return
        if line.strip(b" \t") == b"Summary":
            self.trailer = True
        if self.trailer:
            return
        if not self.width:
            features.csv_cells(line)
            raise Unfit("no header")
        cells = features.csv_cells(line)
        if not any(cells):
            return
        if len(cells) != self.width:
            raise Fault("fields")
        row = {name: cells[i] for name, i in self.columns.items() if name and not features.csv_missing(cells[i])}
        if not all(name in row for name in ("ts", "sa", "da", "pr")):
            raise Fault("missing")

        def value(name: str, parse: Callable[[bytes], Any]) -> Any:
            return parse(row[name]) if name in row else None

        number = features.protocol(row["pr"])
        start = date_time(row["ts"])
        end, timed = start, True
        if "td" in row:
            elapsed = features.scaled(row["td"], 9)
            if elapsed < 0 or not features.in_int64(elapsed):
                raise Fault("number")
            end = start + elapsed
            value("te", date_time)
        elif "te" in row:
            end = date_time(row["te"])
        else:
            timed = False
        if end < start or not features.in_int64(end) or not features.in_int64(end - start):
            raise Fault("time")
        r = Record(row.get("ra", b""), start, end, address16(row["sa"]), address16(row["da"]),
                   features.proto_class(number), timed=timed)
        if features.has_ports(number):
            r.src_port, r.dst_port = value("sp", features.port), value("dp", features.port)
        if r.proto == "tcp":
            r.flags = value("flg", flag_text)
            r.starts = bool(r.flags) and r.flags["syn"] and not r.flags["ack"]
        r.pkts, r.bytes = value("ipkt", features.count), value("ibyt", features.count)
        out_pkts, out_bytes = value("opkt", features.count), value("obyt", features.count)
        self.used += 1
        r.both = bool(out_pkts or out_bytes)
        self.pairing.add(r)
        if r.both:
            self.pairing.add(dataclasses.replace(
                r, src=r.dst, dst=r.src, src_port=r.dst_port, dst_port=r.src_port, pkts=out_pkts, bytes=out_bytes,
                flags=None, starts=False, both=False))
