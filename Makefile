# Two commands do everything: `make run` and `make test`. `make help` lists the rest.
PYTHON ?= python3.11
BIN := .venv/bin
READY := .venv/.ready
PEERS_READY := .venv-peers/.ready
BENCH_READY := .venv-bench/.ready
SCALE_READY := .venv-scale/.ready
OBSERVABILITY_READY := .venv-observability/.ready
CHART_READY := .venv-chart/.ready
CLIENTS_READY := .venv-clients/.ready
NODE_READY := clients/typescript/node_modules/.package-lock.json

# Where this is set, as in many images, each pytest would redo the rewriting of assertions in every test and plugin: 7 s a process.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run demo-live check unit test test-faults fuzz test-reality test-compose test-scale bench bench-live bench-scale bench-pipeline measure-mood measure-worlds mutants lock protos settings peers microlens-is-given test-observability test-page test-chart test-wheel test-clients client-protos node-is-there

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

$(READY): requirements.txt pyproject.toml
	@echo "Setting up .venv (a few minutes the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@# torch first and alone: with the bare pin pip takes a CPU build where it finds one.
	$(BIN)/pip install --disable-pip-version-check $$(grep '^torch==' requirements.txt)
	$(BIN)/pip install --disable-pip-version-check -r requirements.txt
	$(BIN)/pip install --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

run: $(READY) ## make a bundle if there is none, start the three processes, show feeds
	@$(BIN)/moodfeed run

demo-live: $(READY) ## show how a stranger becomes known within three likes, on the running product or on one of its own
	@$(BIN)/python -m scripts.demo_live

check: $(READY) ## lint, format and types; seconds once mypy's cache is warm
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The tests that load no torch and start no process of the product; tests/house holds them to it.
UNIT := $(wildcard tests/bundle tests/compute tests/gateway tests/golden tests/house tests/post_index_service tests/rpc tests/shards) \
    tests/sample_api/test_world.py tests/scripts/test_write_settings.py tests/two_tower/test_features.py \
    tests/two_tower/test_words.py

unit: $(READY) ## the tests that need no torch, about a minute, in two processes
	@# Without the test that make test holds the list by: --without-torch holds every test to it.
	$(BIN)/pytest --numprocesses 2 --dist loadfile -p no:schemathesis --without-torch \
	    --ignore tests/house/test_unit_tests.py $(UNIT)

test: check ## lint, format, types and the whole suite, in two processes
	$(BIN)/pytest --numprocesses 2 --dist loadfile

test-faults: $(READY) ## kill, damage and fill the disk, and check that nothing wrong is served; nine minutes, needs linux.uml, writes the table of docs/reliability.md
	@mkdir -p data && rm -f data/fault-outcomes.jsonl
	MOODFEED_FAULT_OUTCOMES=$(CURDIR)/data/fault-outcomes.jsonl $(BIN)/pytest tests/faults --run-faults
	$(BIN)/python scripts/write_reliability.py data/fault-outcomes.jsonl

fuzz: $(READY) ## feed 100,000 random inputs to everything that parses foreign bytes: RPCs, HTTP, bundles
	MOODFEED_FUZZ_INPUTS=$${MOODFEED_FUZZ_INPUTS:-100000} $(BIN)/pytest tests/fuzz -s

test-reality: $(READY) ## test unusual data and environments (a few minutes) and write the tables of docs/reality.md
	$(BIN)/python -m scripts.write_reality

PAGE_BUNDLES := data/page/bundles
PAGE_READY := tests/page/node_modules/.ready

$(PAGE_READY): tests/page/package-lock.json
	@command -v npm > /dev/null || { echo "make test-page needs Node.js 20 or later: apt-get install nodejs npm"; exit 1; }
	cd tests/page && npm ci --no-audit --no-fund --ignore-scripts
	@touch $@

test-page: $(READY) $(PAGE_READY) ## test the explorer in a real browser, in three processes and in one; needs Chromium
	@cd tests/page && node --input-type=module --eval 'import("./browser.mjs").then((it) => it.findChromium()).catch((error) => { console.error(error.message); process.exit(1); })'
	@test -e $(PAGE_BUNDLES)/current || $(BIN)/moodfeed ensure-bundle --data data/page --bundles $(PAGE_BUNDLES)
	cd tests/page && node --test --test-reporter=spec --test-concurrency=1 $(OPTIONS)

test-compose: $(READY) ## test the product in containers; needs a Docker engine
	$(BIN)/pytest tests/compose --run-compose

test-scale: $(READY) $(SCALE_READY) ## test PostgreSQL with a standby under faults, a real Milvus server, shards swapped under load, training in two processes, the pipeline's memory, and a bucket of S3; under 40 minutes
	@mkdir -p data && rm -f data/scale-outcomes.jsonl
	MOODFEED_FAULT_OUTCOMES=$(CURDIR)/data/scale-outcomes.jsonl $(BIN)/pytest tests/scale --run-scale
	$(BIN)/python scripts/write_reliability.py data/scale-outcomes.jsonl

$(SCALE_READY): requirements-scale.txt
	@echo "Setting up .venv-scale"
	@test -x .venv-scale/bin/python || $(PYTHON) -m venv .venv-scale
	.venv-scale/bin/pip install --disable-pip-version-check -r requirements-scale.txt
	@touch $@

test-observability: $(READY) $(OBSERVABILITY_READY) ## test traces, and every query of dashboards and alerts on a real Prometheus; needs Debian's package prometheus
	$(BIN)/pytest tests/observability --run-observability

$(OBSERVABILITY_READY): requirements-observability.txt
	@echo "Setting up .venv-observability"
	@test -x .venv-observability/bin/python || $(PYTHON) -m venv .venv-observability
	.venv-observability/bin/pip install --disable-pip-version-check -r requirements-observability.txt
	@touch $@

test-chart: $(READY) $(CHART_READY) ## lint, render and validate the Helm chart for three versions of Kubernetes; needs no cluster
	$(BIN)/pytest tests/chart --run-chart

$(CHART_READY): requirements-chart.txt
	@echo "Setting up .venv-chart"
	@test -x .venv-chart/bin/python || $(PYTHON) -m venv .venv-chart
	.venv-chart/bin/pip install --disable-pip-version-check -r requirements-chart.txt
	@touch $@

test-wheel: $(READY) ## install the wheel into a separate environment and run the product outside the checkout
	$(BIN)/pytest tests/wheel --run-wheel

test-clients: $(READY) $(CLIENTS_READY) $(NODE_READY) ## build, lint and test both clients against real gateways, five minutes; needs Node 20 and, for the browser, Chromium
	$(BIN)/mypy --config-file clients/python/pyproject.toml clients/python/moodfeed_client
	npm --prefix clients/typescript run check
	$(BIN)/pytest tests/clients --run-clients

bench: $(READY) $(BENCH_READY) ## the product beside its floors, other engines and its predecessor, a quarter of an hour
	$(BIN)/python -m benchmarks --output data/bench

bench-live: $(READY) ## the figures of the living feed, 40 minutes; writes docs/live.md. MICROLENS=WORKSPACE for that data
	$(BIN)/python -m benchmarks.live --microlens $(or $(MICROLENS),data/microlens) $(OPTIONS)
	$(BIN)/python -m benchmarks.live.page

bench-scale: $(READY) $(SCALE_READY) ## measure Milvus beside the default engine, one to four shards, then cores and the log (writes docs/scale.md); OPTIONS='--posts 1000000 --directory DIR' keeps what is loaded
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.scale $(OPTIONS)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.scale.shards --output data/bench-scale
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.scale.cores --output data/bench-scale
	$(BIN)/python -m benchmarks.scale.cores.page data/bench-scale

bench-pipeline: $(READY) ## time and memory of each stage of the pipeline at 1M and 10M events, twelve minutes; OPTIONS='--events 100000000' takes 20 GB of disk and two hours
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.scale.pipeline $(OPTIONS)

$(BENCH_READY): requirements-bench.txt
	@echo "Setting up .venv-bench"
	@test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	.venv-bench/bin/pip install --disable-pip-version-check -r requirements-bench.txt
	@touch $@

measure-mood: $(READY) ## measure the tables of docs/mood.md on one sample world
	$(BIN)/python scripts/measure_mood.py

measure-worlds: $(READY) ## thirty sample worlds beside the figures of the real platform, two minutes; writes docs/sample-world.md
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.worlds

mutants: $(READY) ## break what decides a feed in some 275 ways and see that tests notice; an hour and more
	$(BIN)/python scripts/mutants.py $(OPTIONS)

lock: $(READY) ## write requirements.txt from pyproject.toml
	@# The local build tag of torch and the project itself are facts of this machine, not of the lock.
	$(BIN)/pip-compile --quiet --all-extras --strip-extras --allow-unsafe --no-annotate --no-header --no-emit-options \
	    --output-file requirements.txt pyproject.toml
	sed -i -e 's/^\(torch==[^+]*\)+.*/\1/' -e '/^moodfeed @/d' -e '/^ *#/d' -e '/^$$/d' requirements.txt

protos: $(READY) ## regenerate moodfeed/ and the Python client's code from protos/; make client-protos also does the TypeScript client
	$(BIN)/python -m grpc_tools.protoc -I protos --python_out=. --pyi_out=. --grpc_python_out=. \
	    $$(cd protos && find . -name '*.proto' | sed 's|^\./||' | sort)
	$(BIN)/python scripts/write_contract_comments.py moodfeed/feed/v1/feed_comments.py
	$(BIN)/python scripts/write_client_contract.py --python-only

client-protos: $(READY) $(NODE_READY) ## regenerate the contract's code in both clients from protos/; needs Node 20
	$(BIN)/python scripts/write_client_contract.py

$(CLIENTS_READY): requirements-clients.txt
	@echo "Setting up .venv-clients"
	@test -x .venv-clients/bin/python || $(PYTHON) -m venv .venv-clients
	.venv-clients/bin/pip install --disable-pip-version-check -r requirements-clients.txt
	@touch $@

$(NODE_READY): clients/typescript/package-lock.json | node-is-there
	npm --prefix clients/typescript ci --no-audit --no-fund --ignore-scripts
	@touch $@

node-is-there:
	@command -v node >/dev/null && command -v npm >/dev/null && node -e 'process.exit(+process.versions.node.split(".")[0] < 20 ? 1 : 0)' \
	    || { echo "the TypeScript client needs Node 20 or later with npm: apt-get install nodejs npm, or https://nodejs.org"; exit 1; }

settings: $(READY) ## regenerate docs/settings.md from the settings classes
	$(BIN)/python scripts/write_settings.py

peers: microlens-is-given $(PEERS_READY) ## measure SASRec on MicroLens; about half an hour: make peers MICROLENS=DIRECTORY
	@.venv-peers/bin/python scripts/peers_microlens.py $(MICROLENS) $(OPTIONS)

microlens-is-given:
	@test -n "$(MICROLENS)" || { echo "make peers MICROLENS=DIRECTORY [OPTIONS='--people 10000 --output FILE']"; exit 1; }

$(PEERS_READY): requirements-peers.txt
	@echo "Setting up .venv-peers"
	@test -x .venv-peers/bin/python || $(PYTHON) -m venv .venv-peers
	@# torch first and alone, as above.
	.venv-peers/bin/pip install --disable-pip-version-check $$(grep '^torch==' requirements-peers.txt)
	.venv-peers/bin/pip install --disable-pip-version-check -r requirements-peers.txt
	@touch $@
