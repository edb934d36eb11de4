#!/usr/bin/env python3
"""A second implementation of `threatdetect features`, written from the specification alone.

    features.py --set SET [--from zeek|eve|unsw|auto] [--no-header] FILE...

Standard output: CSV, one row per flow. Last line of standard error: the account, a JSON object. Exit status: 0 nothing
lost, 5 records skipped for a fault, 4 the input does not fit, 1 the input broke, 2 wrong usage.

Where the specification leaves a choice, this program takes: every file ends its last line; several files share one
reader, so a header holds until the next one; blanks before the first `#separator` do not matter; a header or comment cut
by a broken stream is no record; a duration that alone is outside int64 is `number`; an empty category is missing; where
EVE has another kind of value than a column wants, that is `number`; a flow that lasts longer than int64 is `time`; estimated
IP bytes of more than 2^64-1 are that; of columns of one name Zeek's last counts, as of keys, and the first of other logs; T and Z of a time
may be in lower case.

The aim is a program that can be checked by reading it beside the specification (network-logs, 1.0-1.2, 1.8, 3.8), so
it is slow and holds whole files in memory. All text is bytes: a log has no guaranteed encoding. A missing value is None.
"""
from __future__ import annotations

import argparse
import dataclasses
import datetime
import heapq
import ipaddress
import json
import math
import re
import struct
import sys
import zlib
from collections import Counter
from fractions import Fraction
from typing import Any, Callable, Iterable, Iterator, NamedTuple, Optional, Sequence

# The interpreter refuses to read integers of more than 4,300 digits unless told otherwise; a cell may be longer.
sys.set_int_max_str_digits(0)

LINE_LIMIT = 1 << 20
MAX_NESTING = 64
INT64_MIN, INT64_MAX = -(1 << 63), (1 << 63) - 1
UINT64_MAX = (1 << 64) - 1
BOM = b"\xef\xbb\xbf"

# Reasons that say "this is no flow" rather than "this record is faulty".
HARMLESS = ("other", "nodata", "skipdata")
# An input in which every record has one of these is not of the format it was read as.
FOREIGN = ("malformed", "fields", "truncated")


class Fault(Exception):
    """The record is skipped; the argument is the reason it is counted under."""

    @property
    def reason(self) -> str:
        return self.args[0]


class Unfit(Exception):
    """The whole input does not fit the format (exit 4)."""


class Broken(Exception):
    """The input cannot be read to its end (exit 1)."""


# --- numbers ----------------------------------------------------------------------------------------------------------

DECIMAL = re.compile(rb"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?")


class Decimal10(NamedTuple):
    """An exact decimal: (negative ? -1 : 1) * digits * 10**exponent; digits without trailing zeros."""

    signed: bool
    negative: bool
    digits: int
    exponent: int
    whole: bool  # there are digits before the point

    def magnitude(self) -> int:
        """Number of digits before the decimal point; below zero for small fractions."""
        return len(str(self.digits)) + self.exponent


def parse_decimal(text: bytes) -> Decimal10:
    m = DECIMAL.fullmatch(text)
    if m is None:
        raise Fault("number")
    sign, whole, fraction, exponent = m.group(1), m.group(2), m.group(3) or b"", int(m.group(4) or b"0")
    if not whole and not fraction:
        raise Fault("number")
    digits = (whole + fraction).lstrip(b"0")
    exponent -= len(fraction)
    stripped = digits.rstrip(b"0")
    exponent += len(digits) - len(stripped)
    if not stripped:
        return Decimal10(bool(sign), sign == b"-", 0, 0, bool(whole))
    return Decimal10(bool(sign), sign == b"-", int(stripped), exponent, bool(whole))


def count(text: bytes) -> int:
    """A whole number in 0..2^64-1, written without a sign; `12.0` and `1e5` are whole."""
    d = parse_decimal(text)
    if d.signed or not d.whole or d.exponent < 0 or d.magnitude() > 20:
        raise Fault("number")
    value = d.digits * 10**d.exponent
    if value > UINT64_MAX:
        raise Fault("number")
    return value


def real(text: bytes) -> float:
    parse_decimal(text)  # float() alone would also take words, underscores and blanks
    value = float(text)
    if not math.isfinite(value):
        raise Fault("number")
    return value


def scaled(text: bytes, power: int) -> int:
    """text * 10**power, to the nearest integer, ties to even."""
    d = parse_decimal(text)
    if d.digits == 0:
        return 0
    if d.magnitude() + power > 40:
        return -(1 << 100) if d.negative else 1 << 100  # far outside int64, whatever it is exactly
    if d.magnitude() + power < -40:
        return 0
    exact = Fraction(d.digits) * Fraction(10) ** (d.exponent + power)
    return round(-exact if d.negative else exact)


def in_int64(value: int) -> bool:
    return INT64_MIN <= value <= INT64_MAX


def float32(x: Optional[float]) -> Optional[float]:
    """The nearest float32 as a Python float; what is not finite there is missing."""
    if x is None or not math.isfinite(x):
        return None
    try:
        return struct.unpack("<f", struct.pack("<f", x))[0]
    except OverflowError:
        return None


_shortest_cache: dict[float, str] = {}


def shortest(x: Optional[float]) -> str:
    """The shortest decimal that reads back to the same float32; missing is empty."""
    value = float32(x)
    if value is None:
        return ""
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"  # the cache cannot tell the two zeros apart
    known = _shortest_cache.get(value)
    if known is None:
        for digits in range(1, 10):
            known = "%.*g" % (digits, value)
            if float32(float(known)) == value:
                break
        if "e+" in known and abs(value) < 1e15:
            known = "%.0f" % float(known)  # 10, not 1e+01
        _shortest_cache[value] = known
    return known


def div(a: float, b: float) -> float:
    """IEEE 754 division; Python's raises on a zero divisor."""
    if b != 0:
        return a / b
    if a == 0 or math.isnan(a) or math.isnan(b):
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1, b)


# --- the flow record --------------------------------------------------------------------------------------------------

FLAG_NAMES = ("syn", "fin", "rst", "psh", "ack", "urg")
Flags = dict[str, Optional[bool]]
NO_FLAGS: Flags = {name: None for name in FLAG_NAMES}
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclasses.dataclass
class Flow:
    start: Optional[int] = None  # nanoseconds since the epoch
    duration: Optional[int] = None  # nanoseconds
    src: Optional[Address] = None
    dst: Optional[Address] = None
    proto: Optional[str] = None  # tcp, udp, icmp, other
    src_port: Optional[int] = None
    dst_port: Optional[int] = None
    fwd_pkts: Optional[int] = None
    rev_pkts: Optional[int] = None
    fwd_bytes: Optional[int] = None
    rev_bytes: Optional[int] = None
    fwd_flags: Flags = dataclasses.field(default_factory=lambda: dict(NO_FLAGS))
    rev_flags: Flags = dataclasses.field(default_factory=lambda: dict(NO_FLAGS))
    state: str = "unknown"
    app: str = "none"
    app_proto: Optional[bytes] = None  # the name behind the class
    # Zeek only
    history: Optional[bytes] = None
    fwd_payload: Optional[int] = None
    rev_payload: Optional[int] = None
    missed: Optional[int] = None
    local_orig: Optional[bool] = None
    local_resp: Optional[bool] = None
    # UNSW only
    numbers: dict[str, Optional[float]] = dataclasses.field(default_factory=dict)
    categories: dict[str, Optional[bytes]] = dataclasses.field(default_factory=dict)


# Numbers of the protocols that matter here: the three classes and those that have ports.
PROTO_NUMBER = {b"tcp": 6, b"udp": 17, b"icmp": 1, b"icmp6": 58, b"icmpv6": 58, b"ipv6-icmp": 58, b"sctp": 132,
                b"dccp": 33, b"udplite": 136}
PROTO_CLASS = {6: "tcp", 17: "udp", 1: "icmp", 58: "icmp"}
WITH_PORTS = (6, 17, 132, 33, 136)
UNNAMED = -1  # a protocol known only to be none of the above


def protocol(text: bytes) -> int:
    """IANA number of a name or of a number in 0..255; UNNAMED for other names."""
    try:
        number = count(text)
    except Fault:
        if text.isdigit():
            raise  # a number, but far from one that a protocol can have
        return PROTO_NUMBER.get(text.lower(), UNNAMED)
    if number > 255:
        raise Fault("number")
    return number


def proto_class(number: Optional[int]) -> Optional[str]:
    return None if number is None else PROTO_CLASS.get(number, "other")


def has_ports(number: Optional[int]) -> bool:
    return number is None or number in WITH_PORTS


def port(text: bytes) -> int:
    value = count(text)
    if value > 65535:
        raise Fault("number")
    return value


def address(text: bytes) -> Address:
    """Without its zone; an IPv4 address inside an IPv6 one is the IPv4 address."""
    try:
        parsed = ipaddress.ip_address(text.decode("ascii"))
    except ValueError:
        raise Fault("address") from None
    if isinstance(parsed, ipaddress.IPv4Address):
        return parsed
    parsed = ipaddress.IPv6Address(int(parsed))
    return parsed.ipv4_mapped or parsed


APP_CLASSES = ("dns http quic tls ssh smtp ftp ftp-data pop3 imap smb rdp dhcp ntp snmp irc radius other none").split()
APP_ALIAS = {b"ssl": b"tls", b"https": b"tls", b"http2": b"http", b"ftp_data": b"ftp-data"}
EXPECTED_PORTS = {
    "dns": (53,), "http": (80, 3128, 8000, 8008, 8080, 8888), "quic": (443,),
    "tls": (443, 465, 636, 853, 990, 993, 995, 8443), "ssh": (22,), "smtp": (25, 465, 587), "ftp": (21,),
    "ftp-data": (20,), "pop3": (110,), "imap": (143,), "smb": (139, 445), "rdp": (3389,), "dhcp": (67, 68),
    "ntp": (123,), "snmp": (161, 162), "irc": (194, 6667, 6697), "radius": (1812, 1813)}
COMMON_PORTS = (20, 21, 22, 23, 25, 53, 80, 110, 123, 143, 389, 443, 445, 465, 587, 636, 853, 993, 995, 1433, 3306,
                3389, 5432, 5900, 8080, 8443)


def app_of(service: Optional[bytes]) -> tuple[str, Optional[bytes]]:
    """The class of an AppProto, and the AppProto."""
    found = []
    for part in (service or b"").split(b","):
        part = part.strip().lower()
        if not part or part.startswith(b"-") or part == b"failed":
            continue
        name = APP_ALIAS.get(part, part)
        known = name.decode("latin-1") in EXPECTED_PORTS
        found.append((name.decode("latin-1") if known else "other", name))
    return min(found, key=lambda f: (APP_CLASSES.index(f[0]), f[1])) if found else ("none", None)


# --- Zeek -------------------------------------------------------------------------------------------------------------

ZEEK_ALIAS = {"id.orig_h": ("id_orig_h", "src"), "id.orig_p": ("id_orig_p", "src_port"),
              "id.resp_h": ("id_resp_h", "dst"), "id.resp_p": ("id_resp_p", "dst_port")}
ZEEK_REQUIRED = ("ts", "id.orig_h", "id.resp_h", "proto")
ZEEK_TCP_STATE = {b"S0": "attempt", b"SH": "attempt", b"REJ": "rejected", b"S1": "established", b"SF": "closed",
                  b"S2": "half_closed", b"S3": "half_closed", b"RSTO": "reset_orig", b"RSTOS0": "reset_orig",
                  b"RSTR": "reset_resp", b"RSTRH": "reset_resp", b"SHR": "midstream", b"OTH": "midstream"}
ZEEK_OTHER_STATE = {b"S0": "request_only", b"SF": "request_reply"}
# Which letters of the history set a flag; upper case is the originator's.
HISTORY_FLAGS = {"syn": b"SHQ", "fin": b"F", "rst": b"R", "ack": b"AH"}

RFC3339 = re.compile(rb"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]+)?"
                     rb"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))")


def rfc3339_microseconds(text: bytes) -> int:
    m = RFC3339.fullmatch(text)
    if m is None:
        raise Fault("time")
    year, month, day, hour, minute, second = (int(g) for g in m.groups()[:6])
    try:
        days = datetime.date(year, month, day).toordinal() - datetime.date(1970, 1, 1).toordinal()
    except ValueError:
        raise Fault("time") from None
    zone_hour, zone_minute = int(m.group(9) or b"0"), int(m.group(10) or b"0")
    if hour > 23 or minute > 59 or second > 59 or zone_hour > 23 or zone_minute > 59:
        raise Fault("time")
    seconds = ((days * 24 + hour) * 60 + minute) * 60 + second
    offset = (zone_hour * 60 + zone_minute) * 60
    seconds += offset if m.group(8) == b"-" else -offset
    fraction = Fraction(int(m.group(7)[1:]), 10 ** (len(m.group(7)) - 1)) if m.group(7) else Fraction(0)
    return round((seconds + fraction) * 10**6)


class ZeekRecord:
    """What both writers have in common: values by name. Subclasses know how a value is stored."""

    def has_column(self, name: str) -> bool:
        """The source can tell this value at all."""
        raise NotImplementedError

    def missing(self, name: str) -> bool:
        raise NotImplementedError

    def number(self, name: str) -> Optional[bytes]:
        raise NotImplementedError

    def text(self, name: str) -> Optional[bytes]:
        raise NotImplementedError

    def boolean(self, name: str) -> Optional[bool]:
        raise NotImplementedError

    def protocol(self) -> int:
        raise NotImplementedError

    def start_microseconds(self) -> int:
        raise NotImplementedError


def zeek_flow(rec: ZeekRecord) -> Flow:
    """The columns are read in the order in which a fault in one of them is to be found."""
    if any(rec.missing(name) for name in ZEEK_REQUIRED):
        raise Fault("missing")

    def counted(name: str) -> Optional[int]:
        text = rec.number(name)
        return None if text is None else count(text)

    def port_of(name: str) -> Optional[int]:
        if not has_ports(proto):
            return None
        text = rec.number(name)
        return None if text is None else port(text)

    def address_of(name: str) -> Address:
        text = rec.text(name)
        if text is None:
            raise Fault("missing")
        return address(text)

    flow = Flow()
    proto = rec.protocol()
    flow.proto = proto_class(proto)
    start = 1000 * rec.start_microseconds()
    if not in_int64(start):
        raise Fault("time")
    flow.start = start
    flow.src = address_of("id.orig_h")
    flow.src_port = port_of("id.orig_p")
    flow.dst = address_of("id.resp_h")
    flow.dst_port = port_of("id.resp_p")
    flow.app, flow.app_proto = app_of(rec.text("service"))
    if rec.has_column("duration"):
        text = rec.number("duration")
        flow.duration = 0 if text is None else 1000 * scaled(text, 6)  # unset: a single packet
        if flow.duration < 0 or not in_int64(flow.duration):
            raise Fault("number")
        if not in_int64(start + flow.duration):
            raise Fault("time")
    flow.fwd_payload = counted("orig_bytes")
    flow.rev_payload = counted("resp_bytes")
    conn_state = rec.text("conn_state")
    table = ZEEK_TCP_STATE if flow.proto == "tcp" else ZEEK_OTHER_STATE
    flow.state = table.get(conn_state, "unknown") if conn_state is not None else "unknown"
    flow.local_orig = rec.boolean("local_orig")
    flow.local_resp = rec.boolean("local_resp")
    flow.missed = counted("missed_bytes")
    flow.history = rec.text("history")
    flow.fwd_pkts = counted("orig_pkts")
    flow.fwd_bytes = counted("orig_ip_bytes")
    flow.rev_pkts = counted("resp_pkts")
    flow.rev_bytes = counted("resp_ip_bytes")
    if flow.proto == "tcp" and flow.history is not None:
        for flag, letters in HISTORY_FLAGS.items():
            flow.fwd_flags[flag] = any(c in flow.history for c in letters)
            flow.rev_flags[flag] = any(c in flow.history for c in letters.lower())
    return flow


ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|(\\))")


def unescape(value: bytes) -> bytes:
    return ESCAPE.sub(lambda m: bytes([int(m.group(1), 16)]) if m.group(1) else b"\\", value)


def zeek_column(columns: dict[str, int], name: str) -> Optional[int]:
    for candidate in (name, *ZEEK_ALIAS.get(name, ())):
        if candidate in columns:
            return columns[candidate]
    return None


class ZeekTSVRecord(ZeekRecord):
    def __init__(self, columns: dict[str, int], cells: list[bytes], unset: bytes, empty: bytes) -> None:
        self.columns, self.cells, self.unset, self.empty = columns, cells, unset, empty

    def has_column(self, name: str) -> bool:
        return zeek_column(self.columns, name) is not None

    def text(self, name: str) -> Optional[bytes]:
        i = zeek_column(self.columns, name)
        if i is None or self.cells[i] == self.unset:
            return None
        return b"" if self.cells[i] == self.empty else unescape(self.cells[i])

    def missing(self, name: str) -> bool:
        return self.text(name) is None

    number = text

    def boolean(self, name: str) -> Optional[bool]:
        value = self.text(name)
        if value is None:
            return None
        if value not in (b"T", b"F"):
            raise Fault("number")
        return value == b"T"

    def protocol(self) -> int:
        return protocol(self.text("proto") or b"")

    def start_microseconds(self) -> int:
        try:
            return scaled(self.text("ts") or b"", 6)
        except Fault:
            raise Fault("time") from None


class ZeekTSV:
    """The reader keeps the header of the moment; it may change anywhere in the file.

    Every reader has `is_record`, which tells data lines from headers and comments, `feed`, which gives the flow of a
    data line, or None for a line that is no record, and `finish` for the end of the input.
    """

    def __init__(self) -> None:
        self.separator = b"\t"
        self.unset, self.empty = b"-", b"(empty)"
        self.path = b""
        self.fields: Optional[list[str]] = None
        self.columns: dict[str, int] = {}
        self.blanks_in_last = False

    @staticmethod
    def is_record(line: bytes) -> bool:
        return not line.startswith(b"#")

    def split(self, text: bytes) -> list[bytes]:
        cells = text.split(self.separator)
        if self.blanks_in_last:
            cells[-1:] = re.split(rb" {2,}", cells[-1])
        return cells

    def is_flow(self) -> bool:
        return self.path == b"conn" or "conn_state" in self.columns

    def directive(self, line: bytes) -> None:
        if line.startswith(b"#separator"):
            m = re.fullmatch(rb"#separator (\\x[0-9a-fA-F]{2})", line)
            if m is None:
                raise Unfit("malformed #separator line")
            self.separator = unescape(m.group(1))
            return
        word, _, rest = line.partition(self.separator)
        if word == b"#unset_field":
            self.unset = rest
        elif word == b"#empty_field":
            self.empty = rest
        elif word == b"#path":
            self.path = rest
        elif word == b"#fields":
            self.blanks_in_last = b" " in rest.split(self.separator)[-1]
            self.fields = [name.decode("latin-1") for name in self.split(rest)]
            self.columns = {}
            for i, name in enumerate(self.fields):
                self.columns[name] = i
        elif word == b"#types":
            if self.fields is not None and len(self.split(rest)) != len(self.fields):
                raise Unfit("#types of another length than #fields")

    def check_header(self) -> None:
        """When the first row or the end comes: only then it is known that no #path or other #fields follows."""
        if self.fields is not None and self.is_flow():
            if any(zeek_column(self.columns, name) is None for name in ZEEK_REQUIRED):
                raise Unfit("a required column is not in the header")

    def finish(self) -> None:
        self.check_header()

    def feed(self, line: bytes) -> Optional[Flow]:
        if not self.is_record(line):
            self.directive(line)
            return None
        if self.fields is None:
            raise Unfit("data before #fields")
        self.check_header()
        cells = self.split(line)
        if len(cells) != len(self.fields):
            raise Fault("fields")
        if not self.is_flow():
            raise Fault("other")
        return zeek_flow(ZeekTSVRecord(self.columns, cells, self.unset, self.empty))


class JSONNumber(str):
    """The text of a number as it stands in the log."""


def refuse_constant(name: str) -> Any:
    raise ValueError(name + " is not JSON")


def nesting(text: str) -> int:
    """Greatest depth of arrays and objects, brackets inside strings left out."""
    depth = deepest = 0
    in_string = escaped = False
    for c in text:
        if in_string:
            if escaped:
                escaped = False
            elif c == "\\":
                escaped = True
            elif c == '"':
                in_string = False
        elif c == '"':
            in_string = True
        elif c in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif c in "]}":
            depth -= 1
    return deepest


def parse_json_object(line: bytes) -> dict[str, Any]:
    text = line.decode("utf-8", "surrogateescape")  # bytes that are no UTF-8 survive, and json takes them in strings
    if nesting(text) > MAX_NESTING:
        raise Fault("malformed")
    try:
        value = json.loads(text, parse_float=JSONNumber, parse_int=JSONNumber, parse_constant=refuse_constant)
    except ValueError:
        raise Fault("malformed") from None
    if not isinstance(value, dict):
        raise Fault("malformed")
    return value


def string_bytes(s: str) -> bytes:
    try:
        return s.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return s.encode("utf-8", "surrogatepass")  # half of an escaped surrogate pair


class ZeekJSONRecord(ZeekRecord):
    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    def has_column(self, name: str) -> bool:
        return True  # an absent key means unset, never "this log has no such column"

    def value(self, name: str) -> Any:
        for candidate in (name, *ZEEK_ALIAS.get(name, ())):
            if self.values.get(candidate) is not None:
                return self.values[candidate]
        return None

    def missing(self, name: str) -> bool:
        return self.value(name) is None

    def number(self, name: str) -> Optional[bytes]:
        value = self.value(name)
        if value is None:
            return None
        if not isinstance(value, JSONNumber):
            raise Fault("number")
        return value.encode("ascii")

    def text(self, name: str) -> Optional[bytes]:
        value = self.value(name)
        if value is None:
            return None
        if not isinstance(value, str) or isinstance(value, JSONNumber):
            raise Fault("number")
        return string_bytes(value)

    def boolean(self, name: str) -> Optional[bool]:
        value = self.value(name)
        if value is not None and not isinstance(value, bool):
            raise Fault("number")
        return value

    def protocol(self) -> int:
        return protocol(self.text("proto") or b"")

    def start_microseconds(self) -> int:
        value = self.value("ts")
        if isinstance(value, JSONNumber):
            text = value.encode("ascii")
            # From 1e11 on the number counts milliseconds; scaled() is exact, so this compares the exact value.
            d = parse_decimal(text)
            milliseconds = not d.negative and d.magnitude() > 11
            return scaled(text, 3 if milliseconds else 6)
        if isinstance(value, str):
            return rfc3339_microseconds(string_bytes(value))
        raise Fault("time")


class ZeekJSON:
    @staticmethod
    def is_record(line: bytes) -> bool:
        return True

    def finish(self) -> None:
        pass

    def feed(self, line: bytes) -> Optional[Flow]:
        values = parse_json_object(line)
        if values.get("_path") != "conn" and "conn_state" not in values:
            raise Fault("other")
        return zeek_flow(ZeekJSONRecord(values))


# --- Suricata EVE -----------------------------------------------------------------------------------------------------

EVE_TIME = re.compile(rb"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
                      rb"(?:[Zz]|([+-])([0-9]{2}):?([0-9]{2}))")
FLAG_BITS = {"fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32}


def eve_nanoseconds(text: bytes) -> int:
    m = EVE_TIME.fullmatch(text)
    if m is None:
        raise Fault("time")
    try:
        day = datetime.date.fromisoformat(m.group(1).decode())
    except ValueError:
        raise Fault("time") from None
    hour, minute, second = int(m.group(2)), int(m.group(3)), int(m.group(4))
    east_hours, east_minutes = int(m.group(7) or b"0"), int(m.group(8) or b"0")
    if hour > 23 or minute > 59 or second > 59 or east_hours > 23 or east_minutes > 59:
        raise Fault("time")
    seconds = (day - datetime.date(1970, 1, 1)).days * 86400 + hour * 3600 + minute * 60 + second
    east = east_hours * 3600 + east_minutes * 60
    seconds += east if m.group(6) == b"-" else -east
    digits = m.group(5) or b"0"
    value = round((seconds + Fraction(int(digits), 10 ** len(digits))) * 10**9)
    if not in_int64(value):
        raise Fault("time")
    return value


def ip_bytes(link: Optional[int], packets: Optional[int], tags: int, minimum: int) -> Optional[int]:
    if link is None or packets is None:
        return None
    return min(max(link - (14 + 4 * tags) * packets, minimum * packets), UINT64_MAX)


def state_from_flags(flow: Flow) -> str:
    """For sources that do not name a state: EVE, VPC, NetFlow."""
    f, r = flow.fwd_flags, flow.rev_flags
    if flow.proto != "tcp":
        if flow.proto is None or flow.rev_pkts is None:
            return "unknown"
        return "request_only" if flow.rev_pkts == 0 else "request_reply"
    if flow.rev_pkts is None:
        return "attempt" if f["syn"] is True and f["ack"] is False else "unknown"
    if any(side[flag] is None for side in (f, r) for flag in ("syn", "fin", "rst")):
        return "unknown"
    if not f["syn"]:
        return "midstream"
    if flow.rev_pkts == 0:
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


class EVE:
    @staticmethod
    def is_record(line: bytes) -> bool:
        return True

    def finish(self) -> None:
        pass

    @staticmethod
    def string(value: Any) -> bytes:
        if not isinstance(value, str) or isinstance(value, JSONNumber):
            raise Fault("number")
        return string_bytes(value)

    @staticmethod
    def counted(value: Any) -> Optional[int]:
        if value is None:
            return None
        if not isinstance(value, JSONNumber):
            raise Fault("number")
        return count(value.encode("ascii"))

    def flags(self, tcp: dict[str, Any], key: str) -> Flags:
        value = tcp.get(key)
        if value is None:
            return dict(NO_FLAGS)
        text = self.string(value)
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,2}", text):
            raise Fault("number")
        bits = int(text, 16)
        return {name: bits & bit != 0 for name, bit in FLAG_BITS.items()}

    def feed(self, line: bytes) -> Optional[Flow]:
        event = parse_json_object(line)
        kind = event.get("event_type")
        if not isinstance(kind, str) or isinstance(kind, JSONNumber) or kind != "flow":
            raise Fault("other")
        counters = event.get("flow")
        if any(event.get(name) is None for name in ("src_ip", "dest_ip", "proto", "flow")):
            raise Fault("missing")
        if isinstance(counters, dict) and counters.get("start") is None:
            raise Fault("missing")
        flow = Flow()
        number = protocol(self.string(event["proto"]))
        flow.proto = proto_class(number)
        ports: list[Optional[int]] = []
        hosts: list[Address] = []
        for side in ("src", "dest"):
            hosts.append(address(self.string(event[side + "_ip"])))
            value = event.get(side + "_port")
            if not has_ports(number) or value is None:
                ports.append(None)
            elif isinstance(value, JSONNumber):
                ports.append(port(value.encode("ascii")))
            else:
                raise Fault("number")
        flow.src, flow.dst = hosts
        flow.src_port, flow.dst_port = ports
        if event.get("app_proto") is not None:
            flow.app, flow.app_proto = app_of(self.string(event["app_proto"]))
        vlan, tags = event.get("vlan"), 0
        if isinstance(vlan, list):
            tags = len(vlan)
        elif isinstance(vlan, JSONNumber):
            tags = 1
        elif vlan is not None:
            raise Fault("number")
        if not isinstance(counters, dict):
            raise Fault("number")
        flow.fwd_pkts, flow.rev_pkts, to_server, to_client = (self.counted(counters.get(key)) for key in (
            "pkts_toserver", "pkts_toclient", "bytes_toserver", "bytes_toclient"))
        minimum = 20 if hosts[0].version == 4 else 40
        flow.fwd_bytes = ip_bytes(to_server, flow.fwd_pkts, tags, minimum)
        flow.rev_bytes = ip_bytes(to_client, flow.rev_pkts, tags, minimum)
        flow.start = start = eve_nanoseconds(self.string(counters["start"]))
        if counters.get("end") is not None:
            end = eve_nanoseconds(self.string(counters["end"]))
            flow.duration = end - start
            if end < start or not in_int64(flow.duration):
                raise Fault("time")
        if flow.proto == "tcp" and event.get("tcp") is not None:
            if not isinstance(event["tcp"], dict):
                raise Fault("number")
            flow.fwd_flags = self.flags(event["tcp"], "tcp_flags_ts")
            flow.rev_flags = self.flags(event["tcp"], "tcp_flags_tc")
        flow.state = state_from_flags(flow)
        return flow


# --- UNSW-NB15 --------------------------------------------------------------------------------------------------------

RAW_COLUMNS = (
    "srcip sport dstip dsport proto state dur sbytes dbytes sttl dttl sloss dloss service sload dload spkts dpkts swin "
    "dwin stcpb dtcpb smeansz dmeansz trans_depth res_bdy_len sjit djit stime ltime sintpkt dintpkt tcprtt synack "
    "ackdat is_sm_ips_ports ct_state_ttl ct_flw_http_mthd is_ftp_login ct_ftp_cmd ct_srv_src ct_srv_dst ct_dst_ltm "
    "ct_src_ltm ct_src_dport_ltm ct_dst_sport_ltm ct_dst_src_ltm attack_cat label").split()
PARTITION_COLUMNS = (
    "id dur proto service state spkts dpkts sbytes dbytes rate sttl dttl sload dload sloss dloss sinpkt dinpkt sjit "
    "djit swin stcpb dtcpb dwin tcprtt synack ackdat smean dmean trans_depth response_body_len ct_srv_src ct_state_ttl "
    "ct_dst_ltm ct_src_dport_ltm ct_dst_sport_ltm ct_dst_src_ltm is_ftp_login ct_ftp_cmd ct_flw_http_mthd ct_src_ltm "
    "ct_srv_dst is_sm_ips_ports attack_cat label").split()
UNSW_ALIAS = {"smeansz": "smean", "dmeansz": "dmean", "res_bdy_len": "response_body_len", "sintpkt": "sinpkt",
              "dintpkt": "dinpkt"}
CATEGORIES = ("proto", "service", "state")
NUMERIC = [c for c in PARTITION_COLUMNS if c not in ("id", "attack_cat", "label", *CATEGORIES)]
UNSW_REQUIRED = ("dur", "proto", "service", "state", "spkts", "dpkts", "sbytes", "dbytes")
UNSW_COUNTS = ("spkts", "dpkts", "sbytes", "dbytes")
UNSW_TCP_STATE = {"req": "attempt", "int": "attempt", "fin": "closed", "clo": "closed", "con": "established",
                  "acc": "established", "rst": "reset_orig"}
UNSW_OTHER_STATE = {"req": "request_only", "int": "request_only", "con": "request_reply", "acc": "request_reply",
                    "ecr": "request_reply"}


MAX_CELL = 65536  # bytes of a field of CSV, as data


def csv_cells(line: bytes) -> list[bytes]:
    """Fields of one line, trimmed of blanks; a field that begins with a quote ends at its closing quote."""
    cells, at = [], 0
    while True:
        if line[at:at + 1] == b'"':
            value, at = b"", at + 1
            while True:
                close = line.find(b'"', at)
                if close < 0:
                    raise Fault("malformed")
                value += line[at:close]
                at = close + 1
                if line[at:at + 1] != b'"':
                    break
                value += b'"'
                at += 1
            if at < len(line) and line[at:at + 1] != b",":
                raise Fault("malformed")
        else:
            end = line.find(b",", at)
            end = len(line) if end < 0 else end
            value, at = line[at:end], end
        if len(value) > MAX_CELL:
            raise Fault("malformed")
        cells.append(value.strip(b" \t"))
        if at == len(line):
            return cells
        at += 1  # the comma


def csv_missing(text: bytes) -> bool:
    return text in (b"", b"-") or re.fullmatch(rb"[+-]?nan", text, re.IGNORECASE) is not None


def unsw_names(cells: Sequence[bytes]) -> list[str]:
    return [cell.lower().replace(b" ", b"").decode("latin-1") for cell in cells]


class UNSW:
    def __init__(self) -> None:
        self.columns: Optional[dict[str, int]] = None
        self.width = 0

    @staticmethod
    def is_record(line: bytes) -> bool:
        try:
            cells = csv_cells(line)
        except Fault:
            return True
        names = unsw_names(cells)
        return any(cells) and "dur" not in names and "srcip" not in names

    def finish(self) -> None:
        pass

    def set_header(self, names: Sequence[str]) -> None:
        self.width = len(names)
        self.columns = {}
        for i, name in enumerate(names):
            self.columns.setdefault(UNSW_ALIAS.get(name, name), i)

    def feed(self, line: bytes) -> Optional[Flow]:
        if not self.is_record(line):
            names = unsw_names(csv_cells(line))
            if any(names):
                self.set_header(names)
                if not all(name in names for name in UNSW_REQUIRED):
                    raise Unfit("a required column is not in the header")
            return None
        if self.columns is None:
            self.set_header(RAW_COLUMNS)
        cells = csv_cells(line)
        if len(cells) != self.width:
            raise Fault("fields")
        assert self.columns is not None
        return self.flow({name: cells[i] for name, i in self.columns.items()})

    @staticmethod
    def flow(row: dict[str, bytes]) -> Flow:
        def value(name: str, parse: Callable[[bytes], Any]) -> Any:
            text = row.get(name, b"")
            return None if csv_missing(text) else parse(text)

        def port_or_hex(text: bytes) -> int:
            if re.fullmatch(rb"0x[0-9a-fA-F]+", text):
                number = int(text, 16)
                if number > 65535:
                    raise Fault("number")
                return number
            return port(text)

        def nanoseconds(text: bytes) -> int:
            ns = scaled(text, 9)
            if ns < 0 or not in_int64(ns):
                raise Fault("number")
            return ns

        flow = Flow()
        proto = value("proto", protocol)
        flow.proto = proto_class(proto)
        # The rest in the order of the table of columns.
        flow.duration = value("dur", nanoseconds)
        flow.numbers["dur"] = value("dur", real)
        flow.app, flow.app_proto = app_of(value("service", bytes))
        flow.fwd_pkts, flow.rev_pkts, flow.fwd_bytes, flow.rev_bytes = (value(c, count) for c in UNSW_COUNTS)
        for name, number in zip(UNSW_COUNTS, (flow.fwd_pkts, flow.rev_pkts, flow.fwd_bytes, flow.rev_bytes)):
            flow.numbers[name] = None if number is None else float(number)
        value("srcip", address)
        if has_ports(proto):
            flow.src_port = value("sport", port_or_hex)
        value("dstip", address)
        if has_ports(proto):
            flow.dst_port = value("dsport", port_or_hex)
        for name in NUMERIC:
            if name not in flow.numbers:
                flow.numbers[name] = value(name, real)
        if "rate" not in row:
            flow.numbers["rate"] = unsw_rate(flow.numbers["spkts"], flow.numbers["dpkts"], flow.numbers["dur"])
        state = row.get("state", b"").lower().decode("latin-1")
        if flow.proto == "tcp":
            flow.state = UNSW_TCP_STATE.get(state, "unknown")
        elif state == "eco":
            flow.state = "request_reply" if flow.rev_pkts is not None and flow.rev_pkts > 0 else "request_only"
        else:
            flow.state = UNSW_OTHER_STATE.get(state, "unknown")
        for name in CATEGORIES:
            flow.categories[name] = row[name] or None
        return flow


# --- features ---------------------------------------------------------------------------------------------------------

Value = Optional[float]
Row = list[Value]


def calc(formula: Callable[..., Value], *operands: Value) -> Value:
    """A formula over values of which any may be missing: a missing operand beats every guard inside the formula."""
    return None if any(x is None for x in operands) else formula(*operands)


def as_float(x: Any) -> Value:
    return None if x is None else float(x)


def unsw_rate(f: Value, r: Value, d: Value) -> Value:
    return calc(lambda f, r, d: 0.0 if d == 0 or f + r == 0 else div(f + r - 1, d), f, r, d)


def one_hot(value: Optional[str], names: Iterable[str]) -> Row:
    return [None if value is None else float(value == name) for name in names]


FLOW_MIN = (
    "duration_s fwd_pkts rev_pkts fwd_bytes rev_bytes total_pkts total_bytes byte_ratio byte_balance pkt_balance "
    "fwd_mean_size rev_mean_size flow_intensity pkt_rate byte_rate mean_iat_ms proto=tcp proto=udp proto=icmp "
    "proto=other").split()


def flow_min(flow: Flow) -> Row:
    d = calc(lambda ns: ns / 1e9, as_float(flow.duration))
    fp, rp, fb, rb = (as_float(x) for x in (flow.fwd_pkts, flow.rev_pkts, flow.fwd_bytes, flow.rev_bytes))
    total_pkts = calc(lambda f, r: f + r, fp, rp)
    total_bytes = calc(lambda f, r: f + r, fb, rb)

    def balance(f: float, r: float) -> float:
        return 0.0 if f + r == 0 else (f - r) / (f + r)

    def mean_size(b: float, p: float) -> Value:
        return None if p == 0 else b / p

    def rate(amount: float, packets: float, d: float) -> Value:
        return None if packets <= 1 else amount / max(d, 0.001)

    return [
        d, fp, rp, fb, rb, total_pkts, total_bytes,
        calc(lambda f, r: f / (r + 1), fb, rb),
        calc(balance, fb, rb),
        calc(balance, fp, rp),
        calc(mean_size, fb, fp),
        calc(mean_size, rb, rp),
        calc(lambda f, r, d: (f + r) / (d + 1e-6), fp, rp, d),
        calc(rate, total_pkts, total_pkts, d),
        calc(rate, total_bytes, total_pkts, d),
        calc(lambda f, r, d: None if f + r < 2 else 1000 * d / (f + r - 1), fp, rp, d),
        *one_hot(flow.proto, ("tcp", "udp", "icmp", "other")),
    ]


STATES = ("attempt rejected established closed half_closed reset midstream request_only request_reply unknown").split()
FLOW_PORTABLE = (
    FLOW_MIN + ["fwd_load_bps", "rev_load_bps", "unsw_rate"]
    + [side + "_flag_" + name for side in ("fwd", "rev") for name in FLAG_NAMES] + ["flag_count", "syn_no_ack"]
    + ["state=" + s for s in STATES] + ["app=" + a for a in APP_CLASSES]
    + ["dst_port_class", "src_port_class", "is_common_port", "service_port_match"])


def port_class(flow: Flow, number: Optional[int]) -> Value:
    if flow.proto == "icmp":
        return 3.0
    if number is None:
        return None
    return 0.0 if number < 1024 else 1.0 if number < 32768 else 2.0


def flow_portable(flow: Flow) -> Row:
    d = calc(lambda ns: ns / 1e9, as_float(flow.duration))
    fp, rp, fb, rb = (as_float(x) for x in (flow.fwd_pkts, flow.rev_pkts, flow.fwd_bytes, flow.rev_bytes))

    def load(b: float, p: float, d: float) -> float:
        return 0.0 if d == 0 or p < 2 else 8 * b * (p - 1) / p / d

    flags = [as_float(side[name]) for side in (flow.fwd_flags, flow.rev_flags) for name in FLAG_NAMES]
    in_either = calc(lambda *all12: float(sum(1 for f, r in zip(all12[:6], all12[6:]) if f or r)), *flags)
    state = "reset" if flow.state in ("reset_orig", "reset_resp") else flow.state
    match: Value = None
    if flow.app in EXPECTED_PORTS and flow.dst_port is not None:
        match = float(flow.dst_port in EXPECTED_PORTS[flow.app])
    return [
        *flow_min(flow),
        calc(load, fb, fp, d),
        calc(load, rb, rp, d),
        unsw_rate(fp, rp, d),
        *flags,
        in_either,
        calc(lambda syn, p: float(syn == 1 and p == 0), as_float(flow.fwd_flags["syn"]), rp),
        *one_hot(state, STATES),
        *one_hot(flow.app, APP_CLASSES),
        port_class(flow, flow.dst_port),
        port_class(flow, flow.src_port),
        calc(lambda p: float(p in COMMON_PORTS), as_float(flow.dst_port)),
        match,
    ]


HISTORY_LETTERS = "SsHhAaDdFfRrCcGgTtWwIiQq"
FLOW_ZEEK = (
    FLOW_PORTABLE + ["hist_len", "hist_upper", "hist_changes"] + ["hist_has_" + c for c in HISTORY_LETTERS]
    + ["hist_flipped", "hist_stopped", "fwd_payload", "rev_payload", "missed_bytes", "missed_ratio", "header_share",
       "local_orig", "local_resp"])


def history_columns(history: Optional[bytes]) -> Row:
    if history is None:
        return [None] * (3 + len(HISTORY_LETTERS) + 2)
    text = history.decode("latin-1")
    letters = [c for c in text if c.isascii() and c.isalpha() and c not in "xX"]
    return [
        float(len(text)),
        float(sum(1 for c in letters if c.isupper())),
        float(sum(1 for a, b in zip(letters, letters[1:]) if a.isupper() != b.isupper())),
        *(float(c in text) for c in HISTORY_LETTERS),
        float("^" in text),
        float("x" in text or "X" in text),
    ]


def flow_zeek(flow: Flow) -> Row:
    fb, rb, fpay, rpay, missed = (as_float(x) for x in (flow.fwd_bytes, flow.rev_bytes, flow.fwd_payload,
                                                        flow.rev_payload, flow.missed))
    total_bytes = calc(lambda f, r: f + r, fb, rb)
    payload = calc(lambda f, r: f + r, fpay, rpay)
    return [
        *flow_portable(flow),
        *history_columns(flow.history),
        fpay, rpay, missed,
        calc(lambda m, p: 0.0 if m + p == 0 else m / (m + p), missed, payload),
        calc(lambda p, b: None if b == 0 else 1 - p / b, payload, total_bytes),
        as_float(flow.local_orig),
        as_float(flow.local_resp),
    ]


# flow-context: 3.8.6, as slowly as it can be said.

REORDER_SPAN = WINDOW = 2 * 10**9  # nanoseconds
REORDER_HEAP = 10_000
LAST = 100
FLOW_CONTEXT = (
    FLOW_PORTABLE
    + ["kdd2_" + name for name in ("count serror_rate rerror_rate same_srv_rate diff_srv_rate srv_count srv_serror_rate "
                                   "srv_rerror_rate srv_diff_host_rate").split()]
    + ["kdd100_dst_host_" + name for name in ("count srv_count same_srv_rate diff_srv_rate same_src_port_rate srv_diff_host_rate "
                                              "serror_rate srv_serror_rate rerror_rate srv_rerror_rate").split()]
    + ["ct100_" + name for name in "src dst src_dst src_dport dst_sport src_srv dst_srv".split()])


def released(flows: Iterable[Flow]) -> Iterator[tuple[Flow, int]]:
    """Flows in order of release, each with its event time."""
    heap: list[tuple[int, int, Flow]] = []  # End, input order
    greatest_seen: Optional[int] = None
    greatest_released: Optional[int] = None
    for number, flow in enumerate(flows):
        end = (flow.start or 0) + (flow.duration or 0)
        if greatest_released is not None and end < greatest_released:
            yield flow, greatest_released
            continue
        heapq.heappush(heap, (end, number, flow))
        greatest_seen = end if greatest_seen is None else max(greatest_seen, end)
        while heap and (greatest_seen - heap[0][0] > REORDER_SPAN or len(heap) > REORDER_HEAP):
            greatest_released, _, first = heapq.heappop(heap)
            yield first, greatest_released
    while heap:
        end, _, first = heapq.heappop(heap)
        yield first, end


def service_key(flow: Flow) -> str:
    if flow.app_proto is not None:
        return flow.app_proto.decode("latin-1")
    return "%s/%s" % (flow.proto, "" if flow.dst_port is None else flow.dst_port)


class Counted(NamedTuple):
    """What the counters look at."""

    t: int
    src: Optional[Address]
    dst: Optional[Address]
    sport: Optional[int]
    dport: Optional[int]
    service: str
    serror: bool
    rerror: bool


def share(part: Iterable[Counted], of: Sequence[Counted]) -> float:
    return float(sum(1 for _ in part)) / float(len(of))


def context_columns(window: Sequence[Counted], last: Sequence[Counted], me: Counted) -> Row:
    host = [r for r in window if r.dst == me.dst]
    same = [r for r in host if r.service == me.service]
    service = [r for r in window if r.service == me.service]
    row: Row = [
        float(len(host)),
        share((r for r in host if r.serror), host),
        share((r for r in host if r.rerror), host),
        share(same, host),
        float(len(host) - len(same)) / float(len(host)),
        float(len(service)),
        share((r for r in service if r.serror), service),
        share((r for r in service if r.rerror), service),
        share((r for r in service if r.dst != me.dst), service),
    ]
    n = [r for r in last if r.dst == me.dst]
    m = [r for r in n if r.service == me.service]
    service = [r for r in last if r.service == me.service]
    row += [
        float(len(n)), float(len(m)),
        share(m, n),
        float(len(n) - len(m)) / float(len(n)),
        share((r for r in n if r.sport == me.sport), n),
        share((r for r in service if r.dst != me.dst), service),
        share((r for r in n if r.serror), n),
        share((r for r in m if r.serror), m),
        share((r for r in n if r.rerror), n),
        share((r for r in m if r.rerror), m),
    ]
    keys: tuple[Callable[[Counted], Any], ...] = (
        lambda r: r.src, lambda r: r.dst, lambda r: (r.src, r.dst), lambda r: (r.src, r.dport), lambda r: (r.dst, r.sport),
        lambda r: (r.src, r.service), lambda r: (r.dst, r.service))
    return row + [float(sum(1 for r in last if key(r) == key(me))) for key in keys]


def flow_context(flows: Iterable[Flow]) -> Iterator[Row]:
    window: list[Counted] = []
    last: list[Counted] = []
    for flow, t in released(flows):
        me = Counted(t, flow.src, flow.dst, flow.src_port, flow.dst_port, service_key(flow),
                     flow.state in ("attempt", "established", "half_closed"), flow.state == "rejected")
        window = [r for r in window if r.t >= t - WINDOW] + [me]
        last = last[1 - LAST:] + [me]
        yield flow_portable(flow) + context_columns(window, last, me)


NSL_41 = (
    "duration protocol_type service flag src_bytes dst_bytes land wrong_fragment urgent hot num_failed_logins logged_in "
    "num_compromised root_shell su_attempted num_root num_file_creations num_shells num_access_files num_outbound_cmds "
    "is_host_login is_guest_login count srv_count serror_rate srv_serror_rate rerror_rate srv_rerror_rate same_srv_rate "
    "diff_srv_rate srv_diff_host_rate dst_host_count dst_host_srv_count dst_host_same_srv_rate dst_host_diff_srv_rate "
    "dst_host_same_src_port_rate dst_host_srv_diff_host_rate dst_host_serror_rate dst_host_srv_serror_rate "
    "dst_host_rerror_rate dst_host_srv_rerror_rate").split()
UNSW_42 = [c for c in PARTITION_COLUMNS if c not in ("id", "attack_cat", "label")]
UNSW_42_VOCABULARY = {
    "proto": (
        "3pc a/n aes-sp3-d any argus aris arp ax.25 bbn-rcc bna br-sat-mon cbt cftp chaos compaq-peer cphb cpnx crtp "
        "crudp dcn ddp ddx dgp egp eigrp emcon encap etherip fc fire ggp gmtp gre hmp i-nlsp iatp ib idpr idpr-cmtp "
        "idrp ifmp igmp igp il ip ipcomp ipcv ipip iplt ipnip ippc ipv6 ipv6-frag ipv6-no ipv6-opts ipv6-route "
        "ipx-n-ip irtp isis iso-ip iso-tp4 kryptolan l2tp larp leaf-1 leaf-2 merit-inp mfe-nsp mhrp micp mobile mtp "
        "mux narp netblt nsfnet-igp nvp ospf pgm pim pipe pnni pri-enc prm ptp pup pvp qnx rdp rsvp rvd sat-expak "
        "sat-mon sccopmce scps sctp sdrp secure-vmtp sep skip sm smp snp sprite-rpc sps srp st2 stp sun-nd swipe tcf "
        "tcp tlsp tp++ trunk-1 trunk-2 ttp udp unas uti vines visa vmtp vrrp wb-expak wb-mon wsn xnet xns-idp xtp "
        "zero").encode().split(),
    "service": b"- dhcp dns ftp ftp-data http irc pop3 radius smtp snmp ssh ssl".split(),
    "state": b"ACC CLO CON FIN INT REQ RST".split(),
}


def nsl_41(flow: Flow) -> Row:
    import datasets  # it imports this module

    return datasets.nsl_41(flow)


def unsw_42(flow: Flow) -> Row:
    row: Row = []
    for name in UNSW_42:
        if name in CATEGORIES:
            known, value = UNSW_42_VOCABULARY[name], flow.categories[name]
            row.append(float(known.index(value)) if value in known else None)
        else:
            row.append(flow.numbers[name])
    return row


def seed_columns(flows: Sequence[Flow], scale_first: bool) -> tuple[list[bytes], Iterator[Row]]:
    """The seed sets: their columns depend on the values of the input, so all flows are needed first."""
    values = {name: {f.categories[name] for f in flows} for name in CATEGORIES}
    vocabulary = {name: sorted(v for v in values[name] if v is not None) for name in CATEGORIES}
    header = [name.encode() for name in NUMERIC]
    header += [name.encode() + b"_" + v for name in CATEGORIES for v in vocabulary[name]]
    header += [b"byte_ratio", b"seed_is_common_port", b"flow_intensity"]
    scale = {}
    if scale_first:
        for name in NUMERIC:
            present = [x for x in (f.numbers[name] for f in flows) if x is not None]
            if not present:
                continue
            total = 0.0  # the built-in sum() is compensated in newer interpreters: not the plain sum asked for
            for x in present:
                total += x
            mean = total / len(present)
            total = 0.0
            for x in present:
                total += (x - mean) * (x - mean)
            deviation = math.sqrt(total / len(present))
            scale[name] = (mean, 1.0 if deviation == 0 else deviation)

    def rows() -> Iterator[Row]:
        for flow in flows:
            v = dict(flow.numbers)
            if scale_first:
                for name in NUMERIC:
                    if v[name] is not None:
                        mean, deviation = scale[name]
                        v[name] = (v[name] - mean) / deviation
            row = [v[name] for name in NUMERIC]
            for name in CATEGORIES:
                own = flow.categories[name]
                row += [None if own is None else float(own == value) for value in vocabulary[name]]
            row.append(calc(lambda s, d: div(s, d + 1), v["sbytes"], v["dbytes"]))
            row.append(calc(lambda p: float(p in (80, 443, 22)), v["ct_dst_sport_ltm"]))
            row.append(calc(lambda s, d, dur: div(s + d, dur + 1e-6), v["spkts"], v["dpkts"], v["dur"]))
            yield row

    return header, rows()


FLOW_FORMATS = ("zeek", "eve", "vpcflow", "netflow", "binetflow", "cicflow", "unsw")
FIXED_SETS: dict[str, tuple[list[str], Callable[[Flow], Row], tuple[str, ...]]] = {
    "flow-min": (FLOW_MIN, flow_min, FLOW_FORMATS),
    "flow-portable": (FLOW_PORTABLE, flow_portable, FLOW_FORMATS),
    "flow-zeek": (FLOW_ZEEK, flow_zeek, ("zeek",)),
    "unsw-42": (UNSW_42, unsw_42, ("unsw",)),
    "nsl-41": (NSL_41, nsl_41, ("nslkdd",)),
}
CONTEXT_SET = "flow-context"
CONTEXT_FORMATS = ("zeek", "eve", "vpcflow", "netflow")
SEED_SETS = {"seed": False, "seed-compat": True}  # scaled first?


def formats_of(set_name: str) -> tuple[str, ...]:
    if set_name == CONTEXT_SET:
        return CONTEXT_FORMATS
    return ("unsw",) if set_name in SEED_SETS else FIXED_SETS[set_name][2]


def table(set_name: str, flows: Sequence[Flow]) -> tuple[list[bytes], Iterator[Row]]:
    if set_name in SEED_SETS:
        return seed_columns(flows, SEED_SETS[set_name])
    if set_name == CONTEXT_SET:
        return [name.encode() for name in FLOW_CONTEXT], flow_context(flows)
    names, function, _ = FIXED_SETS[set_name]
    return [name.encode() for name in names], (function(flow) for flow in flows)


# --- input ------------------------------------------------------------------------------------------------------------


class Line(NamedTuple):
    data: bytes  # without its end
    ended: bool  # by a newline
    cut: bool  # by a broken stream


def inflate_member(data: bytes, out: bytearray) -> bytes:
    """Append what one gzip member holds to out, return the bytes behind it. Broken: out has all that decodes."""
    if len(data) < 10 or data[2] != 8:
        raise Broken("truncated or corrupt gzip header")
    flags, at = data[3], 10
    if flags & 4:
        at += 2 + int.from_bytes(data[at:at + 2], "little")
    for bit in (8, 16):  # name, comment
        if flags & bit:
            end = data.find(b"\0", at)
            if end < 0:
                raise Broken("truncated gzip header")
            at = end + 1
    if flags & 2:
        at += 2
    if len(data) < at:
        raise Broken("truncated gzip header")
    start = len(out)
    # The header is read here and zlib sees only the raw stream, because it would keep the last piece of output back
    # when the checksum behind it is wrong.
    stream = zlib.decompressobj(-15)
    rest = data[at:]
    while not stream.eof:
        before = stream.copy()
        try:
            piece = stream.decompress(rest, 1 << 16)
        except zlib.error as e:
            # Again from the last good state, byte by byte, for what comes before the fault.
            try:
                while True:
                    piece = before.decompress(rest, 1)
                    out += piece
                    rest = before.unconsumed_tail
                    if not piece and not rest:
                        break
            except zlib.error:
                pass
            raise Broken("corrupt gzip stream: %s" % e) from None
        out += piece
        rest = stream.unconsumed_tail
        if not stream.eof and not piece and not rest:
            raise Broken("truncated gzip stream")
    trailer = stream.unused_data[:8]
    if len(trailer) < 8:
        raise Broken("truncated gzip stream")
    body = bytes(out[start:])
    if trailer != struct.pack("<II", zlib.crc32(body), len(body) & 0xFFFFFFFF):
        raise Broken("gzip checksum or length differs")
    return stream.unused_data[8:]


def read_input(path: str) -> tuple[bytes, Optional[Broken]]:
    try:
        with open(path, "rb") as f:
            data = f.read()
    except OSError as e:
        return b"", Broken(str(e))
    if data.startswith(b"\x28\xb5\x2f\xfd"):
        return b"", Broken("zstd is not in the standard library")
    if not data.startswith(b"\x1f\x8b"):
        return data, None
    out = bytearray()
    try:
        while data:
            if not data.startswith(b"\x1f\x8b"):
                raise Broken("bytes behind the last gzip member")
            data = inflate_member(data, out)
    except Broken as e:
        return bytes(out), e
    return bytes(out), None


def without_bom(data: bytes) -> bytes:
    return data[len(BOM):] if data.startswith(BOM) else data


def lines_of(data: bytes, broken: bool) -> Iterator[Line]:
    data = without_bom(data)
    if data.lstrip().startswith(b"#separator"):
        data = data.lstrip()  # one of the samples has a tab before its first line
    parts = data.split(b"\n")
    last = parts.pop()
    for part in parts:
        yield Line(part[:-1] if part.endswith(b"\r") else part, True, False)
    if last:
        yield Line(last[:-1] if last.endswith(b"\r") else last, False, broken)


JSON_KEYS = (
    (rb"peer_ip_src|ip_src", "netflow"), (rb"event_type", "eve"), (rb"id[._]orig_h|_path|conn_state", "zeek"),
    (rb"sampler_address|time_received_ns|src[46]_addr|export_sysid", "netflow"), (rb"srcaddr", "vpcflow"))


def detect(data: bytes) -> str:
    """The format by its first bytes; only the formats read here are told apart. Nothing at all passes for any."""
    if data.startswith(b"PAR1"):
        return "vpcflow"
    text = without_bom(data).lstrip()
    while text.startswith(b"#") and not text.startswith(b"#separator") and b"\n" in text:
        text = text.split(b"\n", 1)[1].lstrip()  # a comment
    first = text.split(b"\n", 1)[0].rstrip()
    if not text or text.startswith(b"#separator"):
        return "zeek"
    if text.startswith((b"{", b"[")):
        lines = text.split(b"\n")
        for n, line in enumerate(lines):
            for keys, form in JSON_KEYS:
                if re.search(rb'"(' + keys + rb')"[ \t]*:', line):
                    event = line.strip()
                    if form == "eve" and not (event.startswith(b"{") and event.endswith(b"}")):
                        # An event is one line; an object over several may be pmacct's, which has the key as well.
                        if re.search(rb'"(' + JSON_KEYS[0][0] + rb')"[ \t]*:', b"\n".join(lines[n + 1:])):
                            return "netflow"
                    return form
    elif b"srcaddr" in first and b"dstaddr" in first and b"StartTime" not in first:
        return "vpcflow"
    elif len(first.split()) == 14 or re.match(rb"[2-9] [0-9]{6,12} (eni-|-)", first):
        return "vpcflow"
    elif re.search(rb"(^|[,\t])StartTime([,\t]|$)", first):
        return "binetflow"
    elif first.startswith(b"ts,te,td,sa") or b"firstSeen,duration" in first or first.startswith(b"cnt,af,firstSeen"):
        return "netflow"
    elif re.search(rb"(^|,) *(flow duration|flow_duration) *(,|$)", first.lower()):
        return "cicflow"
    elif first.count(b",") in (41, 42) and first.split(b",")[1].strip().lower() in (b"tcp", b"udp", b"icmp"):
        return "nslkdd"
    elif b"id,dur,proto" in first or (first.strip(b", ") and not UNSW.is_record(first) and b"StartTime" not in first):
        return "unsw"  # Argus text logs have a column Dur as well, but StartTime comes before it in the order
    elif first.count(b",") == 48:
        try:
            ipaddress.IPv4Address(first.split(b",")[0].decode("latin-1"))
            return "unsw"
        except ValueError:
            pass
    raise Unfit("format not recognised")


Reader = ZeekTSV | ZeekJSON | EVE | UNSW


def new_reader(form: str, data: bytes) -> Reader:
    import datasets  # they import this module
    import objects
    import oneway

    if form in ("vpcflow", "netflow"):
        if data.startswith(b"PAR1"):
            return objects.Parquet()
        if without_bom(data).lstrip().startswith((b"{", b"[")):
            return objects.VPC() if form == "vpcflow" else objects.NetFlow()
    others = {"unsw": UNSW, "eve": EVE, "vpcflow": oneway.VPC, "netflow": oneway.Nfdump, "binetflow": datasets.Argus,
              "cicflow": datasets.CIC, "nslkdd": datasets.NSL}
    if form in others:
        return others[form]()
    start = without_bom(data).lstrip()
    return ZeekJSON() if start.startswith(b"{") else ZeekTSV()


# --- the run ----------------------------------------------------------------------------------------------------------


class Reading(NamedTuple):
    """All that the input gives, whatever the feature set."""

    form: str
    flows: list[Flow]
    skipped: Counter[str]
    status: int
    message: str
    used: int = 0  # records that became flows, or a part of one

    def account(self) -> dict[str, Any]:
        return {"records": self.used + sum(self.skipped.values()), "flows": self.used, "rows": len(self.flows),
                "skipped": dict(sorted(self.skipped.items()))}


def feed_all(reader: Reader, data: bytes, broken: bool, flows: list[Flow], skipped: Counter[str]) -> None:
    if hasattr(reader, "feed_all"):
        reader.feed_all(data, broken, skipped)
        return
    for line in lines_of(data, broken):
        if not line.data.strip():
            continue
        if reader.is_record(line.data):
            if len(line.data) > LINE_LIMIT:
                skipped["too_long"] += 1
                continue
            if line.cut:
                skipped["truncated"] += 1
                continue
        elif line.cut:
            continue  # half a header says nothing; the break itself is reported
        try:
            flow = reader.feed(line.data)
        except Fault as fault:
            cut_short = not line.ended and fault.reason not in HARMLESS
            skipped["truncated" if cut_short else fault.reason] += 1
            continue
        if flow is not None:
            flows.append(flow)


def paired(reader: Optional[Reader]) -> bool:
    """Whether the reader makes flows of several records each."""
    return hasattr(reader, "pairing")


def read(form: str, paths: Sequence[str]) -> Reading:
    flows: list[Flow] = []
    skipped: Counter[str] = Counter()
    status, message = 0, ""
    reader: Optional[Reader] = None
    try:
        for path in paths:
            data, broken = read_input(path)
            if reader is None and (data or broken is None):
                try:
                    form = detect(data) if form == "auto" else form
                except Unfit:
                    raise broken or Unfit("format not recognised") from None
                reader = new_reader(form, data)
            if reader is not None:
                feed_all(reader, data, broken is not None, flows, skipped)
            if broken is not None:
                raise broken
        if reader is not None:
            reader.finish()
    except Broken as e:
        status, message = 1, str(e)
    except Unfit as e:
        status, message = 4, str(e)
    used = len(flows)
    if paired(reader):
        reader.close()
        flows, used = reader.drain(), reader.used
    foreign = sum(skipped[r] for r in FOREIGN)
    if status == 0 and foreign and foreign == used + sum(skipped.values()):
        status, message = 4, "no record fits the format"
    if status == 0 and any(n and reason not in HARMLESS for reason, n in skipped.items()):
        status = 5
    return Reading(form, flows, Counter({r: n for r, n in skipped.items() if n}), status, message, used)


def csv_name(name: bytes) -> bytes:
    if any(c in name for c in b',"\r\n') or name != name.strip():
        return b'"' + name.replace(b'"', b'""') + b'"'
    return name


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Feature rows of network logs, computed the slow way.")
    parser.add_argument("--set", required=True, dest="set_name")
    parser.add_argument("--from", default="auto", dest="form", choices=("auto", *FLOW_FORMATS, "nslkdd"))
    parser.add_argument("--no-header", action="store_true")
    parser.add_argument("files", nargs="+", metavar="FILE")
    args = parser.parse_args(argv)
    set_name = args.set_name.removesuffix("/1")
    if set_name not in (*FIXED_SETS, *SEED_SETS, CONTEXT_SET):
        parser.error("unknown set " + args.set_name)
    if args.form != "auto" and args.form not in formats_of(set_name):
        parser.error("%s cannot be computed from %s" % (args.set_name, args.form))
    reading = read(args.form, args.files)
    if reading.form != "auto" and reading.form not in formats_of(set_name):
        parser.error("%s cannot be computed from %s" % (args.set_name, reading.form))
    header, rows = table(set_name, reading.flows)
    out = sys.stdout.buffer
    if not args.no_header:
        out.write(b",".join(csv_name(name) for name in header) + b"\n")
    for row in rows:
        out.write(",".join(shortest(x) for x in row).encode() + b"\n")
    out.flush()
    if reading.message:
        print("features.py: " + reading.message, file=sys.stderr)
    print(json.dumps(reading.account(), separators=(",", ":")), file=sys.stderr)
    return reading.status


if __name__ == "__main__":
    import features  # the readers of other modules import it: it must not be there twice

    sys.exit(features.main(sys.argv[1:]))
