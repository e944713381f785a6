#!/usr/bin/env bash
# Sees to it that this machine has what Pitcrew is built with and runs on: cargo, a C linker, PostgreSQL and RabbitMQ.
#
#   deploy/local/setup.sh [--tests]      --tests: also what only the tests need (Python with venv)
#
# On Debian and Ubuntu it installs what is missing; elsewhere it says what to install. Running it again changes nothing.
# It starts no service and stops none: Pitcrew runs its own servers, in a folder of its own, on ports of their own.
set -euo pipefail

say() { printf '%s\n' "$*" >&2; }
has() { command -v "$1" >/dev/null 2>&1; }

tests=no
[ "${1:-}" != --tests ] || tests=yes

check_cargo() {
    if ! has cargo; then
        say "Rust's cargo was not found."
        if [ -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo" ]; then
            say "It is installed, but not on the PATH. Run:   . \"${CARGO_HOME:-$HOME/.cargo}/env\""
        else
            say "Install it with:   curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y"
            say "and then run:      . \"\$HOME/.cargo/env\""
        fi
        exit 1
    fi
    local wanted found
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$(dirname "$0")/../../Cargo.toml")
    found=$(cargo --version | cut -d' ' -f2)
    if [ "$(printf '%s\n' "$wanted" "$found" | sort -V | head -n 1)" != "$wanted" ]; then
        say "Rust $found is older than Pitcrew needs ($wanted). Run:   rustup update stable"
        exit 1
    fi
}

has_postgres() { has postgres || compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null; }
has_rabbitmq() { has rabbitmq-server || [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ]; }
has_venv() { has python3 && python3 -c 'import ensurepip, venv' 2>/dev/null; }

missing() {
    has cc || echo gcc libc6-dev
    has_postgres || echo postgresql
    has_rabbitmq || echo rabbitmq-server
    [ "$tests" = no ] || has_venv || echo python3-venv
}

explain() {
    say "Pitcrew needs programs that are not on this machine, and it knows how to install them on Debian and Ubuntu alone."
    say "Please install a C compiler, PostgreSQL 13 or newer (its server) and RabbitMQ 3.10 or newer, for example with"
    say "  macOS:         xcode-select --install; brew install postgresql@17 rabbitmq"
    say "  Fedora, RHEL:  sudo dnf install gcc postgresql-server rabbitmq-server"
    say "  Arch:          sudo pacman -S gcc postgresql rabbitmq"
    [ "$tests" = no ] || say "and, for the tests, Python 3 with its venv module. Then run this again."
    exit 1
}

install() {
    local root=()
    if [ "$(id -u)" -ne 0 ]; then
        has sudo || { say "Run this as root, or install by hand:   apt-get install $*"; exit 1; }
        root=(sudo)
    fi
    say "Installing $* …"

    # Packages start what they install. A policy that says no is the system's own way to prevent that; one that is
    # there already is somebody's decision and stays.
    local policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        # shellcheck disable=SC2064 # the values of now are meant
        trap "${root[*]} rm -f $policy" EXIT
        printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee "$policy" >/dev/null
        "${root[@]}" chmod 755 "$policy"
    fi
    "${root[@]}" apt-get update
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

check_cargo
mapfile -t packages < <(missing | tr ' ' '\n')
if [ "${#packages[@]}" -gt 0 ]; then
    has apt-get || explain
    install "${packages[@]}"
    still=$(missing | tr '\n' ' ')
    [ -z "$still" ] || { say "Installed, and yet not found: $still"; exit 1; }
    say "Installed. None of it was started: Pitcrew starts servers of its own."
fi
