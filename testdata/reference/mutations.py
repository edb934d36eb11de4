"""Made-up and damaged logs of VPC, nfdump, Argus, CICFlowMeter and NSL-KDD, for compare.py."""
from __future__ import annotations

import random
from typing import Callable

import features
import oneway

Rng = random.Random

NUMBERS = (b"0|1|2|7|12.|.5|1e5|1e999|0x10|1_000|-0|+5|NaN|nan|-nan|inf|-Infinity|Infinity|18446744073709551615|18446744073709551616|5e-1|50e-1"
           b"|0.0|1E+3|1.0|12.5|-1|-7|-0.0|-1e-400|-1e999|-x|1e19|2e19|007|1,5|null|\xd9\xa1|1\x00|0b1|4294967296|9007199254740993||-|\"\"|infinite|-i").split(b"|")
PROTOS = b"6 17 1 58 0 255 256 tcp UDP icmp ICMP6 sctp 132 gre x 6.0 -6 1e1 99999999999 -".split()
ADDRESSES = (b"192.0.2.1|2001:db8::1|::|fe80::1%eth0|::ffff:192.0.2.9|1.2.3|256.1.1.1|01.2.3.4|::1::2|x|1.2.3.4:80|-|").split(b"|")
PORTS = b"0 1 22 53 80 443 1023 1024 8080 32767 32768 49151 65535 65536 80.0 1e2 -1 0x50 - 0x0303 0x10000 0x".split()


def odd(rng: Rng, choices: list[bytes]) -> bytes:
    return rng.choice(choices if rng.random() < 0.8 else NUMBERS)


def damage_cells(rng: Rng, cells: list[bytes], quoted: bool) -> list[bytes]:
    if rng.random() < 0.015:
        i = rng.randrange(len(cells))
        more = (b'"%s"' % cells[i], b" " + cells[i] + b" ", b'"%s' % cells[i], b'%s"' % cells[i], b'"%s"x' % cells[i]) if quoted else (b'"%s"' % cells[i],)
        long = b"x" * (features.MAX_CELL + len(cells[i]) % 2)
        cells[i] = rng.choice((b"", b"-", long if len(cells[i]) % 3 == 0 else b"nan", *more))
    if rng.random() < 0.01:
        cells = rng.choice((cells[:-1], cells + [b"1"], cells + [b""], [b""] * len(cells)))
    return cells


class Hosts:
    """Few endpoints, so that records meet; times that go on, and now and then far away."""

    def __init__(self, rng: Rng) -> None:
        self.rng = rng
        self.hosts = [rng.choice((b"10.0.0.%d", b"2001:db8::%d", b"192.0.2.%d")) % i for i in range(rng.randrange(1, 4))]
        if b"." in self.hosts[0]:
            self.hosts.append(b"::ffff:" + self.hosts[0])
        self.ports = rng.sample((b"80", b"443", b"53", b"32768", b"51000", b"40000", b"1024"), rng.randrange(1, 4))
        self.protos = rng.choice(((b"6",), (b"6", b"6", b"17"), (b"6", b"17", b"1", b"132", b"47")))
        self.scopes = [b"eni-%d" % i for i in range(rng.randrange(1, 3))]
        self.now = rng.choice((0, 1, 1700000000, 1700000000))
        self.step = rng.choice((0, 1, 20, 100, 400))

    def tick(self) -> tuple[int, int]:
        rng = self.rng
        self.now += rng.randrange(self.step + 1)
        if rng.random() < 0.03:
            self.now += rng.choice((-3601, -3600, -4000, 660, 661, 1200, 1201, 3600, 5000))
        end = self.now
        return end - rng.choice((0, 0, 1, 10, 59, 60, 300, 600, 3599, 3600, 3601)), end


def count(rng: Rng) -> bytes:
    return b"%d" % rng.choice((0, 1, 2, rng.randrange(100), int(2 ** rng.uniform(0, 63.9))))


# VPC

VPC_FIELDS = ("version interface-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr srcport dstport protocol packets bytes start end tcp-flags action "
              "log-status vpc-id").split()


def vpc_row(rng: Rng, h: Hosts) -> dict[str, bytes]:
    start, end = h.tick()
    row = {"version": b"5", "account-id": b"123456789012", "interface-id": rng.choice(h.scopes), "srcaddr": rng.choice(h.hosts),
           "dstaddr": rng.choice(h.hosts), "pkt-srcaddr": b"-", "pkt-dstaddr": b"-", "srcport": rng.choice(h.ports), "dstport": rng.choice(h.ports),
           "protocol": rng.choice(h.protos), "packets": count(rng), "bytes": count(rng), "start": b"%d" % start, "end": b"%d" % end,
           "tcp-flags": rng.choice((b"0", b"2", b"18", b"3", b"19", b"1", b"4", b"6", b"22", b"-", b"257")), "action": rng.choice((b"ACCEPT", b"REJECT")),
           "log-status": b"OK", "vpc-id": b"vpc-1"}
    if rng.random() < 0.1:
        row["pkt-" + rng.choice(("srcaddr", "dstaddr"))] = rng.choice(h.hosts)
    if rng.random() < 0.06:
        row["log-status"] = rng.choice((b"NODATA", b"SKIPDATA", b"SKIPDATA", b"-", b"ok", b"nodata"))
        if rng.random() < 0.7:
            for name in ("srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "bytes", "tcp-flags", "action"):
                row[name] = b"-"
    if rng.random() < 0.06:
        name = rng.choice(list(row))
        kinds = {"srcaddr": ADDRESSES, "dstaddr": ADDRESSES, "pkt-srcaddr": ADDRESSES, "srcport": PORTS, "dstport": PORTS, "protocol": PROTOS,
                 "start": [b"0", b"-5", b"1.5", b"1700000000.25", b"9223372036", b"9223372037", b"-9223372036", b"x", b"1e9"],
                 "end": [b"0", b"1", b"9223372036.854775807", b"9223372036.854775808", b"1e10", b"-"]}
        row[name] = odd(rng, kinds.get(name, NUMBERS)).replace(b" ", b"").replace(b",", b"") or b"-"
    return row


def vpc(rng: Rng) -> list[bytes]:
    h = Hosts(rng)
    fields = list(oneway.VPC_DEFAULT)
    lines = []
    comma = False

    def header() -> None:
        nonlocal fields, comma
        fields = rng.sample(VPC_FIELDS, len(VPC_FIELDS)) if rng.random() < 0.5 else list(VPC_FIELDS)
        if rng.random() < 0.2:
            fields.remove(rng.choice(fields))
        if rng.random() < 0.02:
            fields = [f for f in fields if f not in rng.choice((("srcaddr", "pkt-srcaddr"), ("start",), ("end",)))]
        comma = rng.random() < 0.3
        names = [f.replace("-", "_") if rng.random() < 0.3 else f for f in fields]
        lines.append((b"," if comma else b" ").join(n.encode() for n in names))

    if rng.random() < 0.6:
        header()
    for _ in range(rng.randrange(1, 60)):
        row = vpc_row(rng, h)
        cells = damage_cells(rng, [row[f] for f in fields], comma)
        lines.append(b",".join(cells) if comma else rng.choice((b" ", b" ", b" ", b"  ", b"\t")).join(c or b"-" for c in cells))
        if rng.random() < 0.02:
            header()
        if rng.random() < 0.01:
            lines.append(rng.choice((b"", b"  ", b",,," if comma else b"\t")))
    return lines


# nfdump

OLD = "ts te td sa da sp dp pr flg fwd stos ipkt ibyt opkt obyt in out ra".split()
NEW = "cnt af firstSeen lastSeen proto srcAddr srcPort dstAddr dstPort srcAS dstAS input output flags srcTos packets bytes".split()
NEWEST = "firstSeen duration proto srcAddr srcPort dstAddr dstPort packets bytes flags routerIP outPackets outBytes".split()


def stamp(seconds: int, fraction: bytes) -> bytes:
    days, rest = divmod(seconds, 86400)
    day = features.datetime.date.fromordinal(days + features.datetime.date(1970, 1, 1).toordinal())
    return b"%04d-%02d-%02d %02d:%02d:%02d%s" % (day.year, day.month, day.day, rest // 3600, rest // 60 % 60, rest % 60, fraction)


def flag_letters(rng: Rng) -> bytes:
    letters = rng.choice((b"CEUAPRSF", b"UAPRSF"))
    wanted = rng.choice((b"S", b"SA", b"AR", b"APSF", b"APF", b"A", b"", b"SR", letters))
    return bytes(c if c in wanted else ord(".") for c in letters)


def nfdump(rng: Rng) -> list[bytes]:
    h = Hosts(rng)
    names = rng.choice((OLD, OLD, NEW, NEWEST))
    head = b",".join(n.encode() for n in names)
    if rng.random() < 0.05:
        head = rng.choice((head.upper(), head.replace(b",", b" , "), head.replace(b"sa,", b"").replace(b"srcAddr,", b"")))
    lines = [head]
    for _ in range(rng.randrange(1, 60)):
        start, end = h.tick()
        fraction = rng.choice((b"", b"", b".000", b".250", b".9999999995", b".0000000005"))
        elapsed = rng.choice((b"%d.000" % (end - start), b"%d" % (end - start), b"%d.0000000015" % (end - start)))
        both = rng.random() < 0.15
        opkt, obyt = (count(rng), rng.choice((count(rng), b""))) if both else (b"0", b"0")
        pr = rng.choice(h.protos)
        pr = {b"6": b"TCP", b"17": b"UDP", b"1": b"ICMP"}.get(pr, pr) if rng.random() < 0.7 else pr
        known = {"ts": stamp(start, fraction), "te": stamp(end, fraction), "td": elapsed, "sa": rng.choice(h.hosts), "da": rng.choice(h.hosts),
                 "sp": rng.choice(h.ports), "dp": rng.choice(h.ports), "pr": pr, "flg": flag_letters(rng), "ipkt": count(rng), "ibyt": count(rng),
                 "opkt": opkt, "obyt": obyt, "ra": rng.choice(h.scopes)}
        if rng.random() < 0.03:
            known[rng.choice(("td", "te", "opkt", "ipkt", "flg", "ra", "sp"))] = b""
        if rng.random() < 0.06:
            name = rng.choice(list(known))
            times = [b"1700000000", b"2018-02-29 00:00:00", b"2018-01-12T15:37:30Z", b"2018-01-12 15:37:30+0200", b"2018/01/12 15:37:30",
                     b"2018-01-12 24:00:00", b"2018-01-12", b"2262-04-11 23:47:16.854775807", b"2262-04-11 23:47:16.854775808", b"0000-01-01 00:00:00",
                     b"2018-01-12 15:37:30-23:59", b"1677-09-21 00:12:43.145224192", b"9999-12-31 23:59:59", b"2018-01-12 15:37:30."]
            kinds = {"ts": times, "te": times, "td": [b"-1", b"-0.0000000004", b"9223372036.8", b"1e10", b"0.0000000005", b"1:00"], "sa": ADDRESSES, "da": ADDRESSES,
                     "sp": PORTS, "dp": PORTS + [b"8.0", b"0.8"], "pr": PROTOS, "flg": [b"0x1b", b"S", b"......S", b"SSSSSSSS", b"........", b"......s.", b"27", b"..AP.."]}
            known[name] = odd(rng, kinds.get(name, NUMBERS))
        row = {**{n: b"0" for n in names}, **{n: known[oneway.NFDUMP_NAMES[n.lower()]] for n in names if n.lower() in oneway.NFDUMP_NAMES}}
        lines.append(b",".join(damage_cells(rng, [row[n] for n in names], True)))
        if rng.random() < 0.01:
            lines.append(rng.choice((head, b"", b",,,", b" ")))
    if rng.random() < 0.5:
        lines += [rng.choice((b"Summary", b"Summary", b" Summary ", b"summary")), b"flows,bytes,packets,avg_bps,avg_pps,avg_bpp", b"2,3,4,5,6,7", b'"']
        if rng.random() < 0.3:
            lines += [head] + lines[1:3]
    return lines


# Argus

ARGUS = "StartTime Dur Proto SrcAddr Sport Dir DstAddr Dport State sTos dTos TotPkts TotBytes SrcBytes SrcPkts Label".split()


def argus(rng: Rng) -> list[bytes]:
    names = list(ARGUS)
    if rng.random() < 0.2:
        names.remove(rng.choice(names))
    if rng.random() < 0.1:
        names += ["DstPkts", "DstBytes"]
    separator = rng.choice((b",", b",", b"\t"))
    head = separator.join(n.encode() for n in names)
    lines = [head]
    for _ in range(rng.randrange(1, 30)):
        src_pkts, src_bytes = rng.randrange(20), rng.randrange(3000)
        row = {"StartTime": stamp(rng.randrange(2 * 10**9), b".146156").replace(b"-", b"/"), "Dur": b"%.6f" % (10 ** rng.uniform(-6, 4)),
               "Proto": rng.choice((b"tcp", b"tcp", b"udp", b"icmp", b"arp", b"ipv6-icmp")), "SrcAddr": rng.choice((b"10.0.0.1", b"2001:db8::1")),
               "Sport": rng.choice(PORTS[:13] + PORTS[-3:-2]), "Dir": b"   ->", "DstAddr": b"192.0.2.7", "Dport": rng.choice(PORTS[:13]),
               "State": rng.choice((b"FSPA_FSRPA", b"S_", b"S_RA", b"S_SA", b"PA_PA", b"SRPA_SPA", b"CON", b"INT", b"REQ", b"ECO", b"ECR", b"URP", b"RST", b"FIN", b"")),
               "sTos": b"0", "dTos": b"", "TotPkts": b"%d" % (src_pkts + rng.randrange(9)), "TotBytes": b"%d" % (src_bytes + rng.choice((0, 60, 900))),
               "SrcBytes": b"%d" % src_bytes, "SrcPkts": b"%d" % src_pkts, "Label": b"flow=Background", "DstPkts": count(rng), "DstBytes": count(rng)}
        if rng.random() < 0.15:
            name = rng.choice(names)
            kinds = {"StartTime": [b"12:13:14.5", b"1500000000.25", b"1970/01/01 00:00:00", b"2011/02/30 00:00:00", b"", b"24:00:00", b"9223372037", b"2011-08-18T09:56:29Z"],
                     "Dur": [b"-1", b"9223372036.8", b"1e-10", b"-0.0000000001"], "Proto": PROTOS + [b"man", b"llc"], "SrcAddr": ADDRESSES + [b"00:11:22:33:44:55"],
                     "DstAddr": ADDRESSES, "Sport": PORTS, "Dport": PORTS, "State": [b"SX_S", b"_", b"con", b"SEC_SAE", b"S_S_S"]}
            row[name] = odd(rng, kinds.get(name, NUMBERS)).replace(b"\t", b"")
        lines.append(separator.join(damage_cells(rng, [row[n] for n in names], True)))
        if rng.random() < 0.02:
            lines.append(rng.choice((head, b"", b" ")))
    return lines


# CICFlowMeter

CIC_HEADS = (
    " Destination Port, Flow Duration, Total Fwd Packets, Total Backward Packets,Total Length of Fwd Packets, Fwd Header Length,Flow Bytes/s, Fwd Header Length, Label",
    "Flow ID, Source IP, Source Port, Destination IP, Destination Port, Protocol, Timestamp, Flow Duration, Total Fwd Packets, Total Backward Packets, Label",
    "Dst Port,Protocol,Timestamp,Flow Duration,Tot Fwd Pkts,Tot Bwd Pkts,TotLen Fwd Pkts,Label",
    "Flow ID,Src IP,Src Port,Dst IP,Dst Port,Protocol,Timestamp,Flow Duration,Total Fwd Packet,Total Bwd packets,Label",
    "src_ip,dst_ip,src_port,dst_port,protocol,timestamp,flow_duration,tot_fwd_pkts,tot_bwd_pkts,label")


def cic(rng: Rng) -> list[bytes]:
    head = rng.choice(CIC_HEADS).encode()
    if rng.random() < 0.1:
        head = rng.choice((head.upper(), head.replace(b" ", b"_"), head.replace(b"Flow Duration", b"Flow -- Duration"), head.replace(b"Duration", b"Durations")))
    lines = [head]
    for _ in range(rng.randrange(1, 30)):
        cells = []
        for name in head.split(b","):
            key = name.strip().lower()
            if b"duration" in key:
                cell = rng.choice((b"0", b"1", b"%d" % int(10 ** rng.uniform(0, 9)), b"%.3f" % (10 ** rng.uniform(0, 7))))
            elif b"port" in key:
                cell = rng.choice(PORTS[:13])
            elif key == b"protocol":
                cell = rng.choice((b"6", b"17", b"0", b"1"))
            else:
                cell = count(rng)
            if rng.random() < 0.04:
                cell = odd(rng, PORTS if b"port" in key else PROTOS if key == b"protocol" else NUMBERS)
            cells.append(cell)
        lines.append(b",".join(damage_cells(rng, cells, True)))
        if rng.random() < 0.02:
            lines.append(rng.choice((head, b"", b"," * head.count(b","))))
    return lines


# NSL-KDD


def nsl(rng: Rng) -> list[bytes]:
    lines = []
    for _ in range(rng.randrange(1, 20)):
        cells = []
        for name in features.NSL_41:
            if name == "protocol_type":
                cell = rng.choice((b"tcp", b"udp", b"icmp", b"TCP", b"gre", b""))
            elif name == "service":
                cell = rng.choice((b"http", b"private", b"ecr_i", b"IRC", b"irc", b"Z39_50", b"whois", b"aol", b"-", b"zzz"))
            elif name == "flag":
                cell = rng.choice((b"SF", b"S0", b"REJ", b"OTH", b"SH", b"sf", b"ZZ"))
            else:
                cell = rng.choice((b"0", b"1", b"0.00", b"0.17", b"%d" % rng.randrange(10**9), b"%.2f" % rng.random()))
            if rng.random() < 0.004:
                cell = rng.choice(NUMBERS)
            cells.append(cell)
        cells += [rng.choice((b"normal", b"neptune", b"normal."))] + ([b"21"] if rng.random() < 0.7 else [])
        lines.append(b",".join(damage_cells(rng, cells, True)))
    if rng.random() < 0.05:
        lines.insert(0, b",".join(n.encode() for n in features.NSL_41) + b",label,difficulty")
    return lines


FLOW_SETS = ("flow-portable", "flow-min")
CONTEXT_SETS = ("flow-portable", "flow-portable", "flow-min", "flow-context")
KINDS: tuple[tuple[str, Callable[[Rng], list[bytes]], tuple[str, ...]], ...] = (
    ("vpcflow", vpc, CONTEXT_SETS), ("netflow", nfdump, CONTEXT_SETS), ("binetflow", argus, FLOW_SETS), ("cicflow", cic, FLOW_SETS), ("nslkdd", nsl, ("nsl-41",)))
