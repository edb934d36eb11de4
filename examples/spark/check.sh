#!/usr/bin/env bash
# Runs the jobs of this folder on two executor processes of this machine and compares them with the program alone. Needs Go, Java 17, Python 3.11;
# installs PySpark into a virtual environment ($SPARK_VENV, default one under $VENVS, or a temporary one). "check.sh fetch" does only that.
# The program is $THREATDETECT; it is built otherwise.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
venv=${SPARK_VENV:-${VENVS:-$work}/spark}
[ -x "$venv/bin/spark-submit" ] || { "${PYTHON:-python3}" -m venv "$venv" && "$venv/bin/pip" install --quiet --no-compile -r examples/spark/requirements.txt; }
[ "${1:-}" != fetch ] || exit 0

if [ -n "${THREATDETECT:-}" ]; then cp "$THREATDETECT" "$work/threatdetect"; else go build -o "$work/threatdetect" ./cmd/threatdetect; fi
go run ./cmd/trafficgen --seed 21 --records "${RECORDS:-60000}" --faults 0.002 \
  --fault-kinds too_long,fields,missing,number,address,time -o "$work/conn.log" 2>"$work/errors" || { cat "$work/errors" >&2; exit 1; }
go run ./cmd/trafficgen --seed 22 --records 20000 -o "$work/rows.log" 2>"$work/errors"
grep -a '^#' "$work/conn.log" | head -8 >"$work/conn.header"
cp testdata/demo/model.tar.gz "$work/model.bundle" # Spark unpacks what is called tar.gz
begin=$SECONDS
SPARK_LOCAL_IP=127.0.0.1 PYSPARK_PYTHON=$venv/bin/python "$venv/bin/spark-submit" --master 'local-cluster[2,1,768]' \
  --driver-memory 512m --driver-java-options '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC' --conf 'spark.executor.extraJavaOptions=-XX:TieredStopAtLevel=1 -XX:+UseSerialGC' \
  --conf spark.executor.memory=512m --conf spark.ui.enabled=false --conf spark.sql.files.maxPartitionBytes=800k \
  --conf spark.task.maxFailures=3 --conf spark.sql.shuffle.partitions=4 --conf spark.local.dir="$work" \
  --files "$work/threatdetect,$work/model.bundle,$work/conn.header" \
  --py-files examples/spark/pipe.py,examples/spark/score.py,examples/spark/by_host.py examples/spark/check.py "$work" 2>"$work/errors" ||
  { grep -vE ' (INFO|WARN) |^\s+at ' "$work/errors" | head -n 100 >&2; exit 1; }
echo "spark: all in $((SECONDS - begin)) s"
