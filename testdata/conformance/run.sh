#!/bin/sh
# Makes models with real XGBoost releases, predicts with each and with this module, and compares every bit.
#
#   ./run.sh                  all of it; writes docs/conformance.md
#   ./run.sh sample [SEED]    random cases of a few releases, with every kernel, in a few minutes; writes nothing and fails if a bit differs
#
# $RELEASES chooses the releases, $CASES the number of cases of a sample. $DIR keeps the models (default: a temporary
# directory that is removed). $VENVS and $PYTHON are those of environments.sh.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
export OMP_NUM_THREADS=1

if [ -n "${DIR:-}" ]; then
	dir=$DIR
	mkdir -p "$dir"
else
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
fi

# models RELEASES ARGUMENT… trains and predicts with each release, as many at a time as there are cores. What the releases
# themselves print is shown if they fail.
models() {
	releases=$1
	shift
	pythons=$("$here/environments.sh" $releases)
	printf '%s\n' $pythons | xargs -P "$(nproc)" -I{} sh -c '
		python=$1 log=$2/log.$(basename "${1%/bin/python}")
		shift 2
		"$python" -W ignore "$@" >"$log" 2>&1 || {
			cat "$log"
			exit 255
		}
		grep "^xgboost " "$log"
		rm -f "$log"' models {} "$dir" "$here/models.py" "$@" "$dir"
}

case "${1:-all}" in
all)
	models "${RELEASES:-}"
	cd "$here/../.."
	go run ./internal/conformance -table docs/conformance.md "$dir"
	;;
sample)
	seed="${2:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}"
	echo "seed $seed"
	WRAPPERS=no models "${RELEASES:-0.90 1.2.1 1.6.2 3.4.1}" --seed "$seed" --cases "${CASES:-25}"
	cd "$here/../.."
	go run ./internal/conformance -strict -kernels "$dir"
	;;
*)
	echo "usage: $0 [all | sample [SEED]]" >&2
	exit 2
	;;
esac
