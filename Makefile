# Every target installs what it lacks (Debian, as root) or says what is missing; `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## build everything, start the container, send queries through a real driver, stop
	@scripts/demo

.PHONY: test
test: ## every test: lint, unit, properties, real processes, real drivers, real containers
	@scripts/test

.PHONY: lint
lint: ## formatting, clippy, documentation, licences and advisories
	@scripts/lint

.PHONY: image
image: ## the production image; without a registry, the evaluation image under its own tag
	@scripts/image auto

.PHONY: image-gate
image-gate: ## mallku-db:gate, the binary and schemas alone
	@scripts/image gate

.PHONY: image-eval
image-eval: ## mallku-db:eval, with the evaluation database
	@scripts/image eval

.PHONY: binary
binary: ## the static binary, dist/mallku-db
	@scripts/build-static

.PHONY: run
run: ## the container's processes without a container, on 127.0.0.1:7474, until Ctrl-C
	@scripts/run

.PHONY: bench
bench: ## the benchmarks; ratios to their peers in the same run
	@scripts/bench

.PHONY: fuzz
fuzz: ## fuzz parser and judge, FUZZ_SECONDS each (default 600)
	@scripts/fuzz

.PHONY: clean
clean: ## remove what was built here
	@rm -rf target dist fuzz/target
