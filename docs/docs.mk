# The documents: CONTRIBUTING.md.
.PHONY: docs-test api-reference figures

docs-test: .venv/dev.stamp ## Check links, anchors, diagrams, generated pages, README's commands and answers, and CONTRIBUTING's example
	$(BIN)/python -m pytest tests/docs -rs

api-reference: .venv/dev.stamp ## Write docs/api.md from the proto files
	$(BIN)/python docs/api_reference.py

figures: .venv/dev.stamp ## Write the figures of both READMEs from the reports: after make bench, resilience or infra-costs
	$(BIN)/python docs/figures.py
