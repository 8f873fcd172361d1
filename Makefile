# make demo   environment, install, train on the embedded sample, score it, draw pictures
# make test   environment, install, style and types, the site, tests
# make docs   the documentation site, in site/; fails on a dead link
# make soak   an hour of attacks, damage, nonsense, kills and bad luck; prints what they came to
# make clean  remove what tools leave behind; runs, results, maps, checkpoints and data stay
VENV ?= .venv
PYTHON ?= python3
RUN := $(VENV)/bin/python
PIP := $(VENV)/bin/pip install --quiet --disable-pip-version-check

.PHONY: demo test check docs soak clean

demo: $(VENV)/installed
	$(RUN) train.py experiment=demo
	$(RUN) eval.py dataset=sample baseline=true checkpoint=results/demo/demo.safetensors output=results/demo save_maps=true
	$(RUN) -m salient strip dataset=sample predictions=results/demo/maps output=results/demo/pictures.png
	@echo "look at results/demo/report.html in a browser"

test: check docs
	$(RUN) -m pytest

check: $(VENV)/installed-oracle
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

docs: $(VENV)/installed
	$(RUN) -m zensical build --strict --clean

soak: $(VENV)/installed
	$(RUN) -m tests.soak

$(VENV)/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) -r requirements.lock
	$(PIP) --no-deps --editable .
	touch $@

$(VENV)/installed-oracle: $(VENV)/installed tests/oracle/requirements.lock
	$(PIP) --no-deps -r tests/oracle/requirements.lock
	touch $@

clean:
	rm -rf build dist site .cache *.egg-info .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
