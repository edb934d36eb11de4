#!/usr/bin/env bash
# How time and memory grow with the size of the input: bench/scale/run.sh GB...      (default 1 4)
#
# A log of a quarter of a gigabyte is simulated once and scored as many times as make the size, each time as a log of its own, from the page cache; nothing
# else is written to the disk. Each size runs with batch on one core and on two, and with score, which has one stream, through a pipe.
# Of a line: size, command, cores, rows, wall seconds, processor seconds, rows for each processor second, greatest resident memory.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -o "$work/threatdetect" ./cmd/threatdetect
go run ./cmd/trafficgen --seed 8 --records 1900000 -o "$work/part.log" 2>/dev/null
bytes=$(stat -c %s "$work/part.log")

measured() { # SIZE WHAT CORES COMMAND...
  local size=$1 what=$2 cores=$3
  shift 3
  /usr/bin/time -f '%e %U %S %M' -o "$work/time" env GOMAXPROCS="$cores" taskset -c "0-$((cores - 1))" "$@" >/dev/null 2>"$work/account"
  local rows wall user system kilobytes
  rows=$(tail -n 1 "$work/account" | grep -o '"rows":[0-9]*' | cut -d: -f2)
  read -r wall user system kilobytes <"$work/time"
  awk -v size="$size" -v what="$what" -v cores="$cores" -v rows="$rows" -v wall="$wall" -v cpu="$user $system" -v kb="$kilobytes" \
    'BEGIN { split(cpu, c, " "); t = c[1] + c[2]; printf "| %s | %s | %d | %d | %.1f | %.1f | %d | %d MiB |\n", size, what, cores, rows, wall, t, rows / t, kb / 1024 }'
}

echo "| size | command | cores | rows | wall s | processor s | rows a processor second | greatest memory |"
echo "|---|---|---|---|---|---|---|---|"
for gigabytes in "${@:-1 4}"; do
  for gigabytes in $gigabytes; do
    times=$(awk -v g="$gigabytes" -v b="$bytes" 'BEGIN { n = int(g * 1e9 / b + 0.5); print n < 1 ? 1 : n }')
    rm -rf "$work/logs"
    mkdir "$work/logs"
    for ((i = 0; i < times; i++)); do ln -s ../part.log "$work/logs/$i.log"; done
    for cores in 1 2; do
      measured "$gigabytes GB" batch "$cores" "$work/threatdetect" batch --bundle testdata/demo/model.tar.gz --workers "$cores" --out - --summary json "$work/logs"
    done
    measured "$gigabytes GB" "score -" 1 "$work/threatdetect" score --bundle testdata/demo/model.tar.gz --summary json - < <(for ((i = 0; i < times; i++)); do cat "$work/part.log"; done)
  done
done
