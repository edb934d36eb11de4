"""CICFlowMeter, NSL-KDD and Argus's text flows (network-logs 1.6, 1.7, 1.9, 3.8).

Of Argus's flows 3.8 says nothing; features/binetflow says what is taken of them.
"""
from __future__ import annotations

import re
from typing import Any, Callable, Optional, Sequence

import features
import oneway
from features import Fault, Flow, Unfit


class Table:
    """Lines of cells under a header, found by the name of one column."""

    key = ""
    required: Sequence[str] = ()

    def __init__(self) -> None:
        self.columns: Optional[dict[str, int]] = None
        self.width = 0

    @staticmethod
    def name(cell: bytes) -> str:
        raise NotImplementedError

    def cells(self, line: bytes) -> list[bytes]:
        return features.csv_cells(line)

    def header(self, line: bytes) -> Optional[list[str]]:
        try:
            names = [self.name(cell) for cell in self.cells(line)]
        except Fault:
            return None
        return names if self.key in names else None

    def is_record(self, line: bytes) -> bool:
        if self.header(line) is not None:
            return False
        try:
            return any(self.cells(line))
        except Fault:
            return True

    def finish(self) -> None:
        pass

    def feed(self, line: bytes) -> Optional[Flow]:
        names = self.header(line)
        if names is not None:
            if not all(name in names for name in self.required):
                raise Unfit("a required column is not in the header")
            self.width, self.columns = len(names), {}
            for i, name in enumerate(names):
                self.columns.setdefault(name, i)
            return None
        cells = self.cells(line)
        if not any(cells):
            return None
        if self.columns is None:
            raise Unfit("no header")
        if len(cells) != self.width:
            raise Fault("fields")
        return self.flow({name: cells[i] for name, i in self.columns.items()})

    def flow(self, row: dict[str, bytes]) -> Flow:
        raise NotImplementedError


# --- CICFlowMeter -----------------------------------------------------------------------------------------------------

CIC_NAMES = {"flow_duration": "duration", "total_fwd_packets": "fwd", "total_fwd_packet": "fwd", "tot_fwd_pkts": "fwd",
             "total_backward_packets": "rev", "total_bwd_packets": "rev", "tot_bwd_pkts": "rev", "protocol": "protocol",
             "source_port": "sport", "src_port": "sport", "destination_port": "dport", "dst_port": "dport"}


def cic_missing(text: bytes) -> bool:
    if features.csv_missing(text) or re.fullmatch(rb"[+-]?inf(inity)?", text, re.IGNORECASE):
        return True
    try:
        d = features.parse_decimal(text)
        features.real(text)
    except Fault:
        return False
    return d.negative and d.digits != 0


class CIC(Table):
    key = "duration"
    required = ("duration",)

    @staticmethod
    def name(cell: bytes) -> str:
        return CIC_NAMES.get(re.sub(r"[^a-z0-9]+", "_", cell.strip(b" \t").lower().decode("latin-1")), "")

    def flow(self, row: dict[str, bytes]) -> Flow:
        def value(name: str, parse: Callable[[bytes], Any]) -> Any:
            text = row.get(name, b"")
            return None if cic_missing(text) else parse(text)

        def nanoseconds(text: bytes) -> int:
            ns = features.scaled(text, 3)
            if not features.in_int64(ns):
                raise Fault("number")
            return ns

        flow = Flow()
        number = value("protocol", features.protocol)
        flow.proto = features.proto_class(number)
        flow.duration = value("duration", nanoseconds)
        flow.fwd_pkts, flow.rev_pkts = value("fwd", features.count), value("rev", features.count)
        if features.has_ports(number):
            flow.src_port, flow.dst_port = value("sport", features.port), value("dport", features.port)
        return flow


# --- NSL-KDD ----------------------------------------------------------------------------------------------------------

NSL_VOCABULARY = {
    "protocol_type": b"icmp tcp udp".split(),
    "service": (
        b"IRC X11 Z39_50 aol auth bgp courier csnet_ns ctf daytime discard domain domain_u echo eco_i ecr_i efs exec "
        b"finger ftp ftp_data gopher harvest hostnames http http_2784 http_443 http_8001 imap4 iso_tsap klogin kshell "
        b"ldap link login mtp name netbios_dgm netbios_ns netbios_ssn netstat nnsp nntp ntp_u other pm_dump pop_2 pop_3 "
        b"printer private red_i remote_job rje shell smtp sql_net ssh sunrpc supdup systat telnet tftp_u tim_i time "
        b"urh_i urp_i uucp uucp_path vmnet whois").split(),
    "flag": b"OTH REJ RSTO RSTOS0 RSTR S0 S1 S2 S3 SF SH".split(),
}


class NSL:
    """No header but the one that some copies have: its first cell is the name of the first column."""

    @staticmethod
    def is_record(line: bytes) -> bool:
        try:
            cells = features.csv_cells(line)
        except Fault:
            return True
        return any(cells) and cells[0].lower() != b"duration"

    def finish(self) -> None:
        pass

    def feed(self, line: bytes) -> Optional[Flow]:
        if not self.is_record(line):
            return None
        cells = features.csv_cells(line)
        if len(cells) not in (42, 43):
            raise Fault("fields")
        flow = Flow()
        for name, cell in zip(features.NSL_41, cells):
            if name in NSL_VOCABULARY:
                known = NSL_VOCABULARY[name]
                flow.numbers[name] = float(known.index(cell)) if cell in known else None
            else:
                flow.numbers[name] = None if features.csv_missing(cell) else features.real(cell)
        return flow


def nsl_41(flow: Flow) -> list[Optional[float]]:
    return [flow.numbers[name] for name in features.NSL_41]


# --- Argus ------------------------------------------------------------------------------------------------------------

ARGUS_STATE = {"tcp": {b"REQ": "attempt", b"INT": "attempt", b"FIN": "closed", b"CLO": "closed", b"CON": "established",
                       b"ACC": "established", b"RST": "reset_orig"},
               "other": {b"REQ": "request_only", b"INT": "request_only", b"CON": "request_reply", b"ACC": "request_reply",
                         b"ECR": "request_reply"}}
ARGUS_LETTERS = {"F": "fin", "S": "syn", "R": "rst", "P": "psh", "A": "ack", "U": "urg"}


def argus_flags(letters: bytes) -> dict[str, bool]:
    if letters.strip(b"FSRPAUEC"):
        raise ValueError
    seen = {ARGUS_LETTERS.get(c) for c in letters.decode()}
    return {name: name in seen for name in features.FLAG_NAMES}


def argus_time(text: bytes) -> int:
    for parse in (oneway.date_time, lambda b: oneway.date_time(b"1970-01-01 " + b if re.fullmatch(rb"[0-9:.]*", b) else b""),
                  oneway.seconds):
        try:
            return parse(text)
        except Fault:
            pass
    raise Fault("time")


class Argus(Table):
    key = "starttime"
    required = ("starttime", "proto", "srcaddr", "dstaddr")

    def __init__(self) -> None:
        super().__init__()
        self.separator = b","

    @staticmethod
    def name(cell: bytes) -> str:
        return cell.lower().decode("latin-1")

    def header(self, line: bytes) -> Optional[list[str]]:
        if b"starttime" not in line.lower():
            return None
        kept, self.separator = self.separator, b"," if b"," in line else b"\t"
        names = super().header(line)
        if names is None:
            self.separator = kept
        return names

    def cells(self, line: bytes) -> list[bytes]:
        if self.separator == b",":
            return features.csv_cells(line)
        # csv_cells knows commas only, and none of the samples quotes: tabs and commas trade places.
        swap = bytes.maketrans(b"\t,", b",\t")
        return [cell.translate(swap).strip(b" \t") for cell in features.csv_cells(line.translate(swap))]

    def flow(self, row: dict[str, bytes]) -> Flow:
        def value(name: str, parse: Callable[[bytes], Any]) -> Any:
            text = row.get(name, b"")
            return None if features.csv_missing(text) else parse(text)

        def port_or_hex(text: bytes) -> int:
            if re.fullmatch(rb"0x[0-9a-fA-F]+", text):
                number = int(text, 16)
                if number > 65535:
                    raise Fault("number")
                return number
            return features.port(text)

        def hardware(name: str) -> bool:
            return len(row.get(name, b"")) == 17 and row[name].count(b":") == 5

        if row["proto"] == b"man" or hardware("srcaddr") or hardware("dstaddr"):
            raise Fault("other")
        if any(value(name, bytes) is None for name in self.required):
            raise Fault("missing")
        flow = Flow()
        number = features.protocol(row["proto"])
        flow.proto = features.proto_class(number)
        flow.start = argus_time(row["starttime"])
        flow.duration = value("dur", lambda b: features.scaled(b, 9))
        if flow.duration is not None:
            if flow.duration < 0 or not features.in_int64(flow.duration):
                raise Fault("number")
            if not features.in_int64(flow.start + flow.duration):
                raise Fault("time")
        sides = []
        for addr, port in (("srcaddr", "sport"), ("dstaddr", "dport")):
            sides.append(oneway.address16(row[addr]))
            p = value(port, port_or_hex) if features.has_ports(number) else None
            if addr == "srcaddr":
                flow.src_port = p
            else:
                flow.dst_port = p
        header = 20 if sides[0].startswith(b"\0" * 10 + b"\xff\xff") else 40
        counts = {name: value(name, features.count) for name in ("totpkts", "totbytes", "srcbytes", "dstbytes", "srcpkts", "dstpkts")}
        for what in ("pkts", "bytes"):
            whole, part = counts["tot" + what], counts["src" + what]
            if counts["dst" + what] is None and whole is not None and part is not None:
                if part > whole:
                    raise Fault("number")
                counts["dst" + what] = whole - part

        def ip_bytes(frames: Optional[int], packets: Optional[int]) -> Optional[int]:
            if frames is None or packets is None:
                return None
            return max(max(frames - min(14 * packets, features.UINT64_MAX), 0), min(header * packets, features.UINT64_MAX))

        flow.fwd_pkts, flow.rev_pkts = counts["srcpkts"], counts["dstpkts"]
        flow.fwd_bytes = ip_bytes(counts["srcbytes"], flow.fwd_pkts)
        flow.rev_bytes = ip_bytes(counts["dstbytes"], flow.rev_pkts)
        self.state(flow, row.get("state", b""), flow.rev_pkts if flow.rev_pkts is not None else counts["dstbytes"])
        return flow

    @staticmethod
    def state(flow: Flow, text: bytes, reply: Optional[int]) -> None:
        source, line, target = text.partition(b"_")
        if line and flow.proto == "tcp":
            try:
                fwd, rev = argus_flags(source), argus_flags(target)
            except ValueError:
                return
            flow.fwd_flags.update(fwd)
            flow.rev_flags.update(rev)
            kept, flow.rev_pkts = flow.rev_pkts, reply
            flow.state = oneway.state_of(flow)
            flow.rev_pkts = kept
        elif flow.proto != "tcp" and text == b"ECO":
            flow.state = "request_reply" if reply else "request_only"
        else:
            flow.state = ARGUS_STATE["tcp" if flow.proto == "tcp" else "other"].get(text, "unknown")
