"""Scores a log, or numeric rows, that lie in a lake: every partition goes through a process of threatdetect.

    spark-submit --files threatdetect,model.bundle,conn.header --py-files pipe.py score.py \\
        --bundle model.bundle --from zeek --header conn.header --to ndjson s3a://lake/conn/ s3a://lake/verdicts/
    spark-submit --files threatdetect,model.bundle --py-files pipe.py score.py --model model.bundle --from csv s3a://lake/rows/ s3a://lake/scores/
"""
import argparse
import json

from pipe import SCHEMA, Pipe, add
from pyspark import SparkFiles
from pyspark.sql import SparkSession, functions as F

# The columns of the Parquet files, and what they are called in the records of threatdetect.
VERDICT = ("ts string, uid string, src string, src_port int, dst string, dst_port int, proto string, score double, threat boolean, "
           "probability double, threshold double, model string, set string, class string, classes map<string,double>, top array<struct<feature string, value double, contribution double>>")


def arguments(argv):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = p.add_mutually_exclusive_group(required=True)
    what.add_argument("--bundle", help="name of the shipped bundle: the input is a log")
    what.add_argument("--model", help="name of the shipped model: the input is numeric rows, without a header")
    p.add_argument("--from", dest="format", required=True, help="zeek, eve, binetflow, cicflow, unsw or nslkdd; csv, libsvm or ndjson for rows")
    p.add_argument("--header", help="name of a shipped file with the header of the log, which no split but the first of a file has")
    p.add_argument("--to", choices=["ndjson", "parquet"], default="ndjson")
    p.add_argument("--threats", action="store_true", help="only flows that are judged a threat")
    p.add_argument("--on-skipped", choices=["fail", "count"], default="fail", help="what a record that cannot be read does: it ends the job, or is counted")
    p.add_argument("input", nargs="+")
    p.add_argument("output")
    return p.parse_args(argv)


def main(argv=None):
    a = arguments(argv)
    spark = SparkSession.builder.appName("threatdetect").getOrCreate()
    header = None
    if a.model:
        names = ["--header", "no"] if a.format == "csv" else []
        pipe = Pipe(["predict", "--model", "@" + a.model, "--from", a.format] + names, pairs=True)
    else:
        # --part refuses what parts of a log cannot be scored with: sets that remember flows, formats with flows of several records.
        args = ["score", "--part", "--bundle", "@" + a.bundle, "--from", a.format] + ([] if a.threats else ["--all"])
        if a.header:
            args += ["--header", "@" + a.header]
            with open(SparkFiles.get(a.header)) as f:
                header = f.read()
        pipe = Pipe(args, header, on_skipped=a.on_skipped)
    pipe.check()

    lines = spark.read.option("lineSep", "\n").text(a.input).select("value")
    scored = lines.mapInArrow(pipe, SCHEMA)
    # The account of a partition is committed with its lines: what a lost executor had done is neither lost nor counted twice.
    by = ["kind"]
    if a.bundle:  # whose records begin with their time
        scored = scored.withColumn("day", F.when(F.col("value").startswith('{"ts":"'), F.substring("value", 8, 10)))
        by.append("day")
    if a.to == "ndjson":
        value = F.concat_ws(",", "input", "value") if a.model else F.col("value")
        scored.select(value.alias("value"), *by).write.partitionBy(by).text(a.output)
        accounts = spark.read.text(f"{a.output}/kind=account").select("value")
    else:
        is_account = F.col("kind") == "account"
        columns = ["input", F.when(~is_account, F.col("value")).alias("output")]
        if a.bundle:
            scored = scored.withColumn("verdict", F.from_json(F.when(~is_account, F.col("value")), VERDICT))
            columns = ["verdict.*"]
        scored.select(F.when(is_account, F.col("value")).alias("account"), *columns, *by).write.partitionBy(by).parquet(a.output)
        accounts = spark.read.parquet(f"{a.output}/kind=account").select("account")
    total = add(r[0] for r in accounts.collect())
    print(json.dumps(total))
    return total


if __name__ == "__main__":
    main()
    SparkSession.getActiveSession().stop()
