#!/usr/bin/env bash
# Makes a bundle of this folder anew: testdata/rebuild.sh demo | iot23
#
#   demo    testdata/demo, from simulated traffic
#   iot23   testdata/bundles/iot23-ctu.tar.gz, from the labelled Zeek logs in $SHARED (default ../shared, beside the repository)
#
# Needs Go, and Python 3.11 for XGBoost 1.3.3, which is installed into a virtual environment of its own ($VENV, default
# a temporary folder). The same seed gives the same bytes.
set -euo pipefail
cd "$(dirname "$0")/.."

XGBOOST=1.3.3 NUMPY=1.26.4 SCIPY=1.11.4
what=${1:?want demo or iot23}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

venv=${VENV:-$work/venv}
if [ ! -x "$venv/bin/python" ]; then
  "${PYTHON:-python3}" -m venv "$venv"
  "$venv/bin/pip" install --quiet "xgboost==$XGBOOST" "numpy==$NUMPY" "scipy==$SCIPY"
fi
found=$("$venv/bin/python" -c 'import xgboost; print(xgboost.__version__)')
[ "$found" = "$XGBOOST" ] || { echo "$venv has XGBoost $found, want $XGBOOST" >&2; exit 1; }
versions="XGBoost $XGBOOST"
echo "$("$venv/bin/python" --version), XGBoost $XGBOOST, numpy $("$venv/bin/python" -c 'import numpy; print(numpy.__version__)'), $(go version)" >&2

go build -o "$work" ./cmd/threatdetect ./cmd/trafficgen ./internal/mkbundle
threatdetect=$work/threatdetect trafficgen=$work/trafficgen mkbundle=$work/mkbundle

# rows LOG...: the training file of the logs, as SageMaker's container wants it.
rows() { "$threatdetect" features --quiet --set flow-portable/1 --label label --no-header "$@"; }

# Golden records are simulated for both bundles, whatever they were trained on.
golden() { "$trafficgen" --seed 11 --records 40 --format json --attack-share 0.4 -o "$work/golden.json"; }

case $what in
demo)
  "$trafficgen" --seed 1 --records 80000 --quirks labels-tabs -o "$work/site.log"
  "$trafficgen" --seed 2 --records 1900 --quirks labels-tabs -o testdata/demo/conn.log
  "$mkbundle" split -at 0.7 -train "$work/earlier.log" -test "$work/later.log" "$work/site.log"
  rows -o "$work/train.csv" "$work/earlier.log"
  "$venv/bin/python" testdata/train.py "$work/train.csv" "$work/xgboost-model"
  golden
  "$mkbundle" bundle -model "$work/xgboost-model" -train "$work/earlier.log" -test "$work/later.log" -golden "$work/golden.json" \
    -split "the first 70 % of the simulated time train, the rest tests" -versions "$versions" \
    -card-text testdata/demo/card.tmpl.md -card testdata/demo/README.md -o testdata/demo/model.tar.gz
  ;;
iot23)
  shared=${SHARED:-../shared}/data/zeek-labelled
  [ -d "$shared" ] || { echo "the labelled logs are not at $shared; set SHARED" >&2; exit 1; }
  "$mkbundle" split -at 0.7 -train "$work/iot23-34-1.train.log" -test "$work/iot23-34-1.log" "$shared/iot-23/CTU-IoT-Malware-Capture-34-1.conn.log.labeled.gz"
  "$mkbundle" split -at 0.7 -train "$work/ctu-sme-11.train.log" -test "$work/ctu-sme-11.log" "$shared/ctu-sme-11/conn.log.labeled.gz"
  rows -o "$work/train.csv" "$work/iot23-34-1.train.log" "$work/ctu-sme-11.train.log"
  "$venv/bin/python" testdata/train.py "$work/train.csv" "$work/xgboost-model"
  golden
  "$mkbundle" bundle -model "$work/xgboost-model" -train "$work/iot23-34-1.train.log" -train "$work/ctu-sme-11.train.log" \
    -test "$work/iot23-34-1.log" -test "$work/ctu-sme-11.log" -golden "$work/golden.json" \
    -split "the first 70 % of each capture by time train, the rest tests" -versions "$versions" \
    -card-text testdata/bundles/iot23-ctu.tmpl.md -card testdata/bundles/iot23-ctu.md -o testdata/bundles/iot23-ctu.tar.gz
  ;;
*)
  echo "want demo or iot23, not $what" >&2
  exit 2
  ;;
esac
