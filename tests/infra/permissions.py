"""What IAM would answer, by @cloud-copilot/iam-simulate, of the policies that were made."""

import dataclasses
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.infra.account import NUMBER, REGION, Account

FOLDER = Path(__file__).parent / "iam"

Document = dict[str, Any]

# The policy that our keys have: without one nobody uses a key, whatever IAM says.
IAM_DECIDES: Document = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Principal": {"AWS": f"arn:aws:iam::{NUMBER}:root"}}],
}


@dataclasses.dataclass(frozen=True)
class Request:
    principal: str
    action: str
    resource: str
    context: dict[str, str | list[str]] = dataclasses.field(default_factory=dict)


class Simulator:
    """Evaluates requests of the roles and the user of an account. One process of node answers all requests of a call."""

    def __init__(self, account: Account, folder: Path) -> None:
        self.folder = folder
        self.iam = account.client("iam")
        self.policies: dict[str, tuple[list[Document], list[Document]]] = {}

    def ask(self, requests: list[Request], resource_policy: Document | None = None) -> list[str]:
        """Allowed, ExplicitlyDenied or ImplicitlyDenied for each request."""
        asked = json.dumps([self.simulation(request, resource_policy) for request in requests])
        done = subprocess.run(["node", "simulate.mjs"], cwd=self.folder, input=asked, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        answers: list[str] = json.loads(done.stdout)
        return answers

    def simulation(self, request: Request, resource_policy: Document | None) -> Document:
        identity, boundary = self.of(request.principal)
        if request.action.startswith("kms:"):
            resource_policy = IAM_DECIDES
        context = {"aws:RequestedRegion": REGION, "aws:SecureTransport": "true", **request.context}
        return {
            "request": {
                "principal": f"arn:aws:iam::{NUMBER}:{request.principal}",
                "action": request.action,
                "resource": {"resource": request.resource, "accountId": NUMBER},
                "contextVariables": context,
            },
            "identityPolicies": identity,
            **({"permissionBoundaryPolicies": boundary} if boundary else {}),
            **({"resourcePolicy": resource_policy} if resource_policy else {}),
            "serviceControlPolicies": [],
            "resourceControlPolicies": [],
        }

    def of(self, principal: str) -> tuple[list[Document], list[Document]]:
        if principal not in self.policies:
            kind, _, name = principal.partition("/")
            self.policies[principal] = self.of_role(name) if kind == "role" else (self.of_user(name), [])
        return self.policies[principal]

    def of_role(self, name: str) -> tuple[list[Document], list[Document]]:
        inline = [
            {"name": policy, "policy": self.iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]}
            for policy in self.iam.list_role_policies(RoleName=name)["PolicyNames"]
        ]
        attached = [self.managed(found["PolicyArn"]) for found in self.iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]]
        boundary = self.iam.get_role(RoleName=name)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"]
        return inline + attached, [self.managed(boundary)]

    def of_user(self, name: str) -> list[Document]:
        return [
            {"name": policy, "policy": self.iam.get_user_policy(UserName=name, PolicyName=policy)["PolicyDocument"]}
            for policy in self.iam.list_user_policies(UserName=name)["PolicyNames"]
        ]

    def managed(self, arn: str) -> Document:
        version = self.iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        document = self.iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        return {"name": arn.rpartition("/")[2], "policy": document}


def installed(folder: Path) -> Path:
    """The evaluator and its data in a folder of their own. Skips where node or the packages cannot be had."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: no permission was simulated")
    for name in ("package.json", "package-lock.json", "simulate.mjs"):
        shutil.copy(FOLDER / name, folder)
    done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        pytest.skip(f"@cloud-copilot/iam-simulate cannot be had: no permission was simulated: {done.stderr[-300:]}")
    return folder
