# Everything sets itself up: a virtual environment in .venv, the CPU build of PyTorch, the program. Stamp files make
# the second run quick.

PYTHON ?= python3
TORCH := 2.13.0
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
export PATH := $(PATH):/usr/sbin:/sbin# the mail servers are there, and not in everybody's PATH

.PHONY: demo test crash box hostile letters mailpath deliver_mailpath lint fix fast bench docs clean

demo: $(VENV)/.installed
	@$(BIN)/aggregator demo --folder demo

test: $(VENV)/.developing
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

# The long runs, each against something real: kill -9 at random moments, the small internet, a true mail path, feeds
# that want to do harm, a browser.
crash deliver_mailpath: $(VENV)/.developing
	$(BIN)/python -m pytest -m slow tests/test_$@*.py

box: $(VENV)/.developing
	$(BIN)/python -m pytest -m slow tests/test_box*.py tests/test_sources_oai.py tests/test_rank_learning.py

mailpath: deliver_mailpath
	$(BIN)/python -m pytest -m slow tests/test_sources_mailbox.py

hostile: $(VENV)/.developing
	$(BIN)/python -m pytest -m slow tests/test_sources_feed_worker.py

letters: $(VENV)/.developing
	$(BIN)/python -m pytest -m slow tests/test_render_browser.py

lint: $(VENV)/.developing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: $(VENV)/.developing
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# With the extra that computes vectors in int8.
fast: $(VENV)/.fast
	$(BIN)/python -m pytest tests/test_embed*.py

bench: $(VENV)/.fast
	$(BIN)/python -m bench

docs: $(VENV)/.developing
	$(BIN)/python -m tests.write_docs

clean:
	rm -rf $(VENV) demo build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(VENV)/.created:
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade "pip>=25.1"
	@touch $@

# A bare `torch` brings gigabytes of CUDA on Linux. PyTorch's own index has the CPU build; where it cannot be reached
# within five seconds, the version is taken from wherever pip finds it.
$(VENV)/.torch: $(VENV)/.created
	$(PIP) install --retries 0 --timeout 5 --index-url https://download.pytorch.org/whl/cpu torch==$(TORCH) 2>/dev/null \
	  || $(PIP) install torch==$(TORCH)
	@touch $@

$(VENV)/.installed: $(VENV)/.torch pyproject.toml
	$(PIP) install -e .
	@touch $@

$(VENV)/.developing: $(VENV)/.installed
	$(PIP) install --group dev
	# The compose schema, which is published in this package; the program in it is neither used nor usable here.
	$(PIP) install --no-deps --upgrade --target $(VENV)/compose-schema docker-compose==1.29.2
	@touch $@

$(VENV)/.fast: $(VENV)/.developing
	$(PIP) install -e ".[fast]"
	@touch $@
