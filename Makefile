# Two commands do all the set-up on a machine with python3 and make: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

.PHONY: demo test check bench proofs lock clean

demo: $(READY)
	$(BIN)/igfstrat demo --out demo_out --force

test: $(READY)
	$(BIN)/pytest -q -n logical --maxprocesses 4

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python -m benchmarks

proofs: $(READY)
	$(BIN)/python -m tests.proofs

# hashes pin every byte; setuptools comes first because one source package is built with it
$(READY): requirements/dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "igfstrat needs Python 3.11 or later; choose one with: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	$(PYTHON) -m venv .venv
	grep -A 3 '^setuptools==' requirements/dev.txt > .venv/first.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r .venv/first.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-build-isolation -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(READY)

lock:
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install --quiet pip-tools
	.venv-lock/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --extra dev \
		--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options \
		--output-file requirements/dev.txt pyproject.toml
	rm -rf .venv-lock

clean:
	rm -rf .venv demo_out .pytest_cache .mypy_cache .ruff_cache .hypothesis
