.PHONY: demo up test schemas bench fuzz test-rabbit4 fmt lint setup python

# Everything on this machine, with computers and work to look at.
demo: setup
	cargo build --workspace --bins
	target/debug/pitcrew up --demo

# Everything on this machine, empty.
up: setup
	cargo build --workspace --bins
	target/debug/pitcrew up

# All tests, on a PostgreSQL and a RabbitMQ of their own. Build and test with the same flags build nothing twice.
test: python
	cargo build --workspace --all-targets
	cargo test --workspace

# The engine against the ceiling of its broker and database, and what resolving and planning cost.
bench: setup
	cargo build --workspace --bins --release
	target/release/pitcrew-loadtests

# Every parser of outside text, for minutes each: for a schedule. `make test` does the same for seconds.
fuzz:
	deploy/local/fuzz.sh

# The integration tests on RabbitMQ 4 (as root; makes a root folder of half a gigabyte once).
test-rabbit4: python
	cargo build --workspace --all-targets
	deploy/local/rabbit4.sh cargo test --test it

# The published schemas, as the program's own types say.
schemas:
	cargo build --workspace --all-targets
	target/debug/pitcrew schemas --out schemas

fmt:
	cargo fmt --all

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

# What Pitcrew is built with and runs on. Installs what is missing on Debian and Ubuntu, says what is elsewhere.
setup:
	@deploy/local/setup.sh

# The same for the tests, which submit with a Python client too.
python:
	@deploy/local/setup.sh --tests
	@deploy/local/python.sh
