#!/usr/bin/env bash
# What other people's code says of our calls of AWS: botocore of the requests, moto of the answers, cfn-lint of the template,
# the SageMaker Python SDK of the images. Needs Python 3.9 or later and PyPI. Run: internal/awsfake/crosscheck.sh [FILES]
# FILES are further requests, as --dry-run prints them. "fetch" in their place only installs. $CAPTURED is the folder of requests that the tests of
# the command left there under $THREATDETECT_CAPTURE; they are run if it is not set.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=internal/awsfake
venv=${VENVS:-$(mktemp -d)}/awscheck
[ -x "$venv/bin/python" ] || ${PYTHON:-python3} -m venv "$venv"
"$venv/bin/pip" -q --disable-pip-version-check install --no-compile botocore==1.44.8 boto3==1.44.8 'moto[server]==5.2.5' cfn-lint==1.58.0
[ "${1:-}" != fetch ] || exit 0
work=$(mktemp -d)
moto=
trap '[ -z "$moto" ] || kill "$moto" 2>/dev/null || true; rm -rf "$work"' EXIT

"$venv/bin/python" "$here/mkshapes.py" --check
"$venv/bin/python" "$here/crosscheck.py" requests $(git ls-files '*/testdata/requests/*.ndjson') "$@"
# What the commands really send, as the scripts and the pages of the command line run them.
[ -n "${CAPTURED:-}" ] || { CAPTURED=$work/captured; THREATDETECT_CAPTURE=$CAPTURED go test -count=1 -run 'TestScripts/aws|TestAWSPage' ./cmd/threatdetect; }
"$venv/bin/python" "$here/crosscheck.py" requests "$CAPTURED"/*.ndjson

"$venv/bin/pip" -q --disable-pip-version-check download --no-deps -d "$work" sagemaker-core==2.27.0
"$venv/bin/python" "$here/crosscheck.py" images "$work"/sagemaker_core-*.whl train/images.json "$here/images.json"

"$venv/bin/cfn-lint" --regions us-east-1 -- train/testdata/template*.yaml

port=$("$venv/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
MOTO_ACCOUNT_ID=111122223333 "$venv/bin/moto_server" -H 127.0.0.1 -p "$port" >"$work/moto.log" 2>&1 &
moto=$!
for _ in $(seq 100); do "$venv/bin/python" -c "import socket; socket.create_connection(('127.0.0.1', $port))" 2>/dev/null && break; kill -0 "$moto"; sleep 0.2; done
THREATDETECT_MOTO=http://127.0.0.1:$port go test -count=1 -run TestMotoAnswersAlike "./$here" || { tail -5 "$work/moto.log"; exit 1; }
