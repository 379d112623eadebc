"""Terraform as the tests call it."""

import dataclasses
import json
import subprocess
from pathlib import Path
from typing import Any


@dataclasses.dataclass(frozen=True)
class Terraform:
    program: str
    code: Path
    environment: dict[str, str]

    def __call__(self, folder: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.program, *arguments],
            cwd=self.code / folder,
            env={**self.environment, **environment, "TF_IN_AUTOMATION": "1", "TF_CLI_ARGS": "-no-color", "TF_INPUT": "0"},
            capture_output=True,
            text=True,
            timeout=900,
        )

    def init(self, folder: str) -> subprocess.CompletedProcess[str]:
        return self(folder, "init", "-backend=false")

    def is_stand_in(self, folder: str) -> bool:
        """Whether the provider calls itself by a version with build metadata, which HashiCorp's releases never have."""
        version = json.loads(self(folder, "version", "-json").stdout)
        return "+" in version["provider_selections"]["registry.terraform.io/hashicorp/aws"]

    def show(self, folder: str, *plan: str) -> dict[str, Any]:
        shown: dict[str, Any] = json.loads(self(folder, "show", "-json", *plan).stdout)
        return shown
