"""What happens after the first run, in this order: nothing, a lock, a change, drift, and the end."""

import json

import pytest

from tests.infra.account import BUCKET, ENVIRONMENTS, Account


@pytest.mark.parametrize("root", ["shared", *ENVIRONMENTS])
def test_a_second_plan_changes_nothing(root: str, account: Account) -> None:
    assert account.plan(root) == {}


def test_a_plan_is_applied_once(account: Account) -> None:
    account.run("plan", "shared")
    account.run("apply", "shared")
    again = account.try_run("apply", "shared")
    assert again.returncode == 1
    assert "nothing is planned" in again.stderr


def test_a_held_lock_refuses_a_second_run(account: Account) -> None:
    s3, name = account.client("s3"), "environment/staging.tfstate.tflock"
    held = {"ID": "00000000-0000-0000-0000-000000000001", "Operation": "OperationTypeApply", "Who": "alice@elsewhere", "Version": "1.11.4"}
    s3.put_object(Bucket=BUCKET, Key=name, Body=json.dumps(held))
    refused = account.try_run("plan", "staging")
    s3.delete_object(Bucket=BUCKET, Key=name)
    assert refused.returncode != 0
    assert "alice@elsewhere" in refused.stderr


def test_a_zone_more_moves_no_subnet(account: Account) -> None:
    with account.edited("production", '"use1-az4"]', '"use1-az4", "use1-az6"]'):
        changes = account.plan("production")
    subnets = {address: actions for address, actions in changes.items() if ".aws_subnet." in address or ".aws_route" in address}
    assert subnets and all(actions == ["create"] and "use1-az6" in address for address, actions in subnets.items()), subnets
    assert changes["module.cluster.aws_eks_node_group.this"] == ["create", "delete"]
    assert not [address for address, actions in changes.items() if "delete" in actions and "node_group" not in address]


def test_larger_nodes_are_there_before_the_old_ones_go(account: Account) -> None:
    with account.edited("staging", '"m7i.large"', '"m7i.xlarge"'):
        assert account.plan("staging") == {"module.cluster.aws_eks_node_group.this": ["create", "delete"]}
        account.run("apply", "staging")
        assert account.plan("staging") == {}
    eks = account.client("eks")
    (group,) = eks.list_nodegroups(clusterName="payments-staging")["nodegroups"]
    assert eks.describe_nodegroup(clusterName="payments-staging", nodegroupName=group)["nodegroup"]["instanceTypes"] == ["m7i.xlarge"]
    account.apply("staging")


def test_what_goes_behind_terraforms_back_is_seen_and_mended(account: Account) -> None:
    ecr, logs, iam = account.client("ecr"), account.client("logs"), account.client("iam")
    ecr.delete_lifecycle_policy(repositoryName="payments-server")
    logs.put_retention_policy(logGroupName="/payments-staging/flow", retentionInDays=1)
    iam.delete_role_policy(RoleName="payments-staging-server", PolicyName="pod")
    assert 'module.registry.aws_ecr_lifecycle_policy.this["payments-server"]' in account.plan("shared")
    assert {"module.network.aws_cloudwatch_log_group.flow", 'module.cluster.aws_iam_role_policy.pod["server"]'} <= set(
        account.plan("staging")
    )
    for root in ("shared", "staging"):
        account.run("apply", root)
        assert account.plan(root) == {}
    ecr.get_lifecycle_policy(repositoryName="payments-server")
    (group,) = logs.describe_log_groups(logGroupNamePrefix="/payments-staging/flow")["logGroups"]
    assert group["retentionInDays"] == 30


def test_nothing_is_destroyed_by_a_slip_of_the_hand(account: Account) -> None:
    for confirmed in ("", "production"):
        refused = account.try_run("destroy", "staging", CONFIRM=confirmed)
        assert (refused.returncode, "CONFIRM=staging" in refused.stderr) == (1, True)
    refused = account.try_run("destroy", "bootstrap", CONFIRM="bootstrap")
    assert refused.returncode == 1


def test_an_environment_with_a_load_balancer_or_records_is_not_destroyed(account: Account) -> None:
    ec2, route53, outputs = account.client("ec2"), account.client("route53"), account.outputs("staging")
    (subnet, *_) = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [outputs["vpc_id"]]}])["Subnets"]
    interface = ec2.create_network_interface(SubnetId=subnet["SubnetId"], Description="ELB net/payments/1")["NetworkInterface"]
    refused = account.try_run("destroy", "staging", CONFIRM="staging")
    assert "load balancers are still there" in refused.stderr
    ec2.delete_network_interface(NetworkInterfaceId=interface["NetworkInterfaceId"])

    record = {"Name": outputs["hostname"], "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    for action, refuses in (("UPSERT", True), ("DELETE", False)):
        route53.change_resource_record_sets(
            HostedZoneId=outputs["zone_id"], ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": record}]}
        )
        if refuses:
            refused = account.try_run("destroy", "staging", CONFIRM="staging")
            assert "records are still there" in refused.stderr
    assert account.client("eks").list_clusters()["clusters"] == ["payments-production", "payments-staging"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_is_destroyed_whole(environment: str, account: Account) -> None:
    account.run("destroy", environment, CONFIRM=environment)
    ec2 = account.client("ec2")
    assert ec2.describe_vpcs(Filters=[{"Name": "tag:environment", "Values": [environment]}])["Vpcs"] == []
    assert ec2.describe_launch_templates(Filters=[{"Name": "tag:environment", "Values": [environment]}])["LaunchTemplates"] == []
    assert ec2.describe_addresses(Filters=[{"Name": "tag:environment", "Values": [environment]}])["Addresses"] == []
    assert f"payments-{environment}" not in account.client("eks").list_clusters()["clusters"]
    assert not [
        found for found in account.client("rds").describe_db_instances()["DBInstances"] if environment in found["DBInstanceIdentifier"]
    ]
    assert not [role for role in account.client("iam").list_roles()["Roles"] if environment in role["RoleName"]]
    assert not [group for group in account.client("logs").describe_log_groups()["logGroups"] if environment in group["logGroupName"]]


def test_what_is_shared_goes_last(account: Account) -> None:
    account.run("destroy", "shared", CONFIRM="shared")
    assert account.client("ecr").describe_repositories()["repositories"] == []
    assert account.client("route53").list_hosted_zones()["HostedZones"] == []
    assert {role["RoleName"] for role in account.client("iam").list_roles()["Roles"]} == {"payments-plan", "payments-apply"}


def test_bootstrap_goes_after_its_state_has_come_home(account: Account) -> None:
    (account.code / "bootstrap" / "backend_override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
    for arguments in (["init", "-migrate-state", "-force-copy"], ["destroy"]):
        done = account.terraform("bootstrap", *arguments, **{"TF_VAR_ci_source_cidrs": '["203.0.113.0/24"]'})
        assert done.returncode == 0, done.stdout + done.stderr
    assert account.client("s3").list_buckets()["Buckets"] == []
    assert account.client("iam").list_roles()["Roles"] == []
    assert account.client("iam").list_users()["Users"] == []
