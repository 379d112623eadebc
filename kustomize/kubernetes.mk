# Kubernetes: docs/kubernetes.md.
.PHONY: deploy manifests-test

deploy: ## Roll out the overlay ENV=local, staging or production on the current context
	@test -d "kustomize/overlays/$(ENV)" -a -n "$(ENV)" || { echo "make deploy ENV=local|staging|production" >&2; exit 2; }
	@kustomize/deploy "kustomize/overlays/$(ENV)"

manifests-test: .venv/dev.stamp ## Build every overlay and combination of components, and check schemas and policies
	$(BIN)/python -m pytest tests/manifests
