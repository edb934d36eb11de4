#!/bin/sh
# Makes the pickles of this directory again, with real XGBoost releases.
#
# Each release gets a virtual environment of its own under $VENVS (default: a directory in $TMPDIR), named xgb-RELEASE, which is made with $PYTHON
# (default: python3.11) and pip if it is not there.
set -eu
releases="${RELEASES:-0.72.1 0.90 1.0.2 1.2.1 1.3.3 1.7.6 3.2.0}"
here=$(cd "$(dirname "$0")" && pwd)
venvs="${VENVS:-${TMPDIR:-/tmp}/threatdetect-venvs}"
mkdir -p "$venvs"
for release in $releases; do
	if [ ! -x "$venvs/xgb-$release/bin/python" ]; then
		"${PYTHON:-python3.11}" -m venv "$venvs/xgb-$release"
		"$venvs/xgb-$release/bin/pip" install --quiet --only-binary :all: --no-deps "xgboost==$release" "numpy<2" "scipy<1.12" \
			"scikit-learn==1.3.2" "joblib==1.3.2" "threadpoolctl<4" "setuptools<80" >&2
	fi
	PYTHONHASHSEED=0 "$venvs/xgb-$release/bin/python" "$here/make.py" "$here"
done
