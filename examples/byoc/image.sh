#!/usr/bin/env bash
# Builds the root file system that the Dockerfile makes, without a Docker engine, and runs it: in a chroot, as a user without rights,
# read-only where mounts are allowed, asked as SageMaker's platform would ask. Needs root for the chroot.
#
#   examples/byoc/image.sh [DIR]      DIR is kept; without it a temporary folder is used
set -euo pipefail
cd "$(dirname "$0")/../.."
root=${1:-$(mktemp -d)}
model=$(mktemp -d)
log=$(mktemp)
pid=
clean() {
  [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
  umount "$root" 2>/dev/null || true
  rm -rf "$model" "$log"
  [ "${1:-}" = keep ] || rm -rf "$root"
}
if [ $# -gt 0 ]; then trap 'clean keep' EXIT; else trap clean EXIT; fi

mkdir -p "$root/opt/ml/model"
CGO_ENABLED=0 go build -trimpath -tags noparquet,noaws,noprogress,nethttpomithttp2 -ldflags='-s -w' -o "$root/threatdetect" ./cmd/threatdetect
size=$(stat -c %s "$root/threatdetect")
echo "image: $((size / 1000)) kB"
[ "$size" -lt 20000000 ] || { echo "the image is over 20 MB" >&2; exit 1; }
tar -xzf testdata/container/1.7-1-logistic.tar.gz -C "$root/opt/ml/model"
chmod -R a+rX "$root"

# What the platform does: the argument replaces CMD, the environment is that of the Dockerfile.
env=()
while read -r pair; do env+=("$pair"); done < <(sed -n '/^ENV /,/[^\\]$/p' examples/byoc/Dockerfile | tr -d '\\' | sed 's/^ENV//' | tr ' ' '\n' | grep =)
[ "${#env[@]}" -eq 3 ] || { echo "the Dockerfile has ${#env[@]} variables, not 3" >&2; exit 1; }
mount --bind "$root" "$root" 2>/dev/null && mount -o remount,ro,bind "$root" 2>/dev/null || echo "mounts are not allowed here: the root is not read-only"
port=$((20000 + RANDOM % 20000))
env -i "${env[@]}" SAGEMAKER_BIND_TO_PORT=$port "$(command -v chroot)" --userspec=65532:65532 "$root" /threatdetect serve >"$log" 2>&1 &
pid=$!
begin=$(date +%s%N)
until curl -sf "http://127.0.0.1:$port/ping" >/dev/null; do
  kill -0 "$pid" 2>/dev/null || { cat "$log" >&2; exit 1; }
  [ $(($(date +%s%N) - begin)) -lt 20000000000 ] || { echo "no answer to /ping" >&2; exit 1; }
  sleep 0.005
done
echo "start to first answer: $((($(date +%s%N) - begin) / 1000000)) ms"
got=$(curl -s -H 'Content-Type: text/csv' --data-binary '0.5,-1.25,3.75,0.125,-7.5,1' "http://127.0.0.1:$port/invocations")
[ "$got" = 0.30100587010383606 ] || { echo "answer: $got" >&2; exit 1; }
kill -TERM "$pid"
wait "$pid" || { echo "it ended with $?" >&2; exit 1; }
pid=
echo "image: runs"
