#!/bin/sh
# Makes the fixtures of docs/ again: make.sh VENVS, a folder with xgb-0.90 and xgb-1.7.6 as testdata/conformance/environments.sh makes them.
set -eu
cd "$(dirname "$0")"
"$1/xgb-0.90/bin/python" make.py old
"$1/xgb-1.7.6/bin/python" make.py libsvm
"$1/xgb-1.7.6/bin/python" make.py endpoint
rm -f train.libsvm new.libsvm xgboost-model
