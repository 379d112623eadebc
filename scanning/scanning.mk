# Security scans: docs/security-scan.md.
.PHONY: scan scan-images scan-cluster

scan: .venv/scan.stamp ## Scan code, history, dependencies and manifests; exit code 3 where advisories are out of reach, unless SCAN_ALLOW_OFFLINE=1
	@scanning/install trivy gitleaks
	@$(BIN)/python -m scanning

scan-images: ## Scan the images that `make images` built (TAG), and write their SBOMs
	@scanning/install trivy
	@$(PYTHON) -m scanning --images $(addsuffix :$(TAG),$(or $(NAMES),payments-server payments-gateway))

scan-cluster: ## As an administrator, scan the cluster of the current context, and a node of it by kube-bench
	@scanning/install trivy
	@$(PYTHON) -m scanning --cluster

.venv/scan.stamp: requirements/scan.txt .venv/dev.stamp
	@$(PYTHON) -m venv .venv/scan
	@.venv/scan/bin/pip install -q --disable-pip-version-check --require-hashes -r requirements/scan.txt
	@touch $@
