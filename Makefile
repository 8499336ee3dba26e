# Crates are always built for the whole workspace: one set of features, so that the heavy ones are built once.
# Every target works from a fresh clone; what it needs beyond Rust and Terraform it installs below tests/.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

CARGO ?= cargo
TERRAFORM ?= terraform
PYTHON ?= python3
VENV := tests/.venv
TARGET := $(or $(CARGO_TARGET_DIR),target)
PLUGINS ?= $(or $(TF_PLUGIN_DIR),$(HOME)/.terraform.d/plugins)
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
ARCH := $(shell uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')
OS := $(shell uname -s | tr '[:upper:]' '[:lower:]')

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | sort | column -t -s $$'\t'

.PHONY: build
build: ## Build everything (debug)
	$(CARGO) build --locked --workspace --bins

.PHONY: demo
demo: prerequisites build ## One ML environment on a local AWS, one on a local Google Cloud: plan, check, apply, plan again, destroy
	MLOPS_BINARIES=$(abspath $(TARGET))/debug $(TARGET)/debug/demo

.PHONY: sandbox
sandbox: ## Local AWS and Google Cloud on loopback; ARGS="--port 4566 --state folder" (--help lists more)
	$(CARGO) run --locked --quiet -p mlops-sandbox -- $(ARGS)

# Laws on random input are held on the same input every time here, so that a red gate is the change's doing; `make properties` explores.
.PHONY: test
test: export PROPTEST_RNG_SEED ?= 20260801
test: prerequisites python lint venv linters ## Everything that CI runs
	$(CARGO) test --locked --workspace --no-run
	MLOPS_BINARIES=$(abspath $(TARGET))/debug $(CARGO) test --locked --workspace --no-fail-fast

.PHONY: lint
lint: ## Formatting and clippy with warnings denied
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

.PHONY: unit
unit: ## The inner loop: unit tests of the pure crates
	$(CARGO) test --locked -p mlops-access -p mlops-environment -p tfplugin --lib

ROUNDS ?= 20
.PHONY: properties
properties: ## The laws on new random input, ROUNDS (20) times; a failure prints the input and is kept beside the test
	$(CARGO) test --locked -p mlops-access -p mlops-environment -p tfplugin -p tfplan-check --no-run
	for round in $$(seq $(ROUNDS)); do \
	  $(CARGO) test --locked --quiet -p mlops-access -p mlops-environment -p tfplugin -p tfplan-check || exit 1; \
	done

.PHONY: bench
bench: ## What all this costs beside what people use today: tables, also in docs/benchmarks.md (release builds first); PARTS="lives plans" takes parts
	$(CARGO) build --locked --release -p terraform-provider-mlops
	$(CARGO) build --locked --release -p tfplan-check --bins --example generate-plan --example budget
	MLOPS_BINARIES=$(abspath $(TARGET))/release $(CARGO) bench --locked -p mlops-e2e --bench compare -- $(PARTS)

.PHONY: bench-pure
bench-pure: ## Micro-benchmarks of the pure parts
	$(CARGO) bench --locked -p mlops-access -p tfplan-check

.PHONY: docs
docs: ## Render the Registry's pages, the pages of the rules and the modules' tables from their sources
	UPDATE_DOCS=1 $(CARGO) test --locked --workspace --test docs --test pages
	UPDATE_DOCS=1 $(CARGO) test --locked --workspace --test examples readmes

# Static binaries: musl on Linux; elsewhere what the platform's own system libraries are. musl needs `rustup target add` and a C compiler.
DIST_TARGET ?= $(shell rustc -vV | sed -n 's/^host: //p' | sed 's/-linux-gnu$$/-linux-musl/')
DIST_PACKAGES ?= terraform-provider-mlops tfplan-check
.PHONY: dist
dist: python ## Zips, sums and bills of materials for one platform (DIST_TARGET, DIST_PACKAGES) in dist/, named as the Registry wants
	tests/dist "$(DIST_TARGET)" "$(VERSION)" $(DIST_PACKAGES)

.PHONY: soak
soak: ## Strike every write of an environment's life (refused, answer lost, killed) and apply again: long; MLOPS_SOAK=gcp/create,aws/destroy takes a part, MLOPS_SOAK_MINUTES=30 stops then, MLOPS_SOAK_SLICE=3/7 tries every seventh from the third, MLOPS_SOAK_HANDS=4 tries four at a time
	$(CARGO) build --locked --workspace --bins
	MLOPS_SOAK=$${MLOPS_SOAK:-all} MLOPS_BINARIES=$(abspath $(TARGET))/debug $(CARGO) test --locked --workspace --test soak -- --nocapture

FUZZ_SECONDS ?= 60
FUZZ_CRATES := provider/access provider/tfplugin validator
FUZZ_TARGETS ?= $(notdir $(basename $(foreach crate,$(FUZZ_CRATES),$(wildcard $(crate)/fuzz/fuzz_targets/*.rs))))
# Plans and sources of the tests are seeds, too.
FUZZ_FIXTURES := $(abspath tests/fixtures)
.PHONY: fuzz
fuzz: ## Fuzz what reads input from outside, each target for FUZZ_SECONDS (60); FUZZ_TARGETS="cel source" takes some
	@$(CARGO) fuzz --version >/dev/null 2>&1 || { echo "cargo-fuzz is missing: cargo install cargo-fuzz"; exit 1; }
	@for target in $(FUZZ_TARGETS); do \
	  crate=; for c in $(FUZZ_CRATES); do [ ! -f $$c/fuzz/fuzz_targets/$$target.rs ] || crate=$$c; done; \
	  [ -n "$$crate" ] || { echo "no fuzz target $$target: one of $(sort $(notdir $(basename $(foreach crate,$(FUZZ_CRATES),$(wildcard $(crate)/fuzz/fuzz_targets/*.rs)))))"; exit 1; }; \
	  seeds=; case $$target in plan_json|source) seeds=$(FUZZ_FIXTURES);; esac; \
	  echo "== $$target ($$crate)"; mkdir -p $$crate/fuzz/corpus/$$target; \
	  ( cd $$crate && RUSTC_BOOTSTRAP=1 $(CARGO) fuzz run --sanitizer none $$target fuzz/corpus/$$target fuzz/seeds/$$target $$seeds -- \
	    -max_total_time=$(FUZZ_SECONDS) -timeout=60 -max_len=16384 -rss_limit_mb=2048 -print_final_stats=1 ) || exit 1; \
	done

.PHONY: install
install: ## Install the provider into the local plugin directory and tfplan-check into Cargo's bin
	$(CARGO) build --locked --release -p terraform-provider-mlops
	install -D -m 755 $(TARGET)/release/terraform-provider-mlops \
	  $(PLUGINS)/registry.terraform.io/mlops/mlops/$(VERSION)/$(OS)_$(ARCH)/terraform-provider-mlops_v$(VERSION)
	$(CARGO) install --locked --path validator
	@echo "installed: terraform init finds mlops/mlops $(VERSION) in $(PLUGINS)"

# Python that others wrote: the AWS emulator moto, and Google's client, which looks at what our sandbox does.
.PHONY: venv
venv: $(VENV)/.installed
$(VENV)/.installed: tests/moto/requirements.txt tests/sandbox/clients/requirements.txt
	$(PYTHON) -m venv $(VENV) || { echo "python3 with venv is needed for moto and the clients (Debian: apt-get install python3-venv)"; exit 1; }
	$(VENV)/bin/pip install --quiet --require-hashes -r tests/moto/requirements.txt -r tests/sandbox/clients/requirements.txt
	touch $@

# Linters of others, for the files that users put into their CI.
LINTERS := tests/lint/.venv
.PHONY: linters
linters: $(LINTERS)/.installed
$(LINTERS)/.installed: tests/lint/requirements.txt
	$(PYTHON) -m venv $(LINTERS) || { echo "python3 with venv is needed for the linters (Debian: apt-get install python3-venv)"; exit 1; }
	@# Without them the tests that use them say what they skipped: a platform that a linter has no wheel for can still be tested on.
	$(LINTERS)/bin/pip install --quiet --require-hashes -r $< && touch $@ || echo "some linters cannot be installed here: their tests will say what they skip"

.PHONY: prerequisites
prerequisites:
	@command -v $(CARGO) >/dev/null || { echo "Rust is missing: https://rustup.rs installs it"; exit 1; }
	@command -v $(TERRAFORM) >/dev/null || { echo "Terraform 1.8 or later is missing: https://developer.hashicorp.com/terraform/install"; exit 1; }

.PHONY: python
python:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.9 or later is missing (tests put clients and an emulator of others beside the sandbox): https://www.python.org/downloads"; exit 1; }

.PHONY: clean
clean: ## Remove what was built
	$(CARGO) clean
	rm -rf $(VENV) $(LINTERS)
