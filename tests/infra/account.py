"""An account of the emulator that the infrastructure is made in, by the commands that a person gives."""

import contextlib
import dataclasses
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3

from tests.infra.terraform import Terraform

# moto refuses by a Deny in a bucket's policy whatever its conditions are. The real policy is proved by simulation and on mocks.
BUCKET_POLICY = """resource "aws_s3_bucket_policy" "state" {
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = "*", Action = "s3:*", Resource = aws_s3_bucket.state.arn }] })
}
"""
REGION, NUMBER = "us-east-1", "123456789012"
BUCKET = f"payments-terraform-state-{NUMBER}"
ENVIRONMENTS = ("staging", "production")


def variables(url: str) -> dict[str, str]:
    """What a person's shell has, after sourcing account.env and getting credentials."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
        "TF_VAR_region": REGION,
        "TF_VAR_external_id": "0123456789abcdef",
        "TF_VAR_operator_arns": f'["arn:aws:iam::{NUMBER}:user/alice"]',
        "TF_VAR_admin_role_arns": f'["arn:aws:iam::{NUMBER}:role/administrators"]',
        "TF_VAR_admin_cidrs": '["198.51.100.0/24"]',
        "TF_CLI_ARGS_apply": "-auto-approve",
        "TF_CLI_ARGS_destroy": "-auto-approve",
        "TF_CLI_ARGS": "-no-color",
    }


@dataclasses.dataclass(frozen=True)
class Account:
    url: str
    terraform: Terraform

    @property
    def code(self) -> Path:
        return self.terraform.code

    def client(self, service: str) -> Any:
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test")

    def try_run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.code / "run"), *arguments],
            env={**self.terraform.environment, **environment},
            capture_output=True,
            text=True,
            timeout=900,
        )

    def run(self, *arguments: str, **environment: str) -> str:
        done = self.try_run(*arguments, **environment)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    @contextlib.contextmanager
    def edited(self, environment: str, old: str, new: str) -> Iterator[None]:
        """The environment's values with one changed, as a person changes them."""
        file = self.code / "environment" / "environments" / f"{environment}.tfvars"
        before = file.read_text()
        assert old in before
        file.write_text(before.replace(old, new))
        try:
            yield
        finally:
            file.write_text(before)

    def plan(self, root: str) -> dict[str, list[str]]:
        """What a plan would do, by the address of what would change."""
        self.run("plan", root)
        folder = root if root == "shared" else "environment"
        shown = self.terraform.show(folder, str(self.code.parent / "build" / "infra" / f"{root}.tfplan"))
        changes = [*shown.get("resource_changes", []), *shown.get("resource_drift", [])]
        return {
            change["address"]: change["change"]["actions"] for change in changes if change["change"]["actions"] not in (["no-op"], ["read"])
        }

    def apply(self, root: str) -> None:
        self.run("plan", root)
        self.run("apply", root)

    def mend_subnets(self) -> None:
        """moto takes a subnet that is made by its zone's ID for the zone's default one, which hands out public addresses. AWS does not."""
        ec2 = self.client("ec2")
        for subnet in ec2.describe_subnets(Filters=[{"Name": "map-public-ip-on-launch", "Values": ["true"]}])["Subnets"]:
            ec2.modify_subnet_attribute(SubnetId=subnet["SubnetId"], MapPublicIpOnLaunch={"Value": False})

    def state(self, root: str) -> dict[str, Any]:
        """What Terraform keeps of it in the bucket."""
        name = "shared/terraform.tfstate" if root == "shared" else f"environment/{root}.tfstate"
        state: dict[str, Any] = json.loads(self.client("s3").get_object(Bucket=BUCKET, Key=name)["Body"].read())
        return state

    def outputs(self, root: str) -> dict[str, Any]:
        return {name: output["value"] for name, output in json.loads(self.run("output", root)).items()}
