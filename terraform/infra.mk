# The infrastructure: docs/iac.md.
.PHONY: infra-test infra-check infra-docs infra-bootstrap infra-plan infra-apply infra-database infra-drain infra-destroy infra-addresses infra-addons infra-costs \
  infra-delegation

ROOTS := bootstrap shared environment
MODULES := $(wildcard terraform/modules/*)

infra-test: .venv/infra.stamp ## Test the infrastructure's code with what is on PATH, and say what could not be tested
	$(BIN)/python -m pytest tests/infra -rs

infra-check: .venv/infra.stamp ## The same but for what follows the first run: changes, drift and destruction
	$(BIN)/python -m pytest tests/infra -rs --ignore=tests/infra/test_lifecycle.py

infra-docs: ## Write the tables of the modules' READMEs
	@for folder in $(MODULES) $(addprefix terraform/,$(ROOTS)); do terraform-docs -c terraform/.terraform-docs.yml $$folder; done

infra-bootstrap: ## Make the bucket of the states and the roles that run Terraform: once, as an administrator of the account
	@terraform/run bootstrap

infra-plan: ## Show what would change: ENV=shared, staging or production
	@terraform/run plan "$(ENV)"

infra-apply: ## Do what was planned
	@terraform/run apply "$(ENV)"

infra-database: ## Let pods reach the database of ENV, and make its roles: as an administrator, once
	@terraform/database "$(ENV)"

infra-drain: ## Remove a cluster's load balancers and records, before infra-destroy
	@CONFIRM="$(CONFIRM)" terraform/drain "$(ENV)"

infra-destroy: ## Delete everything of ENV; needs CONFIRM with its name too
	@CONFIRM="$(CONFIRM)" terraform/run destroy "$(ENV)"

infra-addresses: ## Write down the addresses of Travis's machines, which the roles and the clusters let in
	@$(PYTHON) terraform/addresses.py

infra-addons: ## Show which version of each EKS add-on is pinned, and which ones fit the cluster's version of Kubernetes
	@terraform/addons "$(ENV)"

infra-costs: .venv/dev.stamp ## Write the monthly estimate in docs/iac.md from terraform/prices.toml
	@$(BIN)/python terraform/costs.py

infra-delegation: ## Check that the parent zone delegates ours
	@terraform/delegation sre-test.nuveo.ai $$(terraform/run output shared | $(PYTHON) -c 'import json, sys; print(*json.load(sys.stdin)["name_servers"]["value"])')

.venv/infra.stamp: requirements/infra.txt pyproject.toml proto/pyproject.toml | .venv/bin/pip
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements/infra.txt
	@$(OURS)
	@touch $@
