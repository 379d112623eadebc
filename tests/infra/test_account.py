"""What was made, as the emulator tells it by boto3: not as Terraform tells it."""

from typing import Any

import pytest

from tests.infra.account import BUCKET, ENVIRONMENTS, Account


def vpc(account: Account, environment: str) -> str:
    (found,) = account.client("ec2").describe_vpcs(Filters=[{"Name": "tag:Name", "Values": [f"payments-{environment}"]}])["Vpcs"]
    return str(found["VpcId"])


def of_vpc(account: Account, environment: str) -> list[dict[str, Any]]:
    return [{"Name": "vpc-id", "Values": [vpc(account, environment)]}]


def tags(thing: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in thing["Tags"]}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_each_zone_has_three_subnets(environment: str, account: Account) -> None:
    subnets = account.client("ec2").describe_subnets(Filters=of_vpc(account, environment))["Subnets"]
    kinds: dict[str, set[str]] = {}
    for subnet in subnets:
        kind = tags(subnet)["Name"].removeprefix(f"payments-{environment}-").split("-")[0]
        kinds.setdefault(kind, set()).add(subnet["AvailabilityZoneId"])
        assert ("kubernetes.io/role/elb" in tags(subnet)) == (kind == "public")
        assert ("kubernetes.io/role/internal-elb" in tags(subnet)) == (kind == "private")
    zones = {"use1-az1", "use1-az2", "use1-az4"}
    assert kinds == {"private": zones, "public": zones, "database": zones}


@pytest.mark.parametrize(("environment", "gateways"), [("staging", 1), ("production", 3)])
def test_private_subnets_go_out_by_nat_and_the_databases_not_at_all(environment: str, gateways: int, account: Account) -> None:
    ec2 = account.client("ec2")
    assert len(ec2.describe_nat_gateways(Filter=of_vpc(account, environment))["NatGateways"]) == gateways
    ways: dict[str, set[str]] = {}
    for table in ec2.describe_route_tables(Filters=of_vpc(account, environment))["RouteTables"]:
        kind = tags(table).get("Name", "main").removeprefix(f"payments-{environment}-").split("-")[0]
        for route in table["Routes"]:
            if route.get("DestinationCidrBlock") == "0.0.0.0/0":
                ways.setdefault(kind, set()).add("nat" if "NatGatewayId" in route else "internet")
    assert ways == {"public": {"internet"}, "private": {"nat"}}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_security_group_is_open_to_the_internet(environment: str, account: Account) -> None:
    for group in account.client("ec2").describe_security_groups(Filters=of_vpc(account, environment))["SecurityGroups"]:
        for rule in group["IpPermissions"]:
            assert not [cidr for cidr in rule["IpRanges"] if cidr["CidrIp"].endswith("/0")], group["GroupName"]
        if group["GroupName"] == "default":
            assert (group["IpPermissions"], group["IpPermissionsEgress"]) == ([], [])


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_only_pods_with_the_clients_group_reach_the_database(environment: str, account: Account) -> None:
    groups = {
        group["GroupName"]: group
        for group in account.client("ec2").describe_security_groups(Filters=of_vpc(account, environment))["SecurityGroups"]
    }
    database, client = groups[f"payments-{environment}-database"], groups[f"payments-{environment}-database-client"]
    (rule,) = database["IpPermissions"]
    assert (rule["FromPort"], rule["ToPort"], rule["IpRanges"]) == (5432, 5432, [])
    assert [pair["GroupId"] for pair in rule["UserIdGroupPairs"]] == [client["GroupId"]]
    assert account.outputs(environment)["database_client_security_group_id"] == client["GroupId"]


@pytest.mark.parametrize(("environment", "endpoints"), [("staging", {"s3"}), ("production", {"s3", "ecr.api", "ecr.dkr", "sts", "logs"})])
def test_endpoints(environment: str, endpoints: set[str], account: Account) -> None:
    found = account.client("ec2").describe_vpc_endpoints(Filters=of_vpc(account, environment))["VpcEndpoints"]
    assert {endpoint["ServiceName"].removeprefix("com.amazonaws.us-east-1.") for endpoint in found} == endpoints


@pytest.mark.parametrize(("environment", "standby", "days"), [("staging", False, 7), ("production", True, 14)])
def test_the_database_is_private_encrypted_and_has_backups(environment: str, standby: bool, days: int, account: Account) -> None:
    (found,) = account.client("rds").describe_db_instances(DBInstanceIdentifier=f"payments-{environment}")["DBInstances"]
    assert (found["MultiAZ"], found["StorageEncrypted"], found["PubliclyAccessible"]) == (standby, True, False)
    assert (found["BackupRetentionPeriod"], found["DeletionProtection"], found["IAMDatabaseAuthenticationEnabled"]) == (days, True, True)
    assert found["MasterUserSecret"]["SecretArn"] == account.outputs(environment)["master_secret_arn"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_cluster_is_limited_and_logs_everything(environment: str, account: Account) -> None:
    cluster = account.client("eks").describe_cluster(name=f"payments-{environment}")["cluster"]
    assert cluster["version"] == "1.35"
    assert cluster["resourcesVpcConfig"]["endpointPrivateAccess"]
    assert set(cluster["resourcesVpcConfig"]["publicAccessCidrs"]) == {"198.51.100.0/24", "203.0.113.0/24"}
    assert cluster["encryptionConfig"][0]["resources"] == ["secrets"]


def test_images_have_tags_that_stay(account: Account) -> None:
    ecr = account.client("ecr")
    repositories = ecr.describe_repositories()["repositories"]
    assert {found["repositoryName"] for found in repositories} == {"payments-gateway", "payments-server"}
    for found in repositories:
        assert (found["imageTagMutability"], found["encryptionConfiguration"]["encryptionType"]) == ("IMMUTABLE", "KMS")
        ecr.get_lifecycle_policy(repositoryName=found["repositoryName"])
    (rule,) = ecr.get_registry_scanning_configuration()["scanningConfiguration"]["rules"]
    assert rule["scanFrequency"] == "SCAN_ON_PUSH"


def test_the_zone_says_who_may_issue_certificates(account: Account) -> None:
    route53 = account.client("route53")
    (zone,) = route53.list_hosted_zones()["HostedZones"]
    assert (zone["Name"], zone["Config"]["PrivateZone"]) == ("sre-test.nuveo.ai.", False)
    records = {found["Type"]: found for found in route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]}
    assert {record["Value"] for record in records["CAA"]["ResourceRecords"]} == {'0 issue "letsencrypt.org"', '0 issuewild ";"'}
    assert sorted(record["Value"].rstrip(".") for record in records["NS"]["ResourceRecords"]) == account.outputs("shared")["name_servers"]


def test_logs_end_and_are_encrypted(account: Account) -> None:
    groups = account.client("logs").describe_log_groups()["logGroups"]
    assert {group["logGroupName"] for group in groups} == {
        name
        for environment in ENVIRONMENTS
        for name in (
            f"/payments-{environment}/flow",
            f"/aws/eks/payments-{environment}/cluster",
            *(f"/aws/rds/instance/payments-{environment}/{log}" for log in ("iam-db-auth-error", "postgresql", "upgrade")),
        )
    }
    for group in groups:
        assert group["kmsKeyId"]
        assert group["retentionInDays"] == (365 if "production" in group["logGroupName"] else 30)


def test_keys_that_can_be_rotated_are(account: Account) -> None:
    kms = account.client("kms")
    for key in kms.list_keys()["Keys"]:
        found = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
        if found["KeySpec"] == "SYMMETRIC_DEFAULT" and found["KeyManager"] == "CUSTOMER":
            assert kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"], found["Description"]


def test_every_role_is_bound(account: Account) -> None:
    iam = account.client("iam")
    bound = {}
    for role in iam.list_roles()["Roles"]:
        found = iam.get_role(RoleName=role["RoleName"])["Role"]
        bound[role["RoleName"]] = found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "").rpartition("/")[2]
    assert bound.pop("payments-plan") == bound.pop("payments-apply") == "payments-operators"
    assert set(bound.values()) == {"payments-workloads"}
    assert len(bound) == 1 + 2 * 12, sorted(bound)


def test_the_pipelines_user_has_no_key_until_a_person_makes_one(account: Account) -> None:
    iam = account.client("iam")
    assert [user["UserName"] for user in iam.list_users()["Users"]] == ["payments-ci"]
    assert iam.list_access_keys(UserName="payments-ci")["AccessKeyMetadata"] == []


def test_states_are_encrypted_with_our_key_and_kept_in_versions(account: Account) -> None:
    s3 = account.client("s3")
    key = account.client("kms").describe_key(KeyId="alias/payments-terraform-state")["KeyMetadata"]["Arn"]
    names = {found["Key"] for found in s3.list_objects_v2(Bucket=BUCKET)["Contents"]}
    assert names == {
        "bootstrap/terraform.tfstate",
        "shared/terraform.tfstate",
        "environment/staging.tfstate",
        "environment/production.tfstate",
    }
    for name in names:
        head = s3.head_object(Bucket=BUCKET, Key=name)
        assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", key)
    # The locks of the runs before: the bucket's policy asks the same of them.
    locks = [found for found in s3.list_object_versions(Bucket=BUCKET)["Versions"] if found["Key"].endswith(".tflock")]
    assert len(locks) >= 6
    for lock in locks:
        head = s3.head_object(Bucket=BUCKET, Key=lock["Key"], VersionId=lock["VersionId"])
        assert head.get("SSEKMSKeyId") == key, lock["Key"]
    assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    assert all(s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"].values())


@pytest.mark.parametrize("root", ["shared", *ENVIRONMENTS])
def test_no_state_holds_a_password(root: str, account: Account) -> None:
    for resource in account.state(root)["resources"]:
        for instance in resource["instances"]:
            found = {name for name, value in instance["attributes"].items() if name in ("password", "secret_string", "secret") and value}
            assert not found, resource["name"]
