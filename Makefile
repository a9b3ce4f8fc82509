PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.set-up
DOCS := $(VENV)/.docs
FILES := $(VENV)/.files
ROOMS := core evaluation examples flows labeling models pipelines src synth

.PHONY: FORCE setup demo test test-slow test-s3 test-vllm s3-server docs format clean

setup: $(STAMP)

# The editable install is a tree of links to files (strict, so that mypy sees it too): made again when a file comes, goes or moves.
$(FILES): FORCE
	@mkdir -p $(VENV)
	@find $(ROOMS) -type f ! -name '*.pyc' | LC_ALL=C sort > $(FILES).now
	@cmp -s $(FILES).now $(FILES) || cp $(FILES).now $(FILES)

FORCE:

$(STAMP): pyproject.toml constraints.txt $(FILES)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt \
	  --config-settings editable_mode=strict --reinstall-package noise2music --editable ".[dev]"
	$(BIN)/n2m setup
	touch $(STAMP)

demo: setup
	$(BIN)/n2m demo

# versitygw, built by Go into .tools where it is on PATH; the S3 tests are skipped, with the reason, where there is none.
s3-server: setup
	$(BIN)/python -m tests.s3_server

test: setup s3-server
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

test-slow: setup s3-server
	$(BIN)/python -m pytest -m slow

# All S3 tests, the slow ones too; a missing server is an error here.
test-s3: setup
	$(BIN)/python -m tests.s3_server --required
	$(BIN)/python -m pytest -m s3

# VLLM: the interpreter of an environment that has vLLM (docs/llm.md).
test-vllm: setup
	N2M_VLLM_PYTHON="$(VLLM)" $(BIN)/python -m pytest -m vllm tests/vllm

# The site in build/site. Once the packages are there no network is needed.
$(DOCS): pyproject.toml constraints.txt $(STAMP)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --requirements pyproject.toml --extra docs
	touch $(DOCS)

docs: $(DOCS)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .tools build *.egg-info
