# One entry point. Every target does its own set-up in .venv and target/, from nothing but
# Python >= 3.11, a Rust toolchain >= 1.89 and make; what did not change is not done again.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-rust test-python check bench cost ezkl srs classgroup lock clean tools

VENV   := .venv
BIN    := $(VENV)/bin
STAMPS := $(VENV)/stamps
OUT    ?= runs/demo
# The first interpreter that is new enough; `make PYTHON=/path/to/python` overrides.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
PIP    := $(BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes
NATIVE := Cargo.toml Cargo.lock pyproject.toml _escapement.pyi \
	$(shell find circuits ivc/native vdf/native/src vdf/native/Cargo.toml bindings -name '*.rs' -o -name Cargo.toml)
BROWSERS := chromium chromium-browser google-chrome
EXTRAS := test lint export classgroup bench ezkl srs

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F '\t' '{ printf "  make %-12s %s\n", $$1, $$2 }'

demo: $(STAMPS)/native ## train, delay, prove and verify the digits model (about 6 minutes after the build)
	$(BIN)/escapement demo --out $(OUT)

test: test-rust test-python ## every test of both languages (the first time it fetches torch and ezkl, about 2.5 GB on Linux)

test-rust: $(STAMPS)/native
	cargo test --workspace --locked

test-python: $(STAMPS)/native $(STAMPS)/test $(STAMPS)/ezkl $(STAMPS)/bench $(STAMPS)/classgroup $(STAMPS)/browser test-rust
	$(BIN)/python -m pytest

check: $(STAMPS)/native $(STAMPS)/test $(STAMPS)/lint ## format, lint, types and stubs of both languages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest _escapement
	cargo fmt --all --check
	cargo clippy --release --workspace --all-targets --locked -- -D warnings

bench: $(STAMPS)/native $(STAMPS)/bench $(STAMPS)/ezkl $(STAMPS)/classgroup ## measure all figures into benchmarks/results/ and docs/
	$(BIN)/python benchmarks/step.py --docs
	$(BIN)/python benchmarks/cost.py --docs
	$(BIN)/python benchmarks/delays.py --docs
	$(BIN)/python benchmarks/segment.py --docs

cost: $(STAMPS)/native $(STAMPS)/bench $(STAMPS)/ezkl ## measure what proving training costs here, ezkl included (half an hour; it resumes)
	$(BIN)/escapement bench --out runs/cost --resume

ezkl: $(STAMPS)/native $(STAMPS)/ezkl ## add the peer prover, for --prover ezkl (with torch, about 2.5 GB on Linux)

srs: $(STAMPS)/native $(STAMPS)/srs ## add py_ecc, which checks powers-of-tau and KZG files

classgroup: $(STAMPS)/native $(STAMPS)/classgroup ## add delays in class groups, for policies that name class-1024

lock: requirements/build.in pyproject.toml ## renew the hash-pinned requirements (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv: pip install uv"; exit 4; }
	uv pip compile requirements/build.in $(UV) -o requirements/build.txt
	uv pip compile pyproject.toml $(UV) -o requirements/base.txt
	for extra in $(EXTRAS); do uv pip compile pyproject.toml --extra $$extra -c requirements/base.txt \
		$(UV) -o requirements/$$extra.txt || exit; done

clean: ## remove everything built; runs/ stays
	rm -rf target $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

UV := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --quiet \
	--custom-compile-command "make lock"

# --- set-up ---------------------------------------------------------------------------------------

tools:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer was not found: install it, or name it with make PYTHON=/path/to/python"; exit 4; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "$(PYTHON) has no venv module: install it (Debian, Ubuntu: apt install python3-venv)"; exit 4; }
	@command -v cargo >/dev/null && command -v rustc >/dev/null \
		|| { echo "A Rust toolchain was not found: install Rust 1.89 or newer with rustup, and have cargo on PATH"; exit 4; }
	@rustc --version | awk '{ split($$2, v, "."); exit !(v[1] > 1 || v[2] >= 89) }' \
		|| { echo "Rust 1.89 or newer is needed, this is `rustc --version`: run rustup update"; exit 4; }
	@command -v cc >/dev/null \
		|| { echo "cc was not found, Rust links with it: install a C compiler (Debian, Ubuntu: apt install gcc libc6-dev)"; exit 4; }

$(STAMPS)/venv: | tools
	@echo "Making $(VENV) with `$(PYTHON) --version`"
	$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/%: requirements/%.txt $(STAMPS)/venv
	@echo "Installing requirements/$*.txt, hashes checked"
	$(PIP) -r $<
	@touch $@

# Only the test of the study's page needs a browser; without one it is skipped, and says so.
$(STAMPS)/browser: | $(STAMPS)/venv
	@for name in $(BROWSERS); do command -v $$name >/dev/null && exit; done; \
	if test "`id -u`" = 0 && command -v apt-get >/dev/null; then \
		echo "Installing Chromium" \
			&& apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium >/dev/null; \
	else false; fi || echo "No Chromium was found: the test of the study's page in a browser will be skipped"
	@touch $@

# The release build is the one that ships; the tests of the crates are built by their own profile.
$(STAMPS)/native: $(NATIVE) $(STAMPS)/base $(STAMPS)/build | tools
	@echo "Building the native module (some minutes the first time)"
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/maturin develop --release --locked
	@touch $@
