#!/bin/bash
# pairs.sh [PAIRS [SECONDS]]: frames a second beside a bare net/http server, then the
# time from a post to its action, both measured in one run on this machine.
# Needs the load generator and the bare server: their folders loadgen and floor
# below $TOOLS: TOOLS=/where/they/are testdata/bench/pairs.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
pairs=${1:-9}; secs=${2:-5}; tools=$(realpath "${TOOLS:?say where the folders loadgen and floor are: TOOLS=… $0}")
w=$(mktemp -d); pids=()
trap 'kill "${pids[@]}" 2>/dev/null; wait; rm -rf "$w"' EXIT
root=$PWD
(cd "$tools/loadgen" && go build -o "$w/loadgen" .); (cd "$tools/floor" && go build -o "$w/floor" .)
CGO_ENABLED=0 go build -o "$w/sallyport" ./cmd/sallyport

ours() { # ours FOLDER: starts sallyport with the rules of a folder
  "$w/sallyport" run -c "$root/testdata/bench/sallyport.yaml" --rules "$1" >"$w/ours.out" 2>"$w/ours.err" & pid=$!; pids+=($pid)
  until curl -s -o "$w/get" http://127.0.0.1:8802/; do :; done
}
stop() { kill "$1"; wait "$1" 2>/dev/null || true; }

pair_of() { # pair_of PORT: frames a second of 64 connections, half of them walking through
  "$w/loadgen" -json -mode closed -c 32 -warm 1s -d "${secs}s" -path outside "http://127.0.0.1:$1/c/outside" >"$w/o1" & local other=$!
  "$w/loadgen" -json -mode closed -c 32 -warm 1s -d "${secs}s" -path through "http://127.0.0.1:$1/c/through" >"$w/o2"
  wait $other
  sed 's/.*"frames_per_s":\([0-9.]*\).*/\1/' "$w/o1" "$w/o2" | awk '{s += $1} END {print s}'
}

"$w/floor" -mode scan -addr 127.0.0.1:8801 & pids+=($!)
ours "$root/testdata/bench/rules.d"
echo "frames a second, $pairs pairs of $secs s at 64 connections"
for i in $(seq "$pairs"); do
  f=$(pair_of 8801); o=$(pair_of 8802)
  awk -v f="$f" -v o="$o" -v i="$i" 'BEGIN {printf "pair %d: floor %6.0f  sallyport %6.0f  ratio %.2f\n", i, f, o, o / f}' | tee -a "$w/pairs"
done
sort -t' ' -k3 "$w/pairs" | sed 's/.*ratio //' | sort -n | awk '{r[NR] = $1} END {printf "ratio: median %s, least %s, most %s\n", r[int((NR + 1) / 2)], r[1], r[NR]}'
console=$(sed -n 's/.*the console is at \(.*\)/\1/p' "$w/ours.out")
curl -s "$console/api/v1/status" | tr ',{' '\n\n' | grep -E '"(frames|looks|merged|dropped)"' | tr '\n' ' '; echo
grep -E 'VmRSS|VmHWM' "/proc/$pid/status"
stop "$pid"

mkdir "$w/rules.d"; cp testdata/bench/rules.d/*.yaml testdata/bench/action/*.yaml "$w/rules.d/"
echo "post to action at 700 frames a second, 2000 actions"
"$w/floor" -mode scan -addr 127.0.0.1:8803 -sink http://127.0.0.1:9911/ & floor=$!; pids+=($floor)
ours "$w/rules.d"
for t in "floor 8803 /" "sallyport 8802 /c/through"; do set -- $t
  "$w/loadgen" -mode action -rate 700 -c 100 -n 2000 -gap 5ms -path outside -label "$1" "http://127.0.0.1:$2$3" | grep -E 'mode=|post->action|errors'
done
stop "$pid"
