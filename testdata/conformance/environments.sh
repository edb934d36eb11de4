#!/bin/sh
# Makes a virtual environment for each XGBoost release named, or for all of the table, under $VENVS/xgb-RELEASE.
#
#   ./environments.sh [RELEASE…]     prints the interpreter of each
#
# $VENVS defaults to a directory in $TMPDIR, $PYTHON to python3.11. What is there already is used as it is. With
# WRAPPERS=no, the packages are left out that only the pickles of scikit-learn's wrappers need.
set -eu
releases="0.72.1 0.82 0.90 1.0.2 1.1.1 1.2.1 1.3.3 1.4.2 1.5.2 1.6.2 1.7.6 2.0.3 2.1.4 3.0.5 3.1.3 3.2.0 3.3.0 3.4.1"
venvs="${VENVS:-${TMPDIR:-/tmp}/threatdetect-venvs}"
mkdir -p "$venvs"
[ $# -gt 0 ] || set -- $releases

# has MODULE tells whether $home has it, get PACKAGE… installs into it.
has() {
	"$home/bin/python" -c "import collections, collections.abc; collections.Mapping = collections.abc.Mapping; import $1" 2>/dev/null
}

get() {
	# Without dependencies, as later releases ask for a large GPU library that nothing here uses. 3.3 and 3.4 ask for a newer
	# Python than the numpy has that the old ones need, and work without.
	"$venvs/pip/bin/pip" --python "$home/bin/python" install --quiet --disable-pip-version-check --no-cache-dir --no-compile --only-binary :all: --no-deps \
		--ignore-requires-python "$@" >&2
}

# One pip installs into all of them: making it takes as long as installing a release.
[ -x "$venvs/pip/bin/pip" ] || "${PYTHON:-python3.11}" -m venv "$venvs/pip"
for release; do
	home="$venvs/xgb-$release"
	[ -x "$home/bin/python" ] || "${PYTHON:-python3.11}" -m venv --without-pip "$home"
	has xgboost || get "xgboost==$release" "numpy==1.26.4" "scipy==1.11.4" "setuptools<80"
	if [ "${WRAPPERS:-yes}" = yes ]; then
		has sklearn.base || get "scikit-learn==1.3.2" "joblib==1.3.2" "threadpoolctl==3.2.0"
	fi
	case $release in
	3.[1-9]*)
		# Categories are given by name from 3.1 on, which takes a data frame.
		has pandas || get "pandas<2.2" python-dateutil pytz tzdata six
		;;
	esac
	echo "$home/bin/python"
done
