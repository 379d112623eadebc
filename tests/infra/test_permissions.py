"""Who may do what to what: the table that the roles, the boundaries and the bucket's policy have to agree with."""

import json
from typing import Any

import pytest

from tests.infra.account import BUCKET, NUMBER, REGION, Account
from tests.infra.permissions import Document, Request, Simulator

IAM = f"arn:aws:iam::{NUMBER}"
SERVER = f"arn:aws:ecr:{REGION}:{NUMBER}:repository/payments-server"
STATES = f"arn:aws:s3:::{BUCKET}"
BOUND = {"iam:PermissionsBoundary": f"{IAM}:policy/payments-workloads"}
OURS = {"aws:ResourceTag/project": "payments"}
TAGGED = {"aws:RequestTag/project": "payments"}
ZONE = "route53:ChangeResourceRecordSetsNormalizedRecordNames"
TYPES = "route53:ChangeResourceRecordSetsRecordTypes"
INSTANCE = f"arn:aws:ec2:{REGION}:{NUMBER}"
KEY = f"arn:aws:kms:{REGION}:{NUMBER}:key/00000000-0000-0000-0000-000000000001"

PUSH, DEPLOY, PRODUCTION = "role/payments-ci-push", "role/payments-ci-deploy-staging", "role/payments-ci-deploy-production"
PLAN, APPLY, USER = "role/payments-plan", "role/payments-apply", "user/payments-ci"
DNS, CERTIFICATES = "role/payments-staging-external-dns", "role/payments-staging-cert-manager"
BALANCER, SERVE, MIGRATE = "role/payments-staging-load-balancer-controller", "role/payments-staging-server", "role/payments-staging-migrate"

ALLOWED = [
    (USER, "sts:AssumeRole", f"{IAM}:{PUSH}", {}),
    (USER, "sts:AssumeRole", f"{IAM}:{PRODUCTION}", {}),
    (USER, "sts:AssumeRole", f"{IAM}:{PLAN}", {}),
    (PUSH, "ecr:GetAuthorizationToken", "*", {}),
    (PUSH, "ecr:PutImage", SERVER, {}),
    (PUSH, "ecr:DescribeImages", SERVER, {}),
    (DEPLOY, "eks:DescribeCluster", f"arn:aws:eks:{REGION}:{NUMBER}:cluster/payments-staging", {}),
    (DEPLOY, "ecr:DescribeImages", SERVER, {}),
    (PLAN, "ec2:DescribeVpcs", "*", {}),
    (PLAN, "s3:GetObject", f"{STATES}/environment/staging.tfstate", {}),
    (PLAN, "s3:PutObject", f"{STATES}/environment/staging.tfstate.tflock", {}),
    (PLAN, "s3:DeleteObject", f"{STATES}/environment/staging.tfstate.tflock", {}),
    (APPLY, "s3:PutObject", f"{STATES}/environment/production.tfstate", {}),
    (APPLY, "s3:PutObject", f"{STATES}/shared/terraform.tfstate", {}),
    (APPLY, "iam:CreateRole", f"{IAM}:role/payments-staging-server", BOUND),
    (DNS, "route53:ChangeResourceRecordSets", "zone", {ZONE: ["staging.sre-test.nuveo.ai"], TYPES: ["A"]}),
    (DNS, "route53:ChangeResourceRecordSets", "zone", {ZONE: ["_a.staging.sre-test.nuveo.ai"], TYPES: ["TXT"]}),
    (CERTIFICATES, "route53:ChangeResourceRecordSets", "zone", {ZONE: ["_acme-challenge.staging.sre-test.nuveo.ai"], TYPES: ["TXT"]}),
    (SERVE, "rds-db:connect", "app", {}),
    (SERVE, "secretsmanager:GetSecretValue", "api-keys", {}),
    (MIGRATE, "rds-db:connect", "owner", {}),
    (
        BALANCER,
        "elasticloadbalancing:CreateLoadBalancer",
        f"arn:aws:elasticloadbalancing:{REGION}:{NUMBER}:loadbalancer/net/k8s/1",
        {"aws:RequestTag/elbv2.k8s.aws/cluster": "payments-staging"},
    ),
    (
        BALANCER,
        "ec2:AuthorizeSecurityGroupIngress",
        f"{INSTANCE}:security-group/sg-1",
        {"aws:ResourceTag/kubernetes.io/cluster/payments-staging": "owned"},
    ),
]

DENIED = [
    # The pipeline.
    (USER, "sts:AssumeRole", f"{IAM}:{APPLY}", {}),
    (USER, "ecr:PutImage", SERVER, {}),
    (USER, "iam:CreateAccessKey", f"{IAM}:{USER}", {}),
    (PUSH, "ecr:BatchDeleteImage", SERVER, {}),
    (PUSH, "ecr:DeleteRepository", SERVER, {}),
    (PUSH, "ecr:PutImageTagMutability", SERVER, {}),
    (PUSH, "ecr:PutImage", f"arn:aws:ecr:{REGION}:{NUMBER}:repository/elsewhere", {}),
    (PUSH, "eks:DescribeCluster", f"arn:aws:eks:{REGION}:{NUMBER}:cluster/payments-staging", {}),
    (DEPLOY, "eks:DescribeCluster", f"arn:aws:eks:{REGION}:{NUMBER}:cluster/payments-production", {}),
    (DEPLOY, "ecr:PutImage", SERVER, {}),
    (DEPLOY, "kms:Sign", "signing", {}),
    (DEPLOY, "iam:CreateRole", f"{IAM}:role/payments-x", BOUND),
    (DEPLOY, "iam:PassRole", f"{IAM}:role/payments-staging-server", {}),
    (DEPLOY, "eks:CreateAccessEntry", f"arn:aws:eks:{REGION}:{NUMBER}:cluster/payments-staging", {}),
    (DEPLOY, "secretsmanager:GetSecretValue", "api-keys", {}),
    # Plans.
    (PLAN, "s3:PutObject", f"{STATES}/environment/staging.tfstate", {}),
    (PLAN, "s3:DeleteObject", f"{STATES}/environment/staging.tfstate", {}),
    (PLAN, "s3:GetObject", f"{STATES}/bootstrap/terraform.tfstate", {}),
    (PLAN, "ec2:CreateVpc", f"{INSTANCE}:vpc/vpc-1", TAGGED),
    (PLAN, "secretsmanager:GetSecretValue", "api-keys", {}),
    (PLAN, "kms:Decrypt", "data", OURS),
    # The apply role, within its boundary.
    (APPLY, "iam:DeleteRolePermissionsBoundary", f"{IAM}:role/payments-apply", {}),
    (APPLY, "iam:DeleteRolePermissionsBoundary", f"{IAM}:role/payments-staging-server", BOUND),
    (APPLY, "iam:PutRolePolicy", f"{IAM}:{APPLY}", BOUND),
    (APPLY, "iam:AttachRolePolicy", f"{IAM}:{PLAN}", {**BOUND, "iam:PolicyARN": "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"}),
    (APPLY, "iam:UpdateAssumeRolePolicy", f"{IAM}:{APPLY}", {}),
    (APPLY, "iam:CreatePolicyVersion", f"{IAM}:policy/payments-operators", {}),
    (APPLY, "iam:CreatePolicyVersion", f"{IAM}:policy/payments-workloads", {}),
    (APPLY, "iam:CreateRole", f"{IAM}:role/payments-x", {}),
    (APPLY, "iam:CreateRole", f"{IAM}:role/payments-x", {"iam:PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"}),
    (APPLY, "iam:CreateRole", f"{IAM}:role/elsewhere", BOUND),
    (APPLY, "iam:PassRole", f"{IAM}:role/elsewhere", {"iam:PassedToService": "eks.amazonaws.com"}),
    (APPLY, "iam:PassRole", f"{IAM}:role/payments-staging-server", {"iam:PassedToService": "lambda.amazonaws.com"}),
    (APPLY, "iam:AttachRolePolicy", f"{IAM}:role/payments-x", {**BOUND, "iam:PolicyARN": "arn:aws:iam::aws:policy/AdministratorAccess"}),
    (APPLY, "iam:CreateUser", f"{IAM}:user/mallory", {}),
    (APPLY, "iam:CreateAccessKey", f"{IAM}:{USER}", {}),
    (APPLY, "iam:PutUserPolicy", f"{IAM}:{USER}", {}),
    (APPLY, "s3:GetObject", f"{STATES}/bootstrap/terraform.tfstate", {}),
    (APPLY, "s3:PutBucketPolicy", STATES, {}),
    (APPLY, "s3:DeleteObjectVersion", f"{STATES}/shared/terraform.tfstate", {}),
    (APPLY, "s3:DeleteBucket", STATES, {}),
    (APPLY, "kms:ScheduleKeyDeletion", "states", OURS),
    (APPLY, "secretsmanager:GetSecretValue", "api-keys", {}),
    (APPLY, "ec2:CreateVpc", f"{INSTANCE}:vpc/vpc-1", {}),
    (APPLY, "ec2:CreateVpc", f"arn:aws:ec2:eu-west-1:{NUMBER}:vpc/vpc-1", {**TAGGED, "aws:RequestedRegion": "eu-west-1"}),
    (APPLY, "ec2:DeleteVpc", f"{INSTANCE}:vpc/vpc-1", {"aws:ResourceTag/project": "elsewhere"}),
    (APPLY, "ec2:RunInstances", f"{INSTANCE}:instance/i-1", {}),
    (APPLY, "rds:DeleteDBInstance", f"arn:aws:rds:{REGION}:{NUMBER}:db:elsewhere", {}),
    (APPLY, "eks:DeleteCluster", f"arn:aws:eks:{REGION}:{NUMBER}:cluster/elsewhere", {}),
    (APPLY, "route53:ChangeResourceRecordSets", "zone", {ZONE: ["nuveo.ai"]}),
    (APPLY, "kms:ScheduleKeyDeletion", KEY, {"aws:ResourceTag/project": "elsewhere"}),
    (APPLY, "sts:AssumeRole", f"{IAM}:{PUSH}", {}),
    # Pods.
    (DNS, "route53:ChangeResourceRecordSets", "zone", {ZONE: ["sre-test.nuveo.ai"], TYPES: ["A"]}),
    (DNS, "route53:ChangeResourceRecordSets", "zone", {ZONE: ["staging.sre-test.nuveo.ai"], TYPES: ["NS"]}),
    (CERTIFICATES, "route53:ChangeResourceRecordSets", "zone", {ZONE: ["staging.sre-test.nuveo.ai"], TYPES: ["TXT"]}),
    (CERTIFICATES, "route53:ChangeResourceRecordSets", "zone", {ZONE: ["_acme-challenge.sre-test.nuveo.ai"], TYPES: ["TXT"]}),
    (SERVE, "rds-db:connect", "owner", {}),
    (SERVE, "secretsmanager:GetSecretValue", "master", {}),
    (MIGRATE, "rds-db:connect", "app", {}),
    (MIGRATE, "secretsmanager:GetSecretValue", "api-keys", {}),
    (BALANCER, "ec2:AuthorizeSecurityGroupIngress", f"{INSTANCE}:security-group/sg-1", {}),
    (
        BALANCER,
        "elasticloadbalancing:DeleteLoadBalancer",
        f"arn:aws:elasticloadbalancing:{REGION}:{NUMBER}:loadbalancer/net/k8s/1",
        {"aws:ResourceTag/elbv2.k8s.aws/cluster": "payments-production"},
    ),
    (
        BALANCER,
        "iam:CreateServiceLinkedRole",
        f"{IAM}:role/aws-service-role/eks.amazonaws.com/x",
        {"iam:AWSServiceName": "eks.amazonaws.com"},
    ),
    ("role/payments-staging-node", "sts:AssumeRole", f"{IAM}:{APPLY}", {}),
    ("role/payments-staging-node", "ecr:PutImage", SERVER, {}),
    ("role/payments-staging-node", "ec2:AssignPrivateIpAddresses", f"{INSTANCE}:network-interface/eni-1", {}),
]


@pytest.fixture(scope="module")
def arns(account: Account) -> dict[str, str]:
    """What is known only once it is made."""
    kms, staging = account.client("kms"), account.outputs("staging")
    database = account.client("rds").describe_db_instances(DBInstanceIdentifier="payments-staging")["DBInstances"][0]["DbiResourceId"]
    keys = {name: f"payments-{alias}" for name, alias in (("signing", "signing"), ("states", "terraform-state"), ("data", "staging-data"))}
    return {
        "zone": f"arn:aws:route53:::hostedzone/{staging['zone_id']}",
        "api-keys": staging["api_keys_secret_arn"],
        "master": staging["master_secret_arn"],
        "app": f"arn:aws:rds-db:{REGION}:{NUMBER}:dbuser:{database}/payments_app",
        "owner": f"arn:aws:rds-db:{REGION}:{NUMBER}:dbuser:{database}/payments_owner",
        **{name: kms.describe_key(KeyId=f"alias/{alias}")["KeyMetadata"]["Arn"] for name, alias in keys.items()},
    }


Row = tuple[str, str, str, dict[str, str | list[str]]]


def ask(rows: list[Any], simulator: Simulator, arns: dict[str, str]) -> list[tuple[Row, str]]:
    requests = [Request(principal, action, arns.get(resource, resource), context) for principal, action, resource, context in rows]
    return list(zip(rows, simulator.ask(requests), strict=True))


def test_each_may_do_its_work(simulator: Simulator, arns: dict[str, str]) -> None:
    assert [(row, answer) for row, answer in ask(ALLOWED, simulator, arns) if answer != "Allowed"] == []


def test_and_nothing_of_this(simulator: Simulator, arns: dict[str, str]) -> None:
    assert [(row, answer) for row, answer in ask(DENIED, simulator, arns) if answer not in ("ExplicitlyDenied", "ImplicitlyDenied")] == []


@pytest.mark.parametrize("role", [PLAN, APPLY])
def test_what_a_plan_reads_is_within_the_boundary(role: str, simulator: Simulator) -> None:
    read = {
        action
        for policy in simulator.of(APPLY)[0]
        if policy["name"] == "payments-apply-read"
        for action in policy["policy"]["Statement"][0]["Action"]
    }
    named = sorted(action for action in read if "*" not in action)
    on = {
        "iam": f"{IAM}:role/payments-staging-server",
        "kms": KEY,
        "ecr": SERVER,
        "logs": f"arn:aws:logs:{REGION}:{NUMBER}:log-group:/payments-staging/flow",
    }
    on |= {
        "secretsmanager": f"arn:aws:secretsmanager:{REGION}:{NUMBER}:secret:payments-staging/api-keys-AbCdEf",
        "rds": f"arn:aws:rds:{REGION}:{NUMBER}:db:a",
    }
    wildcard = {
        "ecr:GetRegistryScanningConfiguration",
        "kms:ListAliases",
        "sts:GetCallerIdentity",
        "logs:DescribeLogGroups",
        "servicequotas:GetServiceQuota",
    }
    requests = [Request(role, action, "*" if action in wildcard else on[action.partition(":")[0]]) for action in named]
    assert dict(zip(named, simulator.ask(requests), strict=True)) == dict.fromkeys(named, "Allowed")


@pytest.fixture(scope="module")
def bucket_policy(account: Account) -> Document:
    """As the code has it: on the emulator another one stands in its place."""
    override = account.code / "bootstrap" / "emulator_override.tf"
    aside = override.rename(account.code / "emulator_override.tf.aside")
    try:
        planned = account.terraform("bootstrap", "plan", "-out=policy.tfplan", TF_VAR_ci_source_cidrs='["203.0.113.0/24"]')
        assert planned.returncode == 0, planned.stderr
        shown = account.terraform.show("bootstrap", "policy.tfplan")
    finally:
        aside.rename(override)
    (policy,) = (
        change["change"]["after"]["policy"] for change in shown["resource_changes"] if change["address"] == "aws_s3_bucket_policy.state"
    )
    document: Document = json.loads(policy)
    return document


@pytest.mark.parametrize(
    ("context", "answer"),
    [
        ({"s3:x-amz-server-side-encryption-aws-kms-key-id": "ours"}, "Allowed"),
        ({"s3:x-amz-server-side-encryption-aws-kms-key-id": KEY}, "ExplicitlyDenied"),
        ({}, "ExplicitlyDenied"),
        ({"s3:x-amz-server-side-encryption-aws-kms-key-id": "ours", "aws:SecureTransport": "false"}, "ExplicitlyDenied"),
    ],
)
def test_states_are_written_by_tls_with_our_key_alone(
    context: dict[str, str], answer: str, account: Account, bucket_policy: Document, simulator: Simulator
) -> None:
    ours = account.client("kms").describe_key(KeyId="alias/payments-terraform-state")["KeyMetadata"]["Arn"]
    given: dict[str, str | list[str]] = {name: ours if value == "ours" else value for name, value in context.items()}
    request = Request(APPLY, "s3:PutObject", f"{STATES}/environment/staging.tfstate", given)
    assert simulator.ask([request], bucket_policy) == [answer]


@pytest.mark.parametrize("name", ["payments-ci-push", "payments-ci-deploy-staging", "payments-plan", "payments-apply"])
def test_trust_asks_for_the_external_id_and_for_addresses_or_mfa(name: str, account: Account, simulator: Simulator) -> None:
    trust = account.client("iam").get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    person = name == "payments-apply"
    good = {
        "sts:ExternalId": "0123456789abcdef",
        "aws:SourceIp": "203.0.113.7",
        "aws:MultiFactorAuthPresent": "true" if person else "false",
    }
    for statement in trust["Statement"]:
        assert "sts:ExternalId" in statement["Condition"]["StringEquals"]
        assert ("aws:MultiFactorAuthPresent" in statement["Condition"].get("Bool", {})) or statement["Condition"]["IpAddress"] == {
            "aws:SourceIp": ["203.0.113.0/24"]
        }
    if person:
        return
    role = f"{IAM}:role/{name}"
    tried = [good, {**good, "sts:ExternalId": "another"}, {**good, "aws:SourceIp": "192.0.2.1"}]
    answers = [simulator.ask([Request(USER, "sts:AssumeRole", role, dict(context))], trust)[0] for context in tried]
    assert answers[0] == "Allowed" and "Allowed" not in answers[1:]
