# Every command of the repository. `make help` lists them.
# Two environments in one folder: `make run` needs what serves, everything else needs the tools too.

PYTHON ?= python3
BIN := .venv/bin
CODE := batching process server gateway local loadtest monitoring rehearsal scanning tests proto docs terraform
TYPED := batching process server gateway local loadtest monitoring rehearsal scanning proto/generate.py

# What clients were built with: the last release, or until there is one, the last commit.
RELEASED = $(shell git describe --tags --abbrev=0 2>/dev/null || echo HEAD)

# Of the images: their tag, and what their labels say. An address of a clone can hold a password, which no label may.
TAG = $(shell git rev-parse --short=12 HEAD)
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
SOURCE = $(shell git remote get-url origin 2>/dev/null | sed 's|://[^/@]*@|://|')

.DEFAULT_GOAL := help
.PHONY: help setup run test test-pooler fuzz images push restore-drill resilience overload tools smoke ledger load footprint testing-tables load-test chaos broken-servers bench bench-growth bench-observation metrics-table dashboard dashboard-picture monitoring monitoring-test lint format types proto proto-check requirements clean
.DELETE_ON_ERROR:

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/local.stamp ## Make the environment in .venv, with the commands payments-server and payments-gateway

run: .venv/local.stamp ## Start PostgreSQL, server and gateway here, until Ctrl-C
	@exec $(BIN)/python -m local

# Each file's tests stay together, on a PostgreSQL and processes of their own.
test: .venv/dev.stamp ## Run the tests of the service, on a real PostgreSQL
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --ignore=tests/infra --ignore=tests/manifests --ignore=tests/e2e \
	  --ignore=tests/load --ignore=tests/broken --ignore=tests/resilience/cluster --ignore=monitoring/tests --ignore=tests/docs

test-pooler: .venv/dev.stamp ## Run the contract's tests with pgbouncer, in transaction mode, before PostgreSQL
	$(BIN)/python -m pytest tests/contract tests/compatibility --pooler

resilience: .venv/dev.stamp ## Break every part under load, and check that nothing is lost or done twice (docs/reliability.md)
	$(BIN)/python -m tests.resilience

overload: .venv/dev.stamp ## Offer twice what saturates the service, and ten times the connections (docs/reliability.md)
	$(BIN)/python -m tests.resilience.overload

tools: $(BIN)/ghz ## Install ghz, which sends load over gRPC, in .venv/bin; Go builds it

smoke: export PAYMENTS_API_KEY := $(or $(KEY),$(PAYMENTS_API_KEY))
smoke: .venv/dev.stamp ## Try a running service from outside in half a minute: URL=…, and if wanted GRPC=HOST:PORT KEY=… EXPECT=VERSION JUNIT=FILE
	@$(BIN)/python -m tests.smoke "$(or $(URL),http://127.0.0.1:8080)" $(if $(GRPC),--grpc "$(GRPC)") \
	  $(if $(EXPECT),--version "$(EXPECT)") $(if $(JUNIT),--junit "$(JUNIT)") $(if $(METRICS),--metrics $(METRICS)) $(if $(IMAGES),--images $(IMAGES)) $(ARGS)

ledger: export PAYMENTS_API_KEY := $(or $(KEY),$(PAYMENTS_API_KEY))
ledger: .venv/dev.stamp ## Write to a running service, and check that all that it acknowledged is so: URL=…, and if wanted GRPC=HOST:PORT KEY=…
	@$(BIN)/python -m tests.resilience.running "$(or $(URL),http://127.0.0.1:8080)" $(if $(GRPC),--grpc "$(GRPC)") $(ARGS)

load: .venv/dev.stamp ## Offer SHAPE=smoke, load, stress, spike or soak to TARGET, by default what make run started (docs/testing.md)
	@$(BIN)/payments-load $(or $(SHAPE),smoke) --target $(or $(TARGET),local) $(ARGS)

footprint: .venv/dev.stamp ## Measure the bytes that a payment takes in the database and in its log
	$(BIN)/python -m loadtest.footprint

testing-tables: .venv/dev.stamp ## Write the tables of docs/testing.md from docs/testing/, docs/performance/ and terraform/prices.toml
	$(BIN)/python docs/testing_tables.py

load-test: .venv/dev.stamp ## Run payments-load on a service of the tests' own, and the experiments' runner
	$(BIN)/python -m pytest tests/load tests/resilience/cluster

chaos: .venv/dev.stamp ## Break the local overlay on a cluster that may be broken, and judge by the ledger: CONTEXT=… (docs/testing.md)
	@test -n "$(CONTEXT)" || { echo "make chaos CONTEXT=name-of-the-current-context" >&2; exit 2; }
	$(BIN)/python -m tests.resilience.cluster --context "$(CONTEXT)" $(ARGS)

broken-servers: .venv/dev.stamp ## Show that smoke, load and ledger find what is broken, and pass a healthy service ten times of ten
	$(BIN)/python -m pytest tests/broken

restore-drill: .venv/dev.stamp ## Back up under load, by dump and by WAL to a point in time, restore beside, and compare with what was acknowledged
	$(BIN)/python -m tests.restore_drill

fuzz: .venv/dev.stamp ## Send 100,000 mutated requests to a stack of its own: no 5xx, no crash, no hang
	$(BIN)/python -m tests.hostile.fuzz

bench-observation: .venv/dev.stamp ## Measure what metrics and the log lines of requests cost a create
	$(BIN)/python -m loadtest.observation

metrics-table: .venv/dev.stamp ## Write the tables of docs/metrics.md from the metrics in the code
	PYTHONPATH=. $(BIN)/python docs/metrics_table.py

dashboard: .venv/dev.stamp ## Start the service with a little load and a Prometheus that watches it, and show the numbers, until Ctrl-C
	@exec $(BIN)/python -m monitoring

dashboard-picture: .venv/dev.stamp ## Draw docs/metrics/overview.svg from a Prometheus that watches five minutes of load
	$(BIN)/python -m monitoring.picture

monitoring-test: .venv/dev.stamp ## Test rules and dashboards, by promtool and in a Prometheus that watches the service
	$(BIN)/python -m pytest monitoring/tests

monitoring: .venv/dev.stamp ## Write rules and dashboards from monitoring/, for any Prometheus and for Kustomize
	$(BIN)/python -m monitoring.generate

bench: .venv/dev.stamp ## Measure throughput, latency and CPU a request, and draw docs/performance/
	$(BIN)/python -m loadtest.bench

bench-growth: .venv/dev.stamp ## Measure whether a request costs more when a million payments are stored
	$(BIN)/python -m loadtest.bench --growth

images: ## Build the images payments-server and payments-gateway with docker, podman or buildah (TAG)
	@VERSION="$(VERSION)" SOURCE="$(SOURCE)" images/build "$(TAG)" $(NAMES)

push: ## Push them: REGISTRY=host/path TAG=…, and PLATFORMS=linux/amd64,linux/arm64 to build for both
	@test -n "$(REGISTRY)" || { echo "make push REGISTRY=host/path [TAG=…]" >&2; exit 2; }
	@VERSION="$(VERSION)" SOURCE="$(SOURCE)" PLATFORMS="$(PLATFORMS)" images/push "$(REGISTRY)" "$(TAG)"

lint: .venv/dev.stamp proto-check ## Check style, formatting and the generated code
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/shellcheck terraform/addons terraform/database terraform/delegation terraform/drain terraform/run
	$(BIN)/hadolint Dockerfile
	$(BIN)/shellcheck --external-sources .ci/run images/build images/builder images/push kustomize/deploy kustomize/overlays/local/secrets \
	  kustomize/platform/apply kustomize/platform/crds scanning/install ci/*
	$(BIN)/check-jsonschema --builtin-schema vendor.travis .travis.yml

format: .venv/dev.stamp ## Format the code
	$(BIN)/ruff check --fix-only $(CODE)
	$(BIN)/ruff format $(CODE)

types: .venv/dev.stamp ## Check the types
	$(BIN)/mypy $(TYPED)

proto: .venv/dev.stamp ## Generate the Python code from the proto files
	$(BIN)/python proto/generate.py proto

proto-check: .venv/dev.stamp ## Check that the generated code is that of the proto files, their style, and that no client breaks
	$(BIN)/python proto/generate.py --check
	$(BIN)/buf lint proto/payments/v1/payments.binpb --config proto/buf.yaml
	@mkdir -p build && git show "$(RELEASED):proto/payments/v1/payments.binpb" > build/released.binpb && \
	  $(BIN)/buf breaking proto/payments/v1/payments.binpb --against build/released.binpb --config proto/buf.yaml

COMPILE = $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
  --no-emit-index-url --no-emit-find-links pyproject.toml
requirements: .venv/dev.stamp ## Lock the newest dependencies that pyproject.toml allows
	$(COMPILE) --upgrade --extra server --extra aws --extra tracing -o requirements/server.txt
	$(COMPILE) --upgrade --extra gateway --extra tracing -o requirements/gateway.txt
	$(COMPILE) --upgrade --extra server --extra gateway --extra local -o requirements/local.txt
	$(COMPILE) --upgrade --extra loadtest -o requirements/loadtest.txt
	$(COMPILE) --upgrade --all-extras --group dev -o requirements/dev.txt
	$(COMPILE) --upgrade --all-extras --group dev --group infra -o requirements/infra.txt
	$(COMPILE) --upgrade --group build -o requirements/build.txt
	$(COMPILE) --upgrade --group scan -o requirements/scan.txt
	@! grep -nE '^-|https?://' requirements/*.txt || { echo "requirements: an address in a lock file" >&2; exit 1; }

clean: ## Remove the environment and everything that was made
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .schemathesis

# Editable, and without a build environment of their own: hatchling is among the locked packages.
OURS = $(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e ./proto -e .

.venv/local.stamp: requirements/local.txt pyproject.toml proto/pyproject.toml | .venv/bin/pip
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements/local.txt
	@$(OURS)
	@touch $@

.venv/dev.stamp: requirements/dev.txt pyproject.toml proto/pyproject.toml | .venv/bin/pip
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(OURS)
	@touch $@

# Go checks the module and all that it needs by its checksum database.
GHZ = 0.120.0
.venv/bin/ghz: | .venv/bin/pip
	@command -v go >/dev/null || { echo "make tools: Go is needed (https://go.dev/dl/), or a release of ghz $(GHZ) on PATH" >&2; exit 1; }
	GOBIN=$(abspath $(BIN)) go install -trimpath github.com/bojand/ghz/cmd/ghz@v$(GHZ)

.venv/bin/pip:
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) is not installed; Python 3.11 or newer is needed" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "make: $$($(PYTHON) --version) is too old; Python 3.11 or newer is needed (make PYTHON=python3.12 …)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "make: $(PYTHON) has no venv; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv .venv

include docs/docs.mk
include kustomize/kubernetes.mk
include rehearsal/rehearsal.mk
include scanning/scanning.mk
include terraform/infra.mk
