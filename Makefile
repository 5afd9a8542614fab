# make demo, make test, make check, make bench, make faults, make app, make screenshots. Each makes the environment first, or finds it there.
# MIEN_VENV=DIR uses (or makes) the environment in DIR; PYTHON=... names the interpreter to make it with.
SHELL := /bin/bash
VENV := $(or $(MIEN_VENV),.venv)
BIN := $(VENV)/bin
OUT ?= demo-output
# Tests run in so many processes, a file at a time in each (JOBS=1: one after the other): one for each core, four at most.
JOBS ?= $(shell cores=$$(nproc 2>/dev/null || echo 2); echo $$((cores < 4 ? cores : 4)))
export QT_QPA_PLATFORM ?= $(if $(DISPLAY)$(WAYLAND_DISPLAY),,offscreen)

.PHONY: demo test check bench faults app screenshots env clean help

help:
	@sed -n '1,2s/^# //p' Makefile

env:
	@packaging/environment.sh

demo: env
	@$(BIN)/mien analyze resources/demo/demo.mp4 --library $(OUT)/library.sqlite --out $(OUT) \
	    --export report --export json --export csv --export vtt --export eaf --export textgrid
	@echo "The report to open or mail: $(OUT)/demo-mien.html"

test: env
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile -p no:benchmark $(TESTS)

check: env
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: env
	@$(BIN)/python packaging/bench.py $(TESTS)

faults: env
	@$(BIN)/python -m pytest -q -s -m faults $(or $(TESTS),tests/faults tests/security)

app: env
	@$(BIN)/mien desktop

screenshots: env
	@packaging/screenshots.sh

clean:
	rm -rf $(OUT) build dist .pytest_cache .mypy_cache .ruff_cache
