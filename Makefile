# Every target does its own set-up on a fresh machine: it needs cargo, python3 with venv, and a network once.
# One profile (--release) and one target folder serve tests and demo, so that nothing is built twice. What is shipped and
# measured is built once more, by --profile dist.

CARGO ?= cargo
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTHONS := $(or $(MEMSIGHT_PYTHONS_DIR),.pythons)
ALLOCATORS := $(or $(MEMSIGHT_ALLOCATORS_DIR),.allocators)
TARGET := $(or $(CARGO_TARGET_DIR),target)
# Seconds that `make fuzz` gives each of its targets.
SECONDS_EACH ?= 600

TEST_PACKAGES := maturin pytest numpy pandas polars pyarrow duckdb prometheus-client opentelemetry-proto psutil==7.2.2
# Libraries that the reproduced reports of memory troubles are about.
REPORT_PACKAGES := python/tests/reports/requirements.txt
# Packages that look at processes through psutil.
FOREIGN_PACKAGES := python/tests/foreign/requirements.txt
BENCH_PACKAGES := guppy3 pympler memray psutil==7.2.2
CHECK_PACKAGES := ruff mypy

export CARGO_TERM_COLOR ?= auto
export MEMSIGHT_PYTHONS_DIR := $(abspath $(PYTHONS))
export MEMSIGHT_ALLOCATORS_DIR := $(abspath $(ALLOCATORS))

.PHONY: help demo static test-static test test-long test-rust test-python test-real real truth advice check bench fuzz docs wheel pythons allocators clean rust python portable platforms

help:
	@echo "make demo    a leaking service, explained while it runs"
	@echo "make test    everything that must hold, on every Python found and on those of tools/get_pythons.sh"
	@echo "make test-long  the Rust tests, with the longest of them on every Python"
	@echo "make real    real programs, each against what it says of itself (PART=ci: some; ONLY=\"django torch\")"
	@echo "make check   formatting, lints, layers, licences, types"
	@echo "make truth   the decoder against what Python says of itself: make truth ON=3.12"
	@echo "make advice  the rules of the advisor on their corpus: precision and recall"
	@echo "make bench   ratios against guppy3, pympler and psutil; what watching costs"
	@echo "make fuzz    the readers on corrupted memory, snapshots and cores (SECONDS_EACH=$(SECONDS_EACH))"
	@echo "make docs    reference pages and the documentation of the crates"
	@echo "make wheel   the wheel, in dist/"
	@echo "make static  the command as one file that needs no library, in dist/"

rust:
	@command -v $(CARGO) >/dev/null || { echo "memsight is built with Rust, and cargo is not there: see https://rustup.rs" >&2; exit 1; }

python:
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 9))' 2>/dev/null || \
	{ echo "$(PYTHON) must be Python 3.9 or later with venv (Debian: apt install python3-venv)" >&2; exit 1; }

demo: rust python
	@[ -x "$(TARGET)/release/memsight" ] || \
	echo "First memsight is built, once: some 8 minutes on 2 cores, fewer on more."
	$(CARGO) run --release -p memsight-cli --bin memsight -- demo

# Most of the last three is waiting, for programs and for one linker: two at a time.
test: test-rust
	$(MAKE) --no-print-directory -j2 test-python test-real portable

# The Python module is left to the wheel's tests: outside an interpreter it does not link.
test-rust: rust pythons allocators
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
	  set -x; $(CARGO) nextest run --release --workspace --exclude memsight-py --no-fail-fast; \
	else \
	  set -x; $(CARGO) test --release --workspace --exclude memsight-py --no-fail-fast; \
	fi
	$(CARGO) run --release --quiet -p memsight-testkit --example coverage

# The long tests on every Python, too, where the others run them on one of each two versions.
test-long:
	MEMSIGHT_TEST_EVERYWHERE=1 $(MAKE) --no-print-directory test-rust

test-python: $(BIN)/.installed
	$(BIN)/python -m pytest python/tests

# Real programs with the libraries that they are made of, in an environment of their own: python/tests/real/README.md.
# The whole of it writes its table into docs/design/real-programs.md.
PART ?= all
ONLY ?=
REAL := .venv-real
REAL_PAGE := docs/design/real-programs.md
# Debian's programs and torch, unpacked. Without a Debian mirror they are named as not covered.
REAL_ROOT := .debian-real
REAL_LIST := python/tests/real/requirements$(if $(filter ci,$(PART)),-ci).txt

real: rust $(REAL)/.$(PART)
	$(CARGO) build --release -p memsight-cli --bin memsight
	$(if $(filter ci,$(PART)),,-tools/get_real.sh $(REAL_ROOT))
	@if [ -e $(REAL)/.$(PART) ]; then \
	  set -x; $(REAL)/bin/python python/tests/real/run.py --memsight target/release/memsight --part $(PART) \
	    $(if $(ONLY)$(filter ci,$(PART)),,--page $(REAL_PAGE)) $(ONLY); \
	fi

test-real:
	$(MAKE) --no-print-directory real PART=ci

# Current versions of the libraries do not run on older Pythons.
$(REAL)/.$(PART): $(REAL_LIST) | python
	@if $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
	  set -ex; $(PYTHON) -m venv $(REAL); \
	  $(REAL)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile -r $(REAL_LIST); touch $@; \
	else echo "NOT COVERED: real programs, which need Python 3.11 or later; $(PYTHON) is older" >&2; fi

# What systems other than Linux get, compiled and run here so that it does not rot: see docs/reference/platforms.md.
portable: rust
	RUSTFLAGS="--cfg memsight_portable" $(CARGO) test --release --target-dir target/portable -p memsight-target --lib

# Whether Windows and macOS would compile it: not a part of `make test`, since it downloads a compiler.
platforms:
	tools/check_platforms.sh target/platforms

# A part of the truth tests: ON is a part of their names, such as 3.12, classes or frames::3.15.2-static.
truth: rust
	$(CARGO) test --release -p memsight-engine --test truth -- $(ON)

# Each rule of the advisor on code that it must report, and on code that tempts it.
advice: rust
	$(CARGO) test --release -p memsight-advice --test corpus

check: rust $(BIN)/.tools
	$(CARGO) fmt --all --check
	$(CARGO) clippy --release --workspace --all-targets -- -D warnings
	$(CARGO) run --release --quiet -p memsight-xtask -- layers
	$(CARGO) run --release --quiet -p memsight-xtask -- docs --check
	@if ! $(CARGO) deny --version >/dev/null 2>&1; then \
	  echo "cargo-deny is not installed: licences and advisories not checked"; \
	else \
	  set -ex; $(CARGO) deny check bans licenses sources; \
	  if $(CARGO) deny fetch db; then $(CARGO) deny check --disable-fetch advisories; \
	  else echo "the advisory database cannot be reached: advisories not checked"; fi; \
	fi
	$(BIN)/ruff check python benches tools
	$(BIN)/ruff format --check python benches tools
	$(BIN)/mypy python/memsight

# A second Python for benches/run.py: guppy3 is three times as fast on it as on 3.11.
NEWER ?= $(or $(shell command -v python3.13),$(firstword $(wildcard $(HOME)/.pyenv/versions/3.13.*/bin/python)))

# Heaps are measured with the command, figures of processes with the extension. BENCH="--rounds 9 --json FILE" hands
# options on to the first.
# WATCHED=600 shows that the memory of those who watch stays flat.
WATCHED ?= 60
bench: rust $(BIN)/.installed
	$(BIN)/python -m pip install --quiet $(BENCH_PACKAGES)
	$(CARGO) build --profile dist -p memsight-cli --bin memsight
	$(BIN)/python benches/run.py $(BENCH)
	@echo
	$(BIN)/python benches/recorder.py
	@echo
	@if [ -n "$(NEWER)" ]; then \
	  [ -x .venv-bench/bin/python ] || $(NEWER) -m venv .venv-bench; \
	  .venv-bench/bin/python -m pip install --quiet $(BENCH_PACKAGES) && .venv-bench/bin/python benches/run.py $(BENCH); \
	else echo "NOT COVERED: benches/run.py on Python 3.13, which is not found (NEWER=PATH names one)"; fi
	@echo
	$(BIN)/python benches/scale.py
	@echo
	$(BIN)/python benches/pause.py
	@echo
	$(BIN)/python benches/monitor.py
	@echo
	$(BIN)/python benches/gc_watch.py
	@echo
	$(BIN)/python benches/watch.py --seconds $(WATCHED)
	@echo
	$(BIN)/python benches/agent.py --seconds $(WATCHED)

# Stable Rust is enough; the corpus grows in fuzz/corpus-work.
fuzz: rust
	$(CARGO) run --release --manifest-path fuzz/Cargo.toml --target-dir target -- --seconds $(SECONDS_EACH)

docs: rust
	$(CARGO) run --release --quiet -p memsight-xtask -- docs
	$(CARGO) doc --release --no-deps --workspace

wheel: rust $(VENV)/.ready
	$(BIN)/maturin build --profile dist --out dist

# The command with the C library in it, for machines with any, or none. In a folder of its own, since the flags are of
# everything. Places to mend at the start are packed (RELR): a megabyte less than with a record for each. (By --config, and not
# by RUSTFLAGS, they come beside those of .cargo/config.toml.)
STATIC := x86_64-unknown-linux-gnu
STATIC_FLAGS := target.$(STATIC).rustflags=["-Ctarget-feature=+crt-static", "-Clink-arg=-Wl,-z,pack-relative-relocs","--cfg=getrandom_backend=\"linux_getrandom\""]
static: rust
	$(CARGO) build --config '$(STATIC_FLAGS)' --profile static --target $(STATIC) --target-dir target/static \
	  -p memsight-cli --bin memsight
	@mkdir -p dist && cp target/static/$(STATIC)/static/memsight dist/memsight && ls -l dist/memsight

# Not a part of `make test`: the build takes as long as all of that. As root it runs in an empty root directory.
test-static: static python
	$(PYTHON) tools/test_static.py dist/memsight

# Interpreters that this machine lacks. Without a Debian mirror the tests go on and name what they miss.
pythons:
	@if [ -n "$(MEMSIGHT_PYTHONS)" ] || [ -x "$(PYTHONS)/bin/python3.15" ]; then :; \
	else tools/get_pythons.sh "$(PYTHONS)" || echo "tools/get_pythons.sh failed: the tests use the Pythons that are here" >&2; fi

# jemalloc, tcmalloc and mimalloc, which stand in for the C library's malloc in some tests.
allocators:
	@tools/get_allocators.sh "$(ALLOCATORS)" >/dev/null || \
	echo "tools/get_allocators.sh failed: the tests name the allocators that they miss" >&2

$(VENV)/.ready: pyproject.toml $(REPORT_PACKAGES) $(FOREIGN_PACKAGES) | python
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip $(TEST_PACKAGES) -r $(REPORT_PACKAGES)
	@$(BIN)/python -m pip install --quiet --only-binary :all: -r $(FOREIGN_PACKAGES) || \
	echo "NOT COVERED: packages that use psutil, of which one cannot be installed: $(FOREIGN_PACKAGES)" >&2
	@touch $@

$(BIN)/.tools: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet $(CHECK_PACKAGES)
	@touch $@

RUST_SOURCES := $(shell find crates -name '*.rs' -o -name Cargo.toml) Cargo.toml Cargo.lock

# The extension is built in place, so that a change of Python code needs no build.
$(BIN)/.installed: $(VENV)/.ready $(RUST_SOURCES) | rust
	$(BIN)/maturin develop --release --quiet
	@touch $@

clean:
	rm -rf target $(VENV) .venv-bench $(REAL) $(REAL_ROOT) .pythons .allocators dist fuzz/target fuzz/corpus-work
