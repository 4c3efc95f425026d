# make demo   sets everything up and runs the main job       make wheel        a wheel that carries its FFmpeg, in dist/
# make test   sets everything up and runs the tests          make check-wheel  proves it where there is no FFmpeg
# make lint   formats, lints, types, links of the docs       make bench        harkit beside its peers
# make setup  system packages, FFmpeg, .venv, harkit in it   make notices      LICENSES/crates.txt anew
#
# The environment variables HARKIT_DATA and HARKIT_WEIGHTS name folders of real videos and of weights;
# the demo and the tests use them when they are set, and need neither.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FFMPEG := $(CURDIR)/target/ffmpeg
RUST_SOURCES := $(shell find src -name '*.rs') Cargo.toml Cargo.lock .cargo/config.toml
PYTHON_SOURCES := $(shell find python -name '*.py' -o -name '*.pyi')

.PHONY: setup demo test lint wheel check-wheel bench notices clean
.DELETE_ON_ERROR:

setup: $(VENV)/harkit-built

demo: setup
	$(BIN)/harkit demo

# In release mode, so that the dependencies built for the extension serve the Rust tests too.
test: setup
	cargo test --release --quiet
	$(BIN)/python -m pytest

lint: setup
	cargo fmt --check
	cargo clippy --release --all-targets --features python --quiet -- -D warnings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/house/test_docs.py

wheel: target/wheel-built

check-wheel: wheel
	.ci/check-wheel dist/*.whl

# Kernels by themselves, then harkit beside its peers, which have an environment of their own.
bench: setup
	test -x .venv-bench/bin/pip || $(PYTHON) -m venv .venv-bench
	.venv-bench/bin/pip install --quiet -r benches/compare/requirements.txt
	PYTHONPATH=$(CURDIR)/python .venv-bench/bin/python benches/compare/run.py

notices: setup
	.ci/notices > LICENSES/crates.txt

clean:
	rm -rf target $(VENV) .venv-bench out dist python/harkit/_core.abi3.so

# The environment, with what builds, tests and lint need.
$(VENV)/installed: pyproject.toml
	@command -v cargo > /dev/null || { echo "harkit: needs Rust 1.89 or newer, see https://rustup.rs" >&2; exit 1; }
	.ci/system-packages
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/pip install --quiet --group test --group lint
	touch $@

# harkit in it, built in release mode; Python files are read from python/ as they are.
$(VENV)/harkit-built: $(VENV)/installed $(RUST_SOURCES)
	.ci/ffmpeg $(FFMPEG)
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/maturin develop --release --quiet
	touch $@

# Whole-program optimisation: several minutes. One wheel serves every Python from 3.10 on (abi3).
target/wheel-built: $(VENV)/installed $(RUST_SOURCES) $(PYTHON_SOURCES) README.md LICENSE LICENSES/crates.txt
	.ci/ffmpeg $(FFMPEG)
	rm -rf dist
	$(BIN)/maturin build --profile wheel --out dist
	touch $@
