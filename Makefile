# Two commands for a newcomer: `make demo` and `make test`. What each target does stands in tools/, one small script each.
SHELL := /bin/sh
.DEFAULT_GOAL := help
RUN = . tools/env.sh;
export AI_STACK_ROOT := $(CURDIR)

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

tools: ## install what the other targets need (Debian 12 or 13, root or sudo)
	@sh tools/install.sh

build: tools ## the tarball by galaxy.yml's allow-list, installed into the cache when sources changed
	@sh tools/build.sh

install: build ## the same as build

demo: build ## lab up, plan with refusals, deploy, verify; prints where the pages are
	@sh tools/demo.sh

test: build ## everything that a change must pass; without caches seventy minutes on two cores
	@$(RUN) python tools/stages.py test

test-quick: build ## lint, unit and shape tests, under 3 minutes
	@$(RUN) python tools/stages.py quick

test-long: build ## what is too slow for every change: the other ansible-core, full module builds, kills
	@$(RUN) python tools/stages.py long

bench: build ## figures, as ratios within one run
	@$(RUN) python tests/bench/run.py

lint: build ## ansible-lint, yamllint, ruff, shellcheck
	@for check in shellcheck yamllint ruff ansible-lint; do tools/check.sh $$check || exit 1; done

sanity: build ## ansible-test sanity on a copy of the installed copy
	@tools/check.sh sanity

unit: tools ## unit tests of plugins and roles
	@tools/check.sh $@

shape: tools ## the rules of the house, as tests
	@tools/check.sh $@

oracle: tools ## published Nova of the oldest, Debian's and the newest series judges what the core writes and accepts
	@tools/check.sh $@

rules-bite: tools ## take each enforced rule out of the register; its test must go red
	@tools/check.sh $@

docs: tools ## write the generated pages: docs/rules.md, support.md, intent.md, intent.schema.json, parts of README.md
	@$(RUN) python tools/docs.py

lab: build ## the lab's hosts, up
	@tools/lab.sh up

lab-down: build ## and away, with everything that it made
	@tools/lab.sh down

clean: ## the built copy and the logs; the tools stay
	@$(RUN) rm -rf "$$AI_STACK_CACHE/collections" "$$AI_STACK_CACHE/tarball" "$$AI_STACK_CACHE/sanity" "$$AI_STACK_CACHE/logs" "$$AI_STACK_CACHE/src"

.PHONY: help tools build install demo test test-quick test-long bench lint sanity unit shape oracle rules-bite docs lab lab-down clean
