#!/usr/bin/env bash
# Runs a command with PITCREW_RABBITMQ_ROOT naming a root folder that holds RabbitMQ 4, whatever this machine has.
#
#   deploy/local/rabbit4.sh cargo test --test it
#
# The folder is made once: .pitcrew/rabbit4, half a gigabyte, a minute. Needs root, debootstrap and a Debian archive.
set -euo pipefail
cd "$(dirname "$0")/../.."

suite=${PITCREW_RABBIT4_SUITE:-trixie}
root=$PWD/.pitcrew/rabbit4

fail() { echo "$*" >&2; exit 1; }
[ "$(id -u)" -eq 0 ] || fail "A root folder of its own needs root: run this with sudo."

# What is mounted here is seen by this command and its children alone, and is gone with the last of them.
if [ "${PITCREW_RABBIT4_MOUNTS:-}" != own ]; then
    PITCREW_RABBIT4_MOUNTS=own exec unshare --mount --propagation private "$0" "$@"
fi

if [ ! -e "$root/pitcrew-complete" ]; then
    command -v debootstrap >/dev/null || fail "debootstrap was not found: apt-get install debootstrap"
    echo "Making a root folder of Debian $suite with RabbitMQ in $root …" >&2
    rm -rf "$root"
    mkdir -p "$root"
    debootstrap --variant=minbase --include=ca-certificates "$suite" "$root" >&2
    # Nothing in there starts by itself.
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
    cp /etc/resolv.conf /etc/hosts "$root/etc/"
    mount -t proc proc "$root/proc"
    chroot "$root" sh -c 'apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        rabbitmq-server && apt-get clean' >&2
    touch "$root/pitcrew-complete"
else
    mount -t proc proc "$root/proc"
fi

chroot "$root" dpkg-query --show rabbitmq-server >&2
export PITCREW_RABBITMQ_ROOT=$root
"$@"
