# make demo   sets everything up and runs the main job        make wheel   a wheel that carries its FFmpeg
# make test   sets everything up and runs the tests           make lint    formats, lints, types
# make setup  system packages, FFmpeg, .venv, harkit in it    make bench   harkit beside its peers
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FFMPEG := $(CURDIR)/target/ffmpeg
RUST_SOURCES := $(shell find src -name '*.rs') Cargo.toml Cargo.lock .cargo/config.toml

.PHONY: setup demo test lint wheel bench clean
.DELETE_ON_ERROR:

setup: $(VENV)/harkit-built

# The environment, with what builds, tests and lint need.
$(VENV)/installed: pyproject.toml
	.ci/system-packages
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/pip install --quiet --group test --group lint
	touch $@

# harkit in it, built in release mode; Python files are read from python/ as they are.
$(VENV)/harkit-built: $(VENV)/installed $(RUST_SOURCES)
	.ci/ffmpeg $(FFMPEG)
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/maturin develop --release --quiet
	touch $@
