# Kubernetes: docs/kubernetes.md.
.PHONY: deploy platform manifests-test e2e

deploy: ## Roll out the overlay ENV=local, staging or production on the current context
	@test -d "kustomize/overlays/$(ENV)" -a -n "$(ENV)" || { echo "make deploy ENV=local|staging|production" >&2; exit 2; }
	@kustomize/deploy "kustomize/overlays/$(ENV)"

platform: ## As an administrator, apply what ENV's cluster needs beside the service
	@test -d "kustomize/platform/$(ENV)" -a -n "$(ENV)" || { echo "make platform ENV=local|staging|production" >&2; exit 2; }
	@kustomize/platform/apply "$(ENV)"

manifests-test: .venv/dev.stamp ## Build every overlay and combination of components, and check schemas and policies
	$(BIN)/python -m pytest tests/manifests

e2e: .venv/dev.stamp ## Deploy to the current context, which must be one to throw away, and prove what docs/kubernetes.md says
	E2E_TAG="$(TAG)" $(BIN)/python -m pytest tests/e2e -rs
