# Baton. `make help` lists what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help

swift_build := swift build -c release --no-color-diagnostics -Xswiftc -enable-testing
ruff := .venv-langchain/bin/ruff
python_folders := adapters .ci benchmarks examples Tests/python/interop Tests/python/hardening

# Each attack of the soak.
SECONDS_EACH ?= 30

.PHONY: help demo setup build test test-swift test-e2e test-clients test-python test-kill test-sanitize bench-rpc \
  bench-engine soak fuzz sim check generate baseline format clean

help: ## lists the entries
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## runs a real plan through both frameworks and a real model, and swaps the two
	@examples/demo/run.sh

setup: ## installs what this machine lacks: packages, Python environments, a local model
	@deploy/dev/setup.sh

build: ## builds baton (release)
	@deploy/dev/setup.sh system swift
	$(swift_build)

test: setup ## runs every test: Swift, Python, end to end
	@.ci/test.sh

test-swift: setup ## runs the Swift tests
	@.ci/test.sh build swift hardening

test-e2e: setup ## runs the end-to-end tests: real servers, adapters, model, kills
	@.ci/test.sh build e2e

test-clients: setup ## runs the clients in other languages and the tools against a real server
	@.ci/test.sh build clients

test-python: ## runs the tests of the adapters and examples
	@deploy/dev/setup.sh system langchain crewai model
	@.ci/test.sh shared langchain crewai examples

test-kill: ## kills the server at every boundary of its SQLite store; AT=n for one
	@deploy/dev/setup.sh system swift langchain
	@.ci/test-kill.sh $(if $(AT),--at $(AT))

test-sanitize: ## runs the Swift tests under the thread and the address sanitizer, each in its own build
	@deploy/dev/setup.sh
	@.ci/test-sanitize.sh

bench-engine: ## compares the engine with LangGraph, DBOS and a plain SQLite commit
	@deploy/dev/setup.sh system swift langchain peers
	@python3 benchmarks/engine/bench.py

soak: ## attacks a server for long, SECONDS_EACH=30: memory, and what a healthy client notices
	@deploy/dev/setup.sh system swift
	$(swift_build) --product interop-server
	@cd Tests/python && python3 -m hardening.soak --seconds $(SECONDS_EACH) \
	  --server "$$(cd ../.. && $(swift_build) --show-bin-path)/interop-server"

fuzz: ## fuzzes what reads a peer's bytes, SECONDS=600 each; TARGET=messages for one alone
	@deploy/dev/setup.sh system swift
	@SECONDS_EACH=$(or $(SECONDS),600) .ci/fuzz.sh $(TARGET)

sim: ## simulates the orchestrator under faults; SEED=n replays one, SEEDS=10000 STEPS=1000 STORE=memory
	@deploy/dev/setup.sh system swift
	@$(swift_build) --product baton-sim
	@"$$($(swift_build) --show-bin-path)/baton-sim" FILE=Tests/Simulation/seeds.txt SEED=$(SEED) \
	  MIX=$(MIX) MUTANT=$(MUTANT) SEEDS=$(SEEDS) STEPS=$(STEPS) STORE=$(STORE) MIXES=$(MIXES) \
	  COMPARED=$(COMPARED)

bench-rpc: ## compares the RPC boundary with nghttpd, grpc C++, grpc-swift-2 and swift-protobuf
	@deploy/dev/setup.sh system bench swift
	@python3 benchmarks/rpc/bench.py

check: ## linting, formatting, types, import directions, proto, generated code, secrets, links
	@deploy/dev/setup.sh system swift langchain crewai
	@.ci/check.sh

generate: ## generates messages, stubs and docs/api.md from proto/
	@deploy/dev/setup.sh system swift langchain
	$(swift_build) --product protoc-gen-baton-swift
	PROTOC_GEN_BATON_SWIFT="$$($(swift_build) --show-bin-path)/protoc-gen-baton-swift" codegen/generate.sh
	adapters/generate.sh
	Tests/python/interop/generate.sh

baseline: ## takes proto/ as it is now as what `make check` compares later changes with
	@deploy/dev/setup.sh langchain
	.venv-langchain/bin/python .ci/check/protos.py --renew

format: ## formats Swift and Python
	@deploy/dev/setup.sh swift langchain
	git ls-files --cached --others --exclude-standard -z '*.swift' \
	  | xargs -0 swift format --in-place --parallel --configuration .swift-format
	$(ruff) check --quiet --fix --select I $(python_folders)
	$(ruff) format --quiet --exclude '*.md' $(python_folders)

clean: ## removes what building and testing left; the environments stay
	rm -rf .build .build-bench .build-bench-engine .build-fuzz .build-tsan .build-asan .cache dist demo
	find . -path './.venv*' -prune -o -type d \( -name __pycache__ -o -name '.*_cache' \) -print0 \
	  | xargs -0 rm -rf
