# The pipeline on this machine: docs/ci.md.
.PHONY: rehearse

rehearse: .venv/infra.stamp ## Run .travis.yml as Travis would, for a fork's pull request, a broken script, main, a version … (STORY)
	@$(BIN)/python -m rehearsal $(STORY)
