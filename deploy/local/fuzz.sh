#!/usr/bin/env bash
# Fuzzes every parser of outside text for so many seconds each (as the first argument; 300 if none is given). What it
# learns is kept in .pitcrew/fuzz and goes on from there; a text that breaks something is left in tests/fuzz/ and named.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-300}
learned=$PWD/.pitcrew/fuzz

# What cargo-fuzz passes, so that it takes neither that tool nor a nightly compiler.
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"
target=$(rustc -vV | sed -n 's/^host: //p')
# With a target named, build scripts and macros are spared the flags.
cargo build --manifest-path tests/fuzz/Cargo.toml --target "$target" --bins

for parser in fleet query version submission frames; do
    mkdir -p "$learned/$parser"
    case $parser in
        fleet) seeds=(schemas/examples/*.yaml src/fleet/tests/*.yaml) ;;
        submission | frames) seeds=(schemas/examples/*.json) ;;
        *) seeds=() ;;
    esac
    for file in ${seeds[@]+"${seeds[@]}"}; do cp "$file" "$learned/$parser/seed-$(basename "$file")"; done
    printf '\n== %s\n' "$parser"
    "tests/fuzz/target/$target/debug/$parser" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 \
        -print_final_stats=1 -artifact_prefix="tests/fuzz/$parser-" "$learned/$parser"
done
