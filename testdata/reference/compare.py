#!/usr/bin/env python3
"""Compare `threatdetect features` with features.py: on given files, on the shared samples, on mutated logs.

    compare.py --binary PATH [--shared DIR] [--fuzz N] [--seed S] [--set SET] [--from FORMAT] [FILE...]

Compared: the header line, every cell as float32 bits (empty is missing), the counts of the account, the exit status.
Prints the first differences in full and ends with `N cases, M differences`; exit status 1 when M is not 0.
The mutated logs are a function of N and S (and of whether pyarrow is there, also in $VENVS/spark, without which Parquet is left out): the same call makes the same logs.
"""
from __future__ import annotations

import argparse
import decimal
import glob
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import zlib
from typing import Callable, Iterator, NamedTuple, Optional, Sequence

import features
import mutations
import mutations_json

ZEEK_SETS = ("flow-context", "flow-zeek", "flow-portable", "flow-min")
EVE_SETS = ("flow-context", "flow-portable", "flow-min")
UNSW_SETS = ("flow-portable", "flow-min", "unsw-42", "seed", "seed-compat")


# --- one comparison ---------------------------------------------------------------------------------------------------


class Output(NamedTuple):
    lines: list[bytes]
    account: Optional[dict]
    status: int
    message: str


def run_binary(binary: str, set_name: str, form: str, paths: Sequence[str]) -> Output:
    command = [binary, "features", "--set", set_name + "/1", "--from", form, "--summary", "json", *paths]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600)
    errors = done.stderr.decode("utf-8", "replace").splitlines()
    account = None
    if errors:
        try:
            account = json.loads(errors[-1])
        except ValueError:
            pass
    message = " | ".join(errors[:-1] if account else errors)
    return Output(done.stdout.splitlines(), account, done.returncode, message)


def significant_digits(text: str) -> int:
    return len(decimal.Decimal(text).normalize().as_tuple().digits)


def cell_differs(ours: str, theirs: str) -> bool:
    if ours == theirs:
        return False
    if not ours or not theirs:
        return True
    try:
        a, b = features.float32(float(ours)), features.float32(float(theirs))
    except ValueError:
        return True
    # repr tells -0.0 from 0.0; both are exact float32 values, so equal text means equal bits.
    return b is None or repr(a) != repr(b) or significant_digits(ours) != significant_digits(theirs)


def differences(reading: features.Reading, set_name: str, theirs: Output, limit: int = 8) -> list[str]:
    found: list[str] = []

    def note(text: str) -> bool:
        found.append(text)
        return len(found) >= limit

    if reading.status != theirs.status:
        note("exit status: ours %d (%s), theirs %d (%s)" % (reading.status, reading.message, theirs.status,
                                                          theirs.message[-300:]))
    account = reading.account()
    if theirs.account is None:
        note("account: theirs has none; standard error: %s" % theirs.message[-300:])
    else:
        for key in ("records", "flows", "rows"):
            if theirs.account.get(key) != account[key]:
                note("account %s: ours %s, theirs %s" % (key, account[key], theirs.account.get(key)))
        other = theirs.account.get("skipped") or {}
        for reason in sorted(set(account["skipped"]) | set(other)):
            if account["skipped"].get(reason, 0) != other.get(reason, 0):
                note("account skipped.%s: ours %s, theirs %s" % (reason, account["skipped"].get(reason, 0),
                                                                  other.get(reason, 0)))
    header, rows = features.table(set_name, reading.flows)
    if not theirs.lines and not reading.flows and reading.status in (1, 4):
        return found  # nothing was read: whether the header stands there is not laid down
    expected = b",".join(features.csv_name(name) for name in header)
    if not theirs.lines or theirs.lines[0] != expected:
        got = theirs.lines[0] if theirs.lines else b""
        same = len(os.path.commonprefix([expected, got]))
        note("header, from byte %d: ours %r, theirs %r" % (same, expected[same:same + 200], got[same:same + 200]))
        return found
    if len(theirs.lines) - 1 != len(reading.flows):
        note("rows: ours %d, theirs %d" % (len(reading.flows), len(theirs.lines) - 1))
        return found
    for at, row in enumerate(rows):
        ours, cells = [features.shortest(x) for x in row], theirs.lines[at + 1].decode("latin-1").split(",")
        if ours == cells:
            continue
        if len(ours) != len(cells):
            if note("row %d: ours %d cells, theirs %d" % (at + 1, len(ours), len(cells))):
                return found
            continue
        for name, a, b in zip(header, ours, cells):
            if cell_differs(a, b) and note("row %d, %s: ours %s, theirs %s" % (at + 1, name.decode("latin-1"),
                                                                              a or "(missing)", b or "(missing)")):
                return found
    return found


class Tally:
    def __init__(self, binary: str, show: int) -> None:
        self.binary, self.show = binary, show
        self.cases = self.different = 0

        self.known = {name: self.knows(name) for name in (*features.FIXED_SETS, *features.SEED_SETS, features.CONTEXT_SET)}
        absent = [name for name, known in self.known.items() if not known]
        if absent:
            print("not in this binary, left out: " + " ".join(absent))

    def knows(self, set_name: str) -> bool:
        with tempfile.NamedTemporaryFile() as empty:
            return run_binary(self.binary, set_name, features.formats_of(set_name)[0], [empty.name]).status != 2

    def compare(self, label: str, sets: Sequence[str], form: str, paths: Sequence[str]) -> list[str]:
        """One case per set; the reference reads the input once for all of them."""
        reading = features.read(form, paths)
        last: list[str] = []
        for set_name in sets:
            if not self.known[set_name]:
                continue
            self.cases += 1
            found = differences(reading, set_name, run_binary(self.binary, set_name, form, paths))
            if found:
                self.different += 1
                last = found
                if self.different <= self.show:
                    print("DIFFERENCE %s, set %s, --from %s" % (label, set_name, form))
                    for text in found:
                        print("    " + text)
                    sys.stdout.flush()
        return last


# --- mutated logs -----------------------------------------------------------------------------------------------------

Rng = random.Random
Row = dict[str, bytes]


def table_rows(text: str) -> list[Row]:
    """Literal rows, blank-separated, the first line being the names."""
    lines = [line.split() for line in text.strip().splitlines()]
    return [dict(zip(lines[0], (cell.encode() for cell in line))) for line in lines[1:]]


ZEEK_ROWS = table_rows("""
ts                uid  id.orig_h    id.orig_p id.resp_h     id.resp_p proto service  duration   orig_bytes resp_bytes conn_state local_orig local_resp missed_bytes history     orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes tunnel_parents
1700000000.000001 Ca1  192.0.2.10   51000     198.51.100.7  443       tcp   ssl      12.345678  2310       90211      SF         T          F          0            ShADadFf    41        4450          77        94210         -
1700000001.250000 Ca2  192.0.2.11   40123     192.0.2.1     53        udp   dns      0.004210   45         189        SF         T          T          0            Dd          1         73            1         217           -
1700000002.000000 Ca3  192.0.2.12   8         203.0.113.9   0         icmp  -        2.000100   168        112        OTH        T          F          0            -           3         252           2         168           (empty)
1700000003.999999 Ca4  2001:db8::5  33000     2001:db8::9   23        tcp   -        -          -          -          S0         -          -          0            S           1         60            0         0             -
1700000004.100000 Ca5  198.51.100.3 1025      192.0.2.10    8080      tcp   http,ssl 0.500000   0          0          REJ        F          T          1500         Sr          2         80            2         80            Cb1
1700000005.000000 Ca6  192.0.2.13   123       203.0.113.77  123       udp   ntp      64.250000  960        960        SF         T          F          0            Dd          20        1520          20        1520          -
""")
ZEEK_TYPES = {"ts": b"time", "uid": b"string", "id.orig_h": b"addr", "id.orig_p": b"port", "id.resp_h": b"addr",
              "id.resp_p": b"port", "proto": b"enum", "duration": b"interval", "orig_bytes": b"count",
              "resp_bytes": b"count", "local_orig": b"bool", "local_resp": b"bool", "missed_bytes": b"count",
              "orig_pkts": b"count", "orig_ip_bytes": b"count", "resp_pkts": b"count", "resp_ip_bytes": b"count",
              "tunnel_parents": b"set[string]"}
UNSW_ROWS = table_rows("""
id dur      proto service state spkts dpkts sbytes dbytes rate       sttl dttl sload     dload    sloss dloss sinpkt   dinpkt   sjit    djit   swin stcpb      dtcpb      dwin tcprtt   synack   ackdat   smean dmean trans_depth response_body_len ct_srv_src ct_state_ttl ct_dst_ltm ct_src_dport_ltm ct_dst_sport_ltm ct_dst_src_ltm is_ftp_login ct_ftp_cmd ct_flw_http_mthd ct_src_ltm ct_srv_dst is_sm_ips_ports attack_cat label
1  0.250125 tcp   http    FIN   12    10    1240   8200   83.958023  62   252  36362.64  236102.0 2     3     22.738   26.4     1200.5  99.875 255  1122334455 998877665  255  0.125001 0.100001 0.025000 103   820   1           7600              3          1            2          1                1                3              0            0          1                2          3          0               Normal     0
2  0.000009 udp   dns     INT   2     0     114    0      111111.107 254  0    50666664.0 0       0     0     0.009    0        0       0      0    0          0          0    0        0        0        57    0     0           0                 17         2            9          9                9                17             0            0          0                9          17         0               Generic    1
3  59.999   tcp   -       CON   400   380   52000  91000  12.983     31   29   6917.1    12101.9  8     7     150.376  158.3    9000.1  30.25  255  7          8          255  0.001    0.0006   0.0004   130   239   0           0                 1          0            1          1                80               1              0            0          0                2          1          0               Normal     0
4  0        arp   -       INT   1     0     46     0      0          0    0    0         0        0     0     60000.7  0        0       0      0    0          0          0    0        0        0        46    0     0           0                 2          2            2          2                2                2              0            0          0                2          2          1               Normal     0
5  1.5      udp   snmp    CON   4     4     328    376    4.666667   60   60   1312.0    1504.0   0     0     500.1    499.9    30.5    29.5   0    0          0          0    0        0        0        82    94    0           0                 5          0            4          3                22               5              0            0          0                4          5          0               Exploits   1
""")
RAW_EXTRA = table_rows("""
srcip      sport  dstip         dsport stime      ltime      attack_cat label
192.0.2.21 50111  198.51.100.21 80     1421927414 1421927414 Fuzzers    1
192.0.2.22 41000  198.51.100.22 53     1421927415 1421927415 -          0
192.0.2.23 6667   198.51.100.23 0xc0de 1421927416 1421927476 -          0
192.0.2.24 0x000b 198.51.100.24 0x20205321 1421927417 1421927417 -      0
192.0.2.25 161    198.51.100.25 49152  1421927418 1421927419 Backdoor   1
""")

NUMBERS = (b"12.|.5|1e5|1e999|0x10|1_000|-0|0|+5|NaN|nan|-nan|+NAN|inf|-inf|Infinity|18446744073709551615|5e-1|50e-1|0.0|1E+3"
           b"|18446744073709551616|18446744073709551615.0|184467440737095516150e-1|1.0|12.5|1.|.|e5|1e|-1|-7|9007199254740993"
           b"|1e19|2e19|1e-400|0e999999999|1e-999999999|007|1,5|1 2|5.864.748|null|true|1e39|3.4028235e38|3.4028236e38"
           b"|1.7976931348623157e308|1.7976931348623159e308|0.1|1e-46|\xd9\xa1|1\x00|0b1|1e5.0|--1|4294967296|16777217"
           b"|33554435|0.30000001192092896|1e+|+|-.5|+.5|99999999999999999999999999999e-28|").split(b"|")
PORTS = b"0 1 22 53 80 443 1023 1024 8080 32767 32768 49151 65535 65536 99999 80.0 1e2 8e1 -1 0x50 21 67 6667 995".split()
PROTOS = (b"tcp udp icmp TCP Udp iCmP icmp6 ICMPv6 ipv6-icmp sctp dccp udplite igmp unknown_transport 6 17 1 58 132 33 136 0 "
          b"255 256 6.0 -6 gre x 1e1 999999999999").split()
SERVICES = (b"dns http quic tls ssh smtp ftp ftp-data pop3 imap smb rdp dhcp ntp snmp irc radius ssl https http2 ftp_data "
            b"SSL Http -http failed FAILED http,ssl ssl,http -ssl,http http,-ssl,dns failed,smtp failed,-dns ,dns dns, ,"
            b"krb_tcp gssapi,smb krb_tcp,gssapi smb,zzz,dns other none ssl,quic - smtp,ssl").split(b" ")
STATES = b"S0 S1 SF REJ S2 S3 RSTO RSTR RSTOS0 RSTRH SH SHR OTH sf s0 SF1 XX".split()
UNSW_STATES = b"FIN CON INT REQ RST ACC CLO ECO ECR PAR URN no fin Con eCo - MAS".split()
ADDRESSES = (b"192.0.2.1|2001:db8::1|::|fe80::1%eth0|::ffff:192.0.2.9|::FFFF:C000:0209|fe80::1%25|1.2.3|1.2.3.4.5|256.1.1.1|01.2.3.4"
             b"|1.2.3.4 |::1::2|2001:db8::g|1:2:3:4:5:6:7:8|1:2:3:4:5:6:7::|1:2:3:4:5:6:7:8:9|::ffff:1.2.3.256|::1%||host.example"
             b"|12345::|1.2.3.4/24|[::1]|::ffff:192.0.2.9%eth1|0.0.0.0|::1.2.3.4|1.2.3.-4|+1.2.3.4|1.2.3.4:80").split(b"|")
TIMES = (b"0|-1|-1.5|22.335172|1700000000|1700000000.1234567|1700000000.0000005|1700000000.0000015|9223372036.854775|9223372036.854776"
         b"|9223372036.8547754|9223372036.8547757|9223372036.8547758|-9223372036.854775|-9223372036.854776|-9223372036.8547754"
         b"|-9223372036.8547755|-9223372036.8547758|9223372037|1e9|1.7e9|1e10|1e300|99999999999|99999999999.9|100000000000"
         b"|1700000000123|1700000000123.4567|9223372036854|9223372036855|-100000000000|1e11|XXXXXXXXXX.XXXXXX|2023-11-14T22:13:20Z"
         b"|1700000000.|.5|+5|nan|inf|1,7").split(b"|")
DURATIONS = (b"0|0.000000|-0|-0.0|-0.0000004|-0.0000005|-0.0000006|-0.000001|-1|0.0000005|0.0000015|0.0000025|0.00000149999|0.123456789"
             b"|0.001|0.000999|0.001001|3600|86400.5|1e-7|1e-3|7523372036.854774|7523372036.854775|7523372037|9223372036.854775"
             b"|9223372036.854776|9223372036.8547758075|1e10|1e19|1e300|5e-10|1.5e-9|2.5e-9|-5e-10|-6e-10|-1e-30|59.999989"
             b"|0.10370898246765137|12.|.5|+5").split(b"|")
ISO_TIMES = (b"2023-11-14T22:13:20.000000Z|2023-11-14T22:13:20Z|1969-12-31T23:59:59.600000Z|2023-11-14T22:13:20.5+02:00"
             b"|2023-11-14T22:13:20-11:30|2262-04-11T23:47:16.854775Z|2262-04-11T23:47:16.854776Z|1677-09-21T00:12:43.145225Z"
             b"|1677-09-21T00:12:43.145224Z|2023-02-29T00:00:00Z|2024-02-29T00:00:00Z|2023-13-01T00:00:00Z|2023-11-14T24:00:00Z"
             b"|2023-11-14T22:13:20|2023-11-14 22:13:20Z|2023-11-14|1700000000.5|abc||2023-11-14T22:13:20.1234567Z"
             b"|2023-11-14T22:60:00Z|2023-11-14T22:13:20+0200|0001-01-01T00:00:00Z|9999-12-31T23:59:59Z").split(b"|")
HISTORY_LETTERS = b"ShADadFfRrCcGgTtWwIiQqXx^HsNn"


def some_count(rng: Rng) -> bytes:
    kind = rng.random()
    if kind < 0.25:
        return b"%d" % rng.randrange(4)
    if kind < 0.9:
        return b"%d" % int(2 ** rng.uniform(0, 24))
    return b"%d" % int(2 ** rng.uniform(24, 63.99))


def some_duration(rng: Rng) -> bytes:
    return b"%.6f" % (rng.choice((0.0, 1.0)) * 10 ** rng.uniform(-6, 5))


def some_history(rng: Rng) -> bytes:
    return bytes(rng.choice(HISTORY_LETTERS) for _ in range(rng.randrange(12)))


def some_address(rng: Rng) -> bytes:
    return b"198.51.100.%d" % rng.randrange(256) if rng.random() < 0.7 else b"2001:db8::%x" % rng.randrange(1 << 16)


def ordinary(rng: Rng, name: str, unsw: bool) -> Optional[bytes]:
    """A value that a log may well hold; None for columns that are left as they are."""
    if name == "ts":
        return b"%d.%06d" % (rng.randrange(1, 2000000000), rng.randrange(1000000))
    if name in ("duration", "dur"):
        return some_duration(rng)
    if name in ("id.orig_h", "id.resp_h", "srcip", "dstip"):
        return some_address(rng)
    if name in ("id.orig_p", "id.resp_p", "sport", "dsport"):
        return rng.choice(PORTS[:13]) if rng.random() < 0.6 else b"%d" % rng.randrange(65536)
    if name == "proto":
        return rng.choice((b"tcp", b"tcp", b"tcp", b"udp", b"udp", b"icmp", b"sctp", b"arp"))
    if name == "service":
        return rng.choice([s for s in SERVICES if s.isalnum()])
    if name == "conn_state":
        return rng.choice(STATES[:13])
    if name == "state":
        return rng.choice(UNSW_STATES[:9])
    if name in ("local_orig", "local_resp"):
        return rng.choice((b"T", b"F"))
    if name == "history":
        return some_history(rng)
    if name in ("uid", "id", "tunnel_parents", "attack_cat", "label", "stime", "ltime"):
        return None
    if unsw and name not in features.UNSW_COUNTS:
        return rng.choice((some_count(rng), b"%.6g" % (10 ** rng.uniform(-6, 12)), some_duration(rng), b"0", b"80"))
    return some_count(rng)


def odd(rng: Rng, name: str) -> bytes:
    """A value that tests a rule."""
    if rng.random() < 0.12:
        return rng.choice(NUMBERS)
    if name == "ts":
        return rng.choice(TIMES)
    if name in ("duration", "dur"):
        return rng.choice(DURATIONS)
    if name in ("id.orig_h", "id.resp_h", "srcip", "dstip"):
        return rng.choice(ADDRESSES)
    if name in ("id.orig_p", "id.resp_p", "sport", "dsport"):
        if name in ("sport", "dsport") and rng.random() < 0.4:
            return rng.choice((b"0x50", b"0x000b", b"0x20205321", b"0xFFFF", b"0x10000", b"0x", b"0xg", b"-", b"ff"))
        return rng.choice(PORTS)
    if name == "proto":
        return rng.choice(PROTOS)
    if name == "service":
        return rng.choice(SERVICES)
    if name == "conn_state":
        return rng.choice(STATES)
    if name == "state":
        return rng.choice(UNSW_STATES)
    if name in ("local_orig", "local_resp"):
        return rng.choice((b"T", b"F", b"t", b"true", b"1", b"TF", b""))
    if name == "history":
        return some_history(rng) + rng.choice((b"", b"0", b" ", b"\xc3\xa9", b"^", b"x", b"X", b"sS"))
    if name in ("uid", "tunnel_parents", "attack_cat", "label", "id", "stime", "ltime"):
        return rng.choice((b"", b"x", b"\xff\xfe", b"7"))
    return rng.choice(NUMBERS)


def vary(rng: Rng, rows: list[Row], unsw: bool) -> list[Row]:
    """Some of the literal rows, with ordinary values in many cells and odd ones in few."""
    chosen = [dict(rng.choice(rows)) for _ in range(rng.randrange(1, 6))]
    for row in chosen:
        for name in row:
            if rng.random() < 0.3:
                value = ordinary(rng, name, unsw)
                if value is not None:
                    row[name] = value
    for _ in range(rng.choice((0, 1, 1, 1, 1, 2, 3))):
        row = rng.choice(chosen)
        name = rng.choice(list(row))
        row[name] = odd(rng, name)
    return chosen


# Zeek TSV


ZEEK_RENAMED = ({}, {}, {}, {n: a[0] for n, a in features.ZEEK_ALIAS.items()},
                {n: a[1] for n, a in features.ZEEK_ALIAS.items()})


def zeek_tsv(rng: Rng) -> list[bytes]:
    lines: list[bytes] = []
    for _ in range(rng.choice((1, 1, 1, 1, 2, 3))):
        lines += zeek_block(rng)
    return lines


def zeek_block(rng: Rng) -> list[bytes]:
    rows = vary(rng, ZEEK_ROWS, False)
    names = list(rows[0])
    separator, written = b"\t", b"\\x09"
    unset, empty = b"-", b"(empty)"
    if rng.random() < 0.05:
        separator, written = rng.choice(((b"|", b"\\x7c"), (b"|", b"\\x7C"), (b";", b"\\x3b")))
    if rng.random() < 0.05:
        unset, empty = rng.choice(((b"(null)", b"(empty)"), (b"", b"(empty)"), (b"-", b""), (b"NA", b"E")))
    if rng.random() < 0.1:
        rng.shuffle(names)
    if rng.random() < 0.1:
        names.remove(rng.choice(names))
    if rng.random() < 0.1:
        for row in rows:
            row["extra"] = rng.choice((b"1", b"a b", b"", b"-"))
        names.insert(rng.randrange(len(names) + 1), "extra")
    renamed = rng.choice(ZEEK_RENAMED)
    for row in rows:
        for name, value in row.items():
            if value == b"-":
                row[name] = unset
            elif value == b"(empty)":
                row[name] = empty
            if rng.random() < 0.01:
                row[name] = rng.choice((unset, empty, b"-", b"(empty)", b"", b"\\x2d", b"\\x28empty)", b"\\\\", b" " + value,
                                        value + b" ", value + b"\\x09"))
    fields = [renamed.get(name, name).encode() for name in names]
    types = [ZEEK_TYPES.get(name, b"string") for name in names]
    body = [[row[name] for name in names] for row in rows]
    tail = b""
    if rng.random() < 0.12:
        # Labelled: the last three columns are parted by blanks, not by the separator.
        fields[-1] += b"   label   detailed-label"
        types[-1] += b"   string   string"
        for row_cells in body:
            row_cells[-1] += rng.choice((b"   Benign   -", b"   Malicious   DDoS", b"  a    b", b"   only", b" a b", b""))
    path = rng.choice((b"conn",) * 12 + (b"dns", b"Conn", b"-"))
    head = [b"#separator " + written, b"#set_separator" + separator + b",", b"#empty_field" + separator + empty,
            b"#unset_field" + separator + unset, b"#path" + separator + path,
            b"#open" + separator + b"2023-11-14-22-13-20", b"#fields" + separator + separator.join(fields),
            b"#types" + separator + separator.join(types)]
    fault = rng.random()
    if fault < 0.01:
        head[0] = rng.choice((b"#separator\t\\x09", b"#separator \\x9", b"#separator", b"#separator \\xzz"))
    elif fault < 0.02:
        head[7] = head[7].rsplit(separator, 1)[0]
    elif fault < 0.03:
        head[7] += separator + b"string"
    elif fault < 0.04:
        del head[7]
    elif fault < 0.05:
        head = head[:6] + [separator.join(body[0])] + head[6:]
    elif fault < 0.06:
        head.insert(0, b"### a comment")
    lines = head + [separator.join(row_cells) + tail for row_cells in body]
    if rng.random() < 0.5:
        lines.append(b"#close" + separator + b"2023-11-14-23-00-00")
    if rng.random() < 0.06:
        at = rng.randrange(len(head), len(lines) + 1)
        lines.insert(at, rng.choice((b"# a comment", b"", b"   ", b"\t\t\t", b"x", b"#", b"a" + b"\t" * 20)))
    if rng.random() < 0.05:
        at = rng.randrange(len(head), len(lines))
        if not lines[at].startswith(b"#"):
            lines[at] = rng.choice((lines[at] + separator + b"1", lines[at].rsplit(separator, 1)[0], lines[at] + separator))
    return lines


def zeek_busy(rng: Rng) -> list[bytes]:
    """Many connections of few hosts, ports and services, whose ends go back and forth: for what counts over time."""
    hosts = [some_address(rng) for _ in range(rng.randrange(1, 8))]
    hosts += [b"::ffff:" + h for h in hosts[:1] if b":" not in h]
    services = rng.sample(SERVICES, 6) + [b"-"] * 6 + [b"tcp/443", b"udp/", b"tcp/0443", b"\\xe9\\x01"]
    step, jitter = rng.choice((0.0, 0.001, 0.05, 0.7)), rng.choice((0.0, 0.3, 1.9, 2.1, 30.0))
    names = list(ZEEK_ROWS[0])
    lines = [b"#separator \\x09", b"#fields\t" + b"\t".join(n.encode() for n in names),
             b"#types\t" + b"\t".join(ZEEK_TYPES.get(n, b"string") for n in names)]
    at = 1700000000.0
    for _ in range(rng.randrange(1, 420)):
        row = dict(rng.choice(ZEEK_ROWS))
        at += rng.choice((0.0, step, rng.random() * step))
        row["ts"] = b"%.6f" % (at - rng.random() * jitter)
        row["duration"] = rng.choice((b"-", b"0.0", b"%.6f" % (rng.random() * 2), b"2.000000", b"2.000001"))
        row["id.orig_h"], row["id.resp_h"] = rng.choice(hosts), rng.choice(hosts)
        row["id.orig_p"], row["id.resp_p"] = rng.choice((b"-", b"1", b"40000", b"40001")), rng.choice((b"-", b"53", b"443", b"80"))
        row["proto"] = rng.choice((b"tcp", b"udp", b"tcp", b"icmp", b"sctp", b"igmp"))
        row["service"], row["conn_state"] = rng.choice(services), rng.choice(STATES)
        if rng.random() < 0.01:
            row["id.orig_h"] = b"x"
        lines.append(b"\t".join(row[n] for n in names))
    return lines


# Zeek JSON


def json_value(rng: Rng, name: str, value: bytes) -> Optional[bytes]:
    """A cell of the TSV rows as the JSON writer prints it; None is an absent key."""
    if value == b"-":
        return None
    if name == "tunnel_parents":
        return b"[]" if value == b"(empty)" else json.dumps([value.decode("latin-1")]).encode()
    if name in ("local_orig", "local_resp"):
        return {b"T": b"true", b"F": b"false"}.get(value, b'"' + value + b'"')
    if name in ZEEK_TYPES and ZEEK_TYPES[name] in (b"time", b"port", b"interval", b"count"):
        return value
    text = json.dumps(value.decode("latin-1")).encode()
    if b"\\u00" in text and rng.random() < 0.8:
        text = b'"' + value.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'  # raw bytes, perhaps no UTF-8
    return text


def zeek_json(rng: Rng) -> list[bytes]:
    lines = []
    for row in vary(rng, ZEEK_ROWS, False):
        renamed = rng.choice(ZEEK_RENAMED)
        items: list[tuple[bytes, bytes]] = []
        for name, cell in row.items():
            value = json_value(rng, name, cell)
            if rng.random() < 0.006:
                value = rng.choice((None, b"null", b'"7"', b"7", b"true", b"[]", b"{}", b'["http"]', b'""', b"-7", b"1.5", b'"-"'))
            if name == "ts" and rng.random() < 0.06:
                value = rng.choice((b'"%s"' % rng.choice(ISO_TIMES), b"%d" % rng.randrange(10**11, 2 * 10**12)))
            if value is not None:
                items.append((renamed.get(name, name).encode(), value))
        if rng.random() < 0.1:
            rng.shuffle(items)
        if rng.random() < 0.06:
            # The same key again: the last one counts.
            key, value = rng.choice(items)
            other = rng.choice((value, b"null", b"1", b'"x"', b"0.5"))
            items.insert(rng.randrange(len(items) + 1), (key, other))
        if rng.random() < 0.1:
            items.insert(rng.randrange(len(items) + 1), (b"_path", rng.choice((b'"conn"', b'"dns"', b"null", b"7"))))
        if rng.random() < 0.05:
            items = [item for item in items if item[0] != b"conn_state"]
        if rng.random() < 0.04:
            deep = rng.choice((1, 5, 62, 63, 64, 65, 100, 5000))
            value = rng.choice((b"[" * deep + b"]" * deep, b'{"a":' * deep + b"1" + b"}" * deep))
            items.append((b"extra", value))
        if rng.random() < 0.06:
            items.append((b"note", rng.choice((b'"\xff\xfe"', b'"[[[[{{{{"', b'"a\\"b"', b'"\\u0000"', b'"\xc3\xa9\\ud83d\\ude00"',
                                               b'"\x01"', b'"tab\there"', b'"\\x07"', b'"\\\\x07"', b"1e400", b"tru", b"1.5e+3"))))
        if rng.random() < 0.04:
            items.append((b"id\\u002eorig_h", b'"192.0.2.77"'))
        comma, colon = rng.choice(((b",", b":"),) * 5 + ((b" , ", b" : "), (b",\t", b":\r ")))
        line = b"{" + comma.join(b'"' + k + b'"' + colon + v for k, v in items) + b"}"
        if rng.random() < 0.03:
            line = rng.choice((line[:-1], line + line, line + b",", b"[" + line + b"]", line + b" x", b"7", b'"s"', b"null", b"[]",
                               b"{}", line.replace(b'"', b"'"), line[:-1] + b",}", b"  " + line + b"  ", line[:len(line) // 2],
                               b"\xef\xbb\xbf" + line, b"{", line.replace(b":", b"", 1)))
        lines.append(line)
        if rng.random() < 0.03:
            lines.append(rng.choice((b"", b"  ", b"\t")))
    if not lines[0].lstrip().startswith(b"{"):
        lines.insert(0, b'{"_path":"stats"}')
    return lines


# Suricata EVE


EVE_TIMES = (b"2021-06-06T15:57:37.272281+0200|2021-06-06T15:57:37+02:00|2021-06-06T15:57:37Z|2021-06-06T15:57:37.1-0530"
             b"|2021-06-06T15:57:37.0000000005Z|2021-06-06T15:57:37.0000000015Z|2021-06-06T15:57:37.99999999999+0000"
             b"|2021-06-06T15:57:37|2021-06-06 15:57:37Z|2021-06-06T15:57Z|2021-02-29T00:00:00Z|2024-02-29T23:59:59+2359"
             b"|2021-06-06T24:00:00Z|2021-06-06T15:60:00Z|2021-06-06T15:57:60Z|2021-06-06T15:57:37+2400|2021-06-06T15:57:37+0260"
             b"|2021-06-06T15:57:37+02|2021-06-06T15:57:37 +0200|2021-06-06T15:57:37.Z|2021-06-06T15:57:37,5Z||x|1622987857"
             b"|2262-04-11T23:47:16.854775807Z|2262-04-11T23:47:16.8547758074Z|2262-04-11T23:47:16.8547758075Z"
             b"|1677-09-21T00:12:43.145224192Z|1677-09-21T00:12:43.1452241915Z|1677-09-21T00:12:43.145224191Z|1970-01-01T00:00:00Z"
             b"|1969-12-31T23:59:59.9999999995Z|9999-12-31T23:59:59Z|0001-01-01T00:00:00Z|2021-13-01T00:00:00Z|+021-06-06T15:57:37Z"
             ).split(b"|")
EVE_PROTOS = b"TCP UDP ICMP IPv6-ICMP SCTP tcp Udp 6 17 1 58 132 47 GRE ESP 255 256 -1 6.0 1e1 99999999999999999999 x".split()
EVE_APPS = b"failed tls http dns ssh smb rdp ntp dhcp ftp-data TLS http2 krb5 ikev2 mqtt - ,tls failed,http".split() + [b"", b" ssh "]
JSON_ODDITIES = (b"null|true|false|0|-1|1.5|1.0|1e2|18446744073709551615|18446744073709551616|1e999|[]|{}|[1]|[1,2,[3]]|[null]"
                 b'|"7"|""|"x"|{"start":1}|"\\u0041"|99999|65536').split(b"|")


def eve_time(rng: Rng, nanoseconds: int) -> bytes:
    """Local time of one of a few zones, with as many digits as the log of a sensor has, or none."""
    east, zone = rng.choice(((0, b"Z"), (0, b"+0000"), (7200, b"+0200"), (7200, b"+02:00"), (-12600, b"-0330")))
    seconds, fraction = divmod(nanoseconds, 10**9)
    local = features.datetime.datetime(1970, 1, 1) + features.datetime.timedelta(seconds=seconds + east)
    digits = b"%09d" % fraction
    text = local.strftime("%Y-%m-%dT%H:%M:%S").encode()
    return text + rng.choice((b"." + digits[:6], b"." + digits[:6], b"." + digits, b"")) + zone


def eve_event(rng: Rng) -> list[tuple[bytes, bytes]]:
    """Keys and values of an ordinary flow event; nested objects are text already."""
    start = rng.randrange(10**18, 2 * 10**18)
    end = start + rng.choice((0, 1, 1000, int(10 ** rng.uniform(3, 14))))
    v6 = rng.random() < 0.3
    proto = rng.choice((b"TCP", b"TCP", b"UDP", b"ICMP", b"IPv6-ICMP", b"SCTP"))

    def host() -> bytes:
        if v6:
            return b'"2001:0db8:0000:0000:0000:0000:0000:%04x"' % rng.randrange(1 << 16)
        return b'"198.51.100.%d"' % rng.randrange(256)

    event = [(b"timestamp", b'"%s"' % eve_time(rng, end)), (b"flow_id", b"%d" % rng.randrange(1 << 51)),
             (b"in_iface", b'"eth0"'), (b"event_type", b'"flow"')]
    if rng.random() < 0.2:
        event.append((b"vlan", rng.choice((b"[7]", b"[1,2]", b"7", b"[]"))))
    event.append((b"src_ip", host()))
    if "ICMP" not in proto.decode():
        event.append((b"src_port", rng.choice(PORTS[:13])))
    event.append((b"dest_ip", host()))
    if "ICMP" not in proto.decode():
        event.append((b"dest_port", rng.choice(PORTS[:13])))
    event.append((b"proto", b'"%s"' % proto))
    if rng.random() < 0.6:
        event.append((b"app_proto", b'"%s"' % rng.choice(EVE_APPS[:10])))
    p, q = some_count(rng), rng.choice((b"0", some_count(rng), some_count(rng)))
    counters = [(b"pkts_toserver", p), (b"pkts_toclient", q), (b"bytes_toserver", b"%d" % min(int(p) * rng.randrange(30, 1500), 2**64 - 1)),
                (b"bytes_toclient", b"%d" % min(int(q) * rng.randrange(30, 1500), 2**64 - 1)), (b"start", b'"%s"' % eve_time(rng, start))]
    if rng.random() < 0.9:
        counters.append((b"end", b'"%s"' % eve_time(rng, end)))
    counters += [(b"age", b"%d" % ((end - start) // 10**9)), (b"state", b'"closed"'), (b"reason", b'"timeout"'), (b"alerted", b"false")]
    event.append((b"flow", eve_object(rng, eve_oddities(rng, counters))))
    if proto == b"TCP" and rng.random() < 0.9:
        tcp = [(b"tcp_flags", b'"1b"')]
        for key in (b"tcp_flags_ts", b"tcp_flags_tc"):
            if rng.random() < 0.95:
                tcp.append((key, b'"%02x"' % rng.choice((0, 2, 0x12, 0x14, 0x1a, 0x1b, 0x1e, 0x16, rng.randrange(256)))))
        event.append((b"tcp", eve_object(rng, eve_oddities(rng, tcp + [(b"syn", b"true"), (b"state", b'"closed"')]))))
    return eve_oddities(rng, event)


def eve_oddities(rng: Rng, items: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Seldom an odd value, a key twice, a key gone, another order."""
    if rng.random() < 0.12:
        at = rng.randrange(len(items))
        key, value = items[at]
        odd_values = list(JSON_ODDITIES)
        text = {b"proto": EVE_PROTOS, b"app_proto": EVE_APPS, b"start": EVE_TIMES, b"end": EVE_TIMES, b"src_ip": ADDRESSES, b"dest_ip": ADDRESSES,
                b"tcp_flags_ts": (b"1", b"1B", b"ff", b"0x1b", b"123", b"g1", b""), b"tcp_flags_tc": (b"0", b"2", b"fF", b" 2")}.get(key)
        if text and rng.random() < 0.85:
            odd_values = [b'"%s"' % t for t in text]
        elif value[:1].isdigit() and rng.random() < 0.7:
            odd_values = [n for n in NUMBERS if b'"' not in n] + list(PORTS)
        value = rng.choice(odd_values)
        if rng.random() < 0.2:
            items = items[:at + 1] + [(key, value)] + items[at + 1:]  # the last one counts
        else:
            items = items[:at] + [(key, value)] + items[at + 1:]
    if rng.random() < 0.04:
        items = [item for item in items if item != rng.choice(items)]
    if rng.random() < 0.05:
        rng.shuffle(items)
    return items


def eve_object(rng: Rng, items: list[tuple[bytes, bytes]]) -> bytes:
    comma, colon = rng.choice(((b",", b":"),) * 12 + ((b" , ", b" : "), (b",\t", b":\r ")))
    return b"{" + comma.join(b'"' + k + b'"' + colon + v for k, v in items) + b"}"


def eve_lines(rng: Rng) -> list[bytes]:
    lines = []
    for _ in range(rng.randrange(1, 8)):
        event = eve_event(rng)
        if rng.random() < 0.1:
            kind = rng.choice((b'"dns"', b'"alert"', b"7", b"null", b'"Flow"', b'"flow"', b'"f\\u006cow"', b'["flow"]'))
            event = [(k, kind if k == b"event_type" else v) for k, v in event]
        if rng.random() < 0.03:
            deep = rng.choice((1, 5, 62, 63, 64, 65, 100))
            event.append((b"extra", rng.choice((b"[" * deep + b"]" * deep, b'{"a":' * deep + b"1" + b"}" * deep))))
        if rng.random() < 0.05:
            event.append((b"host", rng.choice((b'"\xff\xfe"', b'"[{"', b'"a\\"b"', b'"\xc3\xa9\\ud83d\\ude00"', b'"\x01"', b"tru", b'"\\x07"'))))
        line = eve_object(rng, event)
        if rng.random() < 0.03:
            line = rng.choice((line[:-1], line + line, line + b",", b"[" + line + b"]", line + b" x", b"7", b"null", b"{}", line[:-1] + b",}",
                               b"  " + line + b"  ", line[:len(line) // 2], b"{", line.replace(b":", b"", 1), line.replace(b'"', b"'")))
        lines.append(line)
        if rng.random() < 0.03:
            lines.append(rng.choice((b"", b"  ", b"\t")))
    if not lines[0].lstrip().startswith(b"{"):
        lines.insert(0, b'{"event_type":"stats"}')
    return lines


# UNSW-NB15


def unsw_cell(rng: Rng, value: bytes) -> bytes:
    if rng.random() > 0.004:
        return value
    return rng.choice((b'"%s"' % value, b" " + value, value + b"  ", b"\t" + value, b'"%s' % value, b'%s"' % value, b'"%s"x' % value,
                       b'a"b"c', b'""', b'"a,b"', b'"1""2"', b"", b" ", b"-", b"nan", b'" 5 "', b"-NaN"))


def unsw_lines(rng: Rng, rows: list[Row], names: list[str]) -> list[bytes]:
    lines = []
    for row in rows:
        line = b",".join(unsw_cell(rng, row[name]) for name in names)
        if rng.random() < 0.02:
            line = rng.choice((line + b",", line.rsplit(b",", 1)[0], line + b",1", b"," * (len(names) - 1), b", ,", b"x"))
        lines.append(line)
        if rng.random() < 0.02:
            lines.append(rng.choice((b"", b"  ", b",,,", b'"",""')))
    return lines


def unsw_partition(rng: Rng) -> list[bytes]:
    rows = vary(rng, UNSW_ROWS, True)
    names = list(rows[0])
    if rng.random() < 0.1:
        rng.shuffle(names)
    if rng.random() < 0.08:
        names.remove(rng.choice(names))
    head = [name.encode() for name in names]
    if rng.random() < 0.1:
        head = [rng.choice((name.upper(), b" " + name, name, name.title(), b'"' + name + b'"')) for name in head]
    lines = [b",".join(head)] + unsw_lines(rng, rows, names)
    if rng.random() < 0.05:
        lines.insert(rng.randrange(1, len(lines) + 1), lines[0])
    return lines


def unsw_raw(rng: Rng) -> list[bytes]:
    rows = []
    for extra in vary(rng, RAW_EXTRA, True):
        row = rng.choice(vary(rng, UNSW_ROWS, True))
        row = {{v: k for k, v in features.UNSW_ALIAS.items()}.get(name, name): value for name, value in row.items()}
        rows.append({**row, **extra})
    lines = unsw_lines(rng, rows, features.RAW_COLUMNS)
    if rng.random() < 0.2:
        lines.insert(0, b",".join(name.encode() for name in features.RAW_COLUMNS))
    return lines


# the whole input


def as_bytes(rng: Rng, lines: list[bytes]) -> bytes:
    end = b"\r\n" if rng.random() < 0.12 else b"\n"
    if lines[0].startswith(b"PAR1"):
        return lines[0]
    if rng.random() < 0.004 and not lines[-1].startswith(b"#") and lines[-1] != b"]":
        # A record longer than allowed, or just as long as allowed.
        at = len(lines) - 1
        pad = features.LINE_LIMIT + rng.choice((-1, 0, 1, 50)) - len(lines[at])
        lines = lines[:at] + [lines[at] + b"9" * pad] + lines[at + 1:]
    data = end.join(lines)
    if rng.random() < 0.85:
        data += end
    if rng.random() < 0.04:
        data = data[:rng.randrange(len(data) + 1)]
    if rng.random() < 0.03:
        data = rng.choice((b"\n", b"\r\n", b"  \n\n", b"\t", b" ")) + data
    if rng.random() < 0.06:
        data = features.BOM + data
    return data


def complete_head(data: bytes) -> bool:
    """JSON, or CSV with its own header: nothing in it depends on a file before it."""
    first = features.without_bom(data).lstrip().split(b"\n")[0]
    return first.startswith(b"{") or (not first.startswith((b"#", b"[")) and b"dbytes" in first)


def compressed(rng: Rng, data: bytes) -> bytes:
    strategy = rng.choice((zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED))

    def member(piece: bytes) -> bytes:
        z = zlib.compressobj(rng.choice((0, 1, 6, 9)), zlib.DEFLATED, 31, 9, strategy)
        return z.compress(piece) + z.flush()

    kind = rng.randrange(6)
    if kind in (2, 3, 5):
        # How much of the last few bits still decodes depends on the decoder when codes are of its own making.
        strategy = zlib.Z_FIXED
    at = rng.randrange(len(data) + 1)
    one, two, whole = member(data[:at]), member(data[at:]), member(data)
    if kind == 0:
        return whole
    if kind == 1:
        return one + two
    if kind == 2:
        return whole[:rng.randrange(2, len(whole))]
    if kind == 3:
        return (one + two)[:rng.randrange(2, len(one + two))]
    if kind == 4:
        return whole + rng.choice((b"x", b"\0" * 8, b"\x1f\x8b", b"\x1f", data[:50] or b"y"))
    broken = bytearray(whole)
    # The checksum or the length; now and then the stream itself.
    # (of a list over many lines it is not laid down how much is lost with a damaged record).
    broken[-rng.randrange(1, 9) if rng.random() < 0.6 or data.startswith(b"[") else rng.randrange(10, len(whole))] ^= 1 << rng.randrange(8)
    return bytes(broken)


KINDS: tuple[tuple[str, Callable[[Rng], list[bytes]], Sequence[str]], ...] = (
    ("zeek", zeek_busy, ("flow-context",)),
    ("zeek", zeek_tsv, ZEEK_SETS), ("zeek", zeek_json, ZEEK_SETS), ("eve", eve_lines, EVE_SETS), ("eve", eve_lines, EVE_SETS), ("unsw", unsw_partition, UNSW_SETS),
    ("unsw", unsw_raw, UNSW_SETS), *mutations.KINDS, *mutations_json.KINDS)


class Case(NamedTuple):
    form: str
    set_name: str
    parts: list[bytes]  # one per file


def fuzz_case(seed: str, number: int, known: dict[str, bool], wanted: str = "") -> Case:
    rng = random.Random("%s/%d" % (seed, number))
    form, make, sets = rng.choice([kind for kind in KINDS if wanted in ("", kind[0])])
    data = as_bytes(rng, make(rng))
    parts = [data]
    several = rng.random()
    if several < 0.02 and data.startswith(b"{"):
        at = rng.choice([m.end() for m in re.finditer(rb"\n(?={)", data)] or [len(data)])
        parts = [data[:at], data[at:]]
    elif several < 0.04:
        more = as_bytes(rng, make(rng))
        if complete_head(data) and complete_head(more):
            parts = [data, more]
    if rng.random() < 0.06:
        parts[-1] = compressed(rng, parts[-1])
    if rng.random() < 0.05 and data[:1].isascii() and data.split(b"\n")[0].count(b" ") < 5:
        form = "auto"
    return Case(form, rng.choice([name for name in sets if known[name]]), parts)


def lines_with_ends(data: bytes) -> list[bytes]:
    return re.findall(rb"[^\n]*\n|[^\n]+", data)


def fuzz(tally: Tally, seed: str, numbers: Iterator[int], wanted: str = "") -> None:
    with tempfile.TemporaryDirectory() as folder:

        def store(parts: Sequence[bytes]) -> list[str]:
            paths = [os.path.join(folder, "case%d.log" % i) for i in range(len(parts))]
            for path, part in zip(paths, parts):
                with open(path, "wb") as f:
                    f.write(part)
            return paths

        def outcome(case: Case, parts: Sequence[bytes]) -> list[str]:
            paths = store(parts)
            return differences(features.read(case.form, paths), case.set_name,
                               run_binary(tally.binary, case.set_name, case.form, paths))

        for number in numbers:
            case = fuzz_case(seed, number, tally.known, wanted)
            found = tally.compare("fuzz %s/%d" % (seed, number), [case.set_name], case.form, store(case.parts))
            if not found or tally.different > tally.show:
                continue
            lines = list(case.parts)
            if len(lines) == 1 and not lines[0].startswith(b"\x1f\x8b"):
                # Leave out every line that the difference does not need.
                lines = lines_with_ends(lines[0])
                for at in range(len(lines) - 1, -1, -1):
                    fewer = lines[:at] + lines[at + 1:]
                    if fewer and outcome(case, [b"".join(fewer)]):
                        lines = fewer
                found = outcome(case, [b"".join(lines)])
            print("  smallest input:")
            for line in lines:
                print("    %r" % (line if len(line) <= 700 else line[:350] + b" ... " + line[-300:]))
            for text in found:
                print("      " + text)
            sys.stdout.flush()


# --- command line -----------------------------------------------------------------------------------------------------


def shared_cases(folder: str) -> Iterator[tuple[str, Sequence[str], str]]:
    for pattern, sets, form in (("zeek/*/*", ZEEK_SETS, "zeek"), ("zeek-labelled/*/*", ZEEK_SETS, "zeek"),
                                ("suricata/*", EVE_SETS, "eve"), ("unsw-nb15/*", UNSW_SETS, "unsw"), ("vpc-flow/*", mutations.CONTEXT_SETS[1:], "vpcflow"),
                                ("netflow/*.csv.gz", mutations.CONTEXT_SETS[1:], "netflow"), ("netflow/*.json.gz", mutations.CONTEXT_SETS[1:], "netflow"), ("argus-binetflow/*", mutations.FLOW_SETS, "binetflow"),
                                ("pcap/*.argus.csv.gz", mutations.FLOW_SETS, "binetflow"), ("cic-ids2017/*", mutations.FLOW_SETS, "cicflow"),
                                ("nsl-kdd/*", ("nsl-41",), "nslkdd")):
        for path in sorted(glob.glob(os.path.join(folder, pattern))):
            yield path, sets, form


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", required=True, help="the threatdetect binary")
    parser.add_argument("--shared", help="folder with zeek/, zeek-labelled/, unsw-nb15/ and the others")
    parser.add_argument("--fuzz", type=int, default=0, metavar="N", help="number of mutated logs")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--kind", default="", metavar="FORMAT", help="only mutated logs of this format")
    parser.add_argument("--only", type=int, metavar="I", help="only mutated log number I")
    parser.add_argument("--keep", metavar="FILE", help="with --only: write that log to FILE")
    parser.add_argument("--show", type=int, default=5, help="differences printed in full")
    parser.add_argument("--set", action="append", dest="sets", help="for FILE; may be repeated")
    parser.add_argument("--from", dest="form", default="auto", choices=("auto", *features.FLOW_FORMATS, "nslkdd"))
    parser.add_argument("files", nargs="*", metavar="FILE")
    args = parser.parse_args(argv)
    tally = Tally(args.binary, args.show)
    sets = [name.removesuffix("/1") for name in args.sets or ["flow-portable"]]
    for path in args.files:
        tally.compare(path, sets, args.form, [path])
    if args.shared:
        for path, fitting, form in shared_cases(args.shared):
            tally.compare(os.path.relpath(path, args.shared), fitting, form, [path])
    if args.only is not None:
        if args.keep:
            for i, part in enumerate(fuzz_case(args.seed, args.only, tally.known, args.kind).parts):
                with open(args.keep + (".%d" % i if i else ""), "wb") as f:
                    f.write(part)
        fuzz(tally, args.seed, iter([args.only]), args.kind)
    elif args.fuzz:
        fuzz(tally, args.seed, iter(range(args.fuzz)), args.kind)
    print("%d cases, %d differences" % (tally.cases, tally.different))
    return 1 if tally.different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
