#!/bin/sh
# Makes the golden files of this directory, or fresh random ones to compare with, with real XGBoost releases.
#
#   ./make.sh                    rewrites the committed files; the same bytes on every run
#   ./make.sh fresh DIR [SEED]   writes random cases to DIR, then:
#                                THREATDETECT_ORACLE=DIR go test -run TestOracle ./inference
#
# Each release gets a virtual environment of its own under $VENVS (default: a directory in $TMPDIR), named xgb-RELEASE,
# which is made with $PYTHON (default: python3.11) and pip if it is not there.
set -eu
releases="${RELEASES:-0.72.1 0.90 1.0.2 1.3.3 1.7.6 2.1.4 3.0.5 3.2.0 3.4.1}"
here=$(cd "$(dirname "$0")" && pwd)
venvs="${VENVS:-${TMPDIR:-/tmp}/threatdetect-venvs}"
mkdir -p "$venvs"

interpreter() {
	if [ ! -x "$venvs/xgb-$1/bin/python" ]; then
		"${PYTHON:-python3.11}" -m venv "$venvs/xgb-$1"
		# Without dependencies, as later releases ask for a large GPU library that nothing here uses; and releases from 3.3
		# on ask for a later Python than they need.
		"$venvs/xgb-$1/bin/pip" install --quiet --no-compile --only-binary :all: --no-deps --ignore-requires-python "xgboost==$1" "numpy<2" "scipy<1.14" "setuptools<80" >&2
	fi
	echo "$venvs/xgb-$1/bin/python"
}

case "${1:-golden}" in
golden)
	for release in $releases; do
		python=$(interpreter "$release")
		rm -rf "${here:?}/$release"
		"$python" -W ignore "$here/make.py" "$here"
	done
	;;
fresh)
	dir=$2
	seed="${3:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}"
	echo "seed $seed"
	running=
	for release in $releases; do
		case "$release" in 0.*) continue ;; esac # which have golden cases only
		python=$(interpreter "$release")
		"$python" -W ignore "$here/make.py" --fresh "$seed" --cases "${CASES:-28}" "$dir" &
		running="$running $!"
	done
	for pid in $running; do wait "$pid"; done
	;;
*)
	echo "usage: $0 [golden | fresh DIR [SEED]]" >&2
	exit 2
	;;
esac
