# `make demo` and `make test` need nothing but Python 3.11 or later. Running needs less than testing:
# $(VENV)/installed is what users have, $(VENV)/dev what contributors have besides.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-targets lint docs bench discovery clean

demo: $(VENV)/installed
	$(BIN)/shoal compile reverse
	@echo
	$(BIN)/shoal run reverse a b c d
	@echo
	$(BIN)/shoal view reverse
	@echo
	@printf '%s\n' $(NEXT)

# What to try next, a line each.
NEXT := 'next:' \
	'  open reverse.html in a browser              the model: it runs there, value by value' \
	'  $(BIN)/shoal explain reverse             what each half-layer does' \
	'  $(BIN)/shoal run sort 3 1 2              another stock program; shoal --help lists them' \
	'  $(BIN)/shoal compile my_program.py:name  your own; shoal compile --help shows one'

test: $(VENV)/dev
	$(BIN)/python -m pytest --ignore=tests/mutants

# What needs the extras, and the planted faults, which are tests of the tests.
test-targets: $(VENV)/targets
	$(BIN)/python -m pytest tests/targets tests/examples tests/documents tests/browser tests/mutants \
		tests/analysis/corpora tests/analysis/engine tests/analysis/lab/methods tests/analysis/lab/realism \
		tests/analysis/lab/transplants tests/benchmarks/test_transplants.py

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The pages of docs/ as a site, in site/index.html; any warning is an error.
docs: $(VENV)/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	$(BIN)/shoal view reverse --max-seq-len 5 --output site/reverse-model.html

bench: $(VENV)/targets
	$(BIN)/python -m benchmarks.document

# Methods of others on the cases of the laboratory, in an environment of their own. auto-circuit needs TransformerLens 2,
# which runs with NumPy 2, though its metadata say otherwise. Models are so small that threads of PyTorch wait for each other.
discovery: $(VENV)-discovery/installed
	OMP_NUM_THREADS=1 $(VENV)-discovery/bin/python -m benchmarks.circuit_discovery --seeds 3
	OMP_NUM_THREADS=1 $(VENV)-discovery/bin/python -m benchmarks.autoencoders

$(VENV)/installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Shoal needs Python 3.11 or later; try make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/dev: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

# PyTorch first, in its CPU build where the index has one: other packages would take one for CUDA.
$(VENV)/targets: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test-targets]'
	touch $@

$(VENV)-discovery/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)-discovery
	$(VENV)-discovery/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(VENV)-discovery/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[discovery]'
	$(VENV)-discovery/bin/python -m pip install --quiet --disable-pip-version-check --no-deps transformer-lens==2.18.0
	touch $@

$(VENV)/docs: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	touch $@

clean:
	rm -rf $(VENV) $(VENV)-discovery site
