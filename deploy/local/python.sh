#!/usr/bin/env bash
# Makes .pitcrew/venv, a Python with the AMQP client that the tests submit with as a foreign system would.
# Does nothing if it is there.
set -euo pipefail
cd "$(dirname "$0")/../.."

wanted=pika==1.4.4
venv=.pitcrew/venv
if [ "$(cat "$venv/pitcrew-wanted" 2>/dev/null)" != "$wanted" ]; then
    echo "Making a Python environment with $wanted in $venv …" >&2
    python3 -m venv --clear "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$wanted"
    echo "$wanted" >"$venv/pitcrew-wanted"
fi
