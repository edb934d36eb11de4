"""Features, or verdicts, of a set that remembers flows, computed in a cluster: all flows of a source go through one process, in order of
their ends. That gives what one process over the whole log gives for sets whose memory is of a source alone, such as beacon/1; a set that
remembers destinations or networks as well, such as host/1, sees a part of them in each process and would give other numbers.

    spark-submit --files threatdetect,conn.header --py-files pipe.py by_host.py --set beacon/1 --header conn.header s3a://lake/conn/ s3a://lake/rows/
"""
import argparse
import json

from pipe import SCHEMA, Pipe, add, fields
from pyspark import SparkFiles
from pyspark.sql import SparkSession, functions as F

OF_A_SOURCE = {"beacon/1"}


def arguments(argv):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = p.add_mutually_exclusive_group(required=True)
    what.add_argument("--set", help="write the rows of this set")
    what.add_argument("--bundle", help="name of the shipped bundle, whose contract is for such a set: write verdicts")
    p.add_argument("--header", required=True, help="name of a shipped file with the header of the Zeek conn logs (TSV)")
    p.add_argument("--partitions", type=int, default=64)
    p.add_argument("--on-skipped", choices=["fail", "count"], default="fail")
    p.add_argument("input", nargs="+")
    p.add_argument("output")
    return p.parse_args(argv)


def set_of(bundle):
    """The set that a shipped bundle is for."""
    told = Pipe(["inspect", "--json", "@" + bundle]).output()
    return json.loads(told)["contract"]["set"]


def main(argv=None):
    a = arguments(argv)
    spark = SparkSession.builder.appName("threatdetect by host").getOrCreate()
    name = a.set or set_of(a.bundle)
    if name not in OF_A_SOURCE:
        raise SystemExit(f"set {name} is not made of the flows of a source alone: score a log that it needs whole with threatdetect batch, on one machine")
    with open(SparkFiles.get(a.header)) as f:
        header = f.read()
    args = ["features", "--set", a.set, "--to", "ndjson"] if a.set else ["score", "--all", "--bundle", "@" + a.bundle]
    # What the program gets is a log of its own, with a header: nothing is said of parts, which it would refuse for such a set.
    pipe = Pipe(args + ["--from", "zeek"], header, prepend=True, on_skipped=a.on_skipped)
    pipe.check()

    names = fields(header).split("\t")[1:]
    lines = spark.read.option("lineSep", "\n").text(a.input).select("value").where(~F.col("value").startswith("#"))
    cell = F.split("value", "\t")
    number = lambda column: F.coalesce(cell[names.index(column)].try_cast("double"), F.lit(0.0))
    by_source = (lines.withColumn("source", cell[names.index("id.orig_h")]).withColumn("end", number("ts") + number("duration"))
                 .repartition(a.partitions, "source").sortWithinPartitions("end").select("value"))
    by_source.mapInArrow(pipe, SCHEMA).select("kind", "value").write.partitionBy("kind").text(a.output)
    total = add(r[0] for r in spark.read.text(f"{a.output}/kind=account").collect())
    print(json.dumps(total))
    return total


if __name__ == "__main__":
    main()
    SparkSession.getActiveSession().stop()
