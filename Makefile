# make demo   environment, install, train on the embedded sample, score it, draw pictures
# make test   environment, install, style and types, tests
VENV ?= .venv
PYTHON ?= python3
RUN := $(VENV)/bin/python
INSTALL := $(VENV)/bin/pip install --quiet --constraint requirements.lock

.PHONY: demo test check clean

demo: $(VENV)/installed
	$(RUN) train.py experiment=demo
	$(RUN) eval.py dataset=sample baseline=true checkpoint=results/demo/demo.safetensors output=results/demo
	$(RUN) predict.py input=data/sample/test/images checkpoint=results/demo/demo.safetensors output=maps/demo overwrite=true
	$(RUN) -m salient.report data/sample/test/images data/sample/test/masks maps/demo results/demo/pictures.png

test: check
	$(RUN) -m pytest

check: $(VENV)/installed-dev
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

$(VENV)/installed: requirements.txt requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) -r requirements.txt
	touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.txt requirements-export.txt
	$(INSTALL) -r requirements-dev.txt
	touch $@

clean:
	rm -rf runs results maps data/sample
