"""The apply role can make, change and destroy each type of resource that the code has, and no more: actions.toml is the table."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.infra.account import ENVIRONMENTS, NUMBER, REGION, Account
from tests.infra.permissions import Request, Simulator

TABLE: dict[str, Any] = tomllib.loads(Path(__file__).with_name("actions.toml").read_text())
ROLE = "role/payments-apply"

ec2, eks, rds = (f"arn:aws:{service}:{REGION}:{NUMBER}" for service in ("ec2", "eks", "rds"))
ARNS = {
    "access-entry": f"{eks}:access-entry/payments-staging/role/{NUMBER}/payments-ci-deploy-staging/1",
    "addon": f"{eks}:addon/payments-staging/vpc-cni/1",
    "alias": f"arn:aws:kms:{REGION}:{NUMBER}:alias/payments-staging-data",
    "any": "*",
    "aws-zone": "arn:aws:route53:::hostedzone/Z0",
    "cluster": f"{eks}:cluster/payments-staging",
    "db": f"{rds}:db:payments-staging",
    "hosted-zone": "arn:aws:route53:::hostedzone/Z1",
    "image": f"arn:aws:ec2:{REGION}::image/ami-1",
    "key": f"arn:aws:kms:{REGION}:{NUMBER}:key/00000000-0000-0000-0000-000000000001",
    "log-group": f"arn:aws:logs:{REGION}:{NUMBER}:log-group:/aws/eks/payments-staging/cluster",
    "nodegroup": f"{eks}:nodegroup/payments-staging/payments-staging-1/1",
    "og": f"{rds}:og:default:postgres-17",
    "pg": f"{rds}:pg:payments-staging-postgres17-1",
    "podidentityassociation": f"{eks}:podidentityassociation/payments-staging/a-1",
    "rds-secret": f"arn:aws:secretsmanager:{REGION}:{NUMBER}:secret:rds!db-1-AbCdEf",
    "repository": f"arn:aws:ecr:{REGION}:{NUMBER}:repository/payments-server",
    "role": f"arn:aws:iam::{NUMBER}:role/payments-staging-server",
    "secret": f"arn:aws:secretsmanager:{REGION}:{NUMBER}:secret:payments-staging/api-keys-AbCdEf",
    "snapshot": f"{rds}:snapshot:payments-staging-final",
    "subgrp": f"{rds}:subgrp:payments-staging",
}
SERVICE_ROLE = f"arn:aws:iam::{NUMBER}:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS"
BOUND = {"iam:PermissionsBoundary": f"arn:aws:iam::{NUMBER}:policy/payments-workloads"}
BOUND_ACTIONS = {"AttachRolePolicy", "CreateRole", "DeleteRolePolicy", "DetachRolePolicy", "PutRolePermissionsBoundary", "PutRolePolicy"}


def requests(entry: dict[str, Any]) -> list[Request]:
    """One for each resource that an action of the type is asked for."""
    found = []
    for action in entry["actions"]:
        action, _, service = action.partition(" ")
        kinds = TABLE["resources"].get(action, [entry["kind"]])
        if action.startswith("iam:"):
            kinds = ["service-role"] if action == "iam:CreateServiceLinkedRole" else ["role"]
        elif action.startswith("kms:") and action not in TABLE["resources"]:
            kinds = ["key"]
        for kind in kinds:
            found.append(request(action, kind, service))
    return found


def request(action: str, kind: str, service: str) -> Request:
    how, _, kind = kind.rpartition(" ")
    arn = SERVICE_ROLE if kind == "service-role" else ARNS.get(kind, f"{ec2}:{kind}/{kind}-1")
    context: dict[str, str | list[str]] = dict(TABLE["conditions"].get(action, {}))
    if action == "ec2:CreateTags" or (action == "kms:TagResource") or how == "new":
        context |= {"aws:RequestTag/project": "payments"}
    elif how == "launched":
        context |= {"ec2:LaunchTemplate": f"{ec2}:launch-template/lt-1"}
    elif action.startswith(("ec2:", "kms:")):
        context |= {"aws:ResourceTag/project": "payments"}
    if service:
        context |= {"iam:PassedToService": service}
    if action.removeprefix("iam:") in BOUND_ACTIONS and action.startswith("iam:"):
        context |= BOUND
    return Request(ROLE, action, arn, context)


@pytest.mark.parametrize("name", sorted(TABLE["types"]))
def test_the_apply_role_can_make_change_and_destroy(name: str, simulator: Simulator) -> None:
    asked = requests(TABLE["types"][name])
    answers = simulator.ask(asked)
    refused = [(request, answer) for request, answer in zip(asked, answers, strict=True) if answer != "Allowed"]
    assert not refused


def test_every_type_that_the_roots_make_is_in_the_table(account: Account) -> None:
    resources = [resource for root in ("shared", *ENVIRONMENTS) for resource in account.state(root)["resources"]]
    made = {resource["type"] for resource in resources if resource["mode"] == "managed"}
    assert made == set(TABLE["types"])


# Secrets Manager asks for it beside GenerateDataKey when a secret changes its key.
BESIDE = {"kms:Encrypt"}


def test_the_apply_role_changes_nothing_that_the_table_does_not_name(simulator: Simulator) -> None:
    named = {action.partition(" ")[0] for entry in TABLE["types"].values() for action in entry["actions"]} | BESIDE
    given = set()
    for policy in simulator.of(ROLE)[0]:
        if policy["name"] in ("payments-apply-read", "states"):
            continue
        for statement in policy["policy"]["Statement"]:
            actions = statement["Action"]
            given |= {actions} if isinstance(actions, str) else set(actions)
    assert given - named == set()
