PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.set-up

.PHONY: setup demo test test-slow test-vllm format clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable ".[dev]"
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps "musicnn==0.1.0"
	touch $(STAMP)

demo: setup
	$(BIN)/n2m demo

test: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

test-slow: setup
	$(BIN)/python -m pytest -m slow

# VLLM: the interpreter of an environment that has vLLM (docs/llm.md).
test-vllm: setup
	N2M_VLLM_PYTHON="$(VLLM)" $(BIN)/python -m pytest -m vllm tests/vllm

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build *.egg-info
