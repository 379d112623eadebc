"""What the pipeline does with AWS, on an emulator: roles are assumed, images are looked up."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from tests.infra.account import NUMBER, REGION
from tests.infra.conftest import run, tool
from tests.infra.emulator import emulator

ROOT = Path(__file__).parents[2]
MANIFEST = (
    '{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": {"digest": "sha256:%s"}, "layers": []}'
)
USER = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_ACCOUNT_ID": NUMBER,
    "AWS_REGION": REGION,
    "CI_EXTERNAL_ID": "an-external-id-of-tests",
}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    tool("aws")
    with emulator(tmp_path_factory.mktemp("moto") / "log") as url:
        yield url


def as_user(address: str, *command: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return run(*command, cwd=ROOT, **{**USER, "AWS_ENDPOINT_URL": address, "NO_PROXY": "127.0.0.1", **changes})


@pytest.fixture(scope="module")
def ecr(address: str) -> "boto3.client":
    client = boto3.client("ecr", region_name=REGION, endpoint_url=address, aws_access_key_id="testing", aws_secret_access_key="testing")
    for name in ("payments-server", "payments-gateway"):
        client.create_repository(repositoryName=name, imageTagMutability="IMMUTABLE")
    return client


def commit() -> str:
    return subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def put(ecr: "boto3.client", name: str) -> str:
    answer = ecr.put_image(repositoryName=name, imageManifest=MANIFEST % (len(name) * "a").ljust(64, "0"), imageTag=commit())
    return f"{name}={NUMBER}.dkr.ecr.{REGION}.amazonaws.com/{name}@{answer['image']['imageId']['imageDigest']}"


def test_a_command_gets_the_credentials_of_the_role_and_nothing_of_the_user(address: str) -> None:
    ran = as_user(address, "ci/assume", "push", "sh", "-c", "aws sts get-caller-identity --output text; env", TRAVIS_BUILD_NUMBER="17")
    assert ran.returncode == 0, ran.stderr
    assert "assumed-role/payments-ci-push/travis-17" in ran.stdout
    assert "AWS_SECRET_ACCESS_KEY=testing" not in ran.stdout
    assert "AWS_SESSION_TOKEN=" in ran.stdout
    assert "CI_EXTERNAL_ID" not in ran.stdout


@pytest.mark.parametrize("variable", USER)
def test_a_variable_that_is_not_set_is_named(address: str, variable: str) -> None:
    ran = as_user(address, "ci/assume", "push", "true", **{variable: ""})
    assert ran.returncode == 1
    assert f"ci: {variable} is not set" in ran.stderr


def test_a_role_of_no_stage_is_refused(address: str) -> None:
    assert "there is no role apply" in as_user(address, "ci/assume", "apply", "true").stderr


def test_the_exit_code_is_that_of_the_command(address: str) -> None:
    assert as_user(address, "ci/assume", "push", "sh", "-c", "exit 7").returncode == 7


def test_a_commit_is_looked_up_image_by_image(address: str, ecr: "boto3.client") -> None:
    none = as_user(address, "ci/digests", "HEAD")
    assert (none.returncode, none.stdout) == (3, "")
    server = put(ecr, "payments-server")
    one = as_user(address, "ci/digests", "HEAD")
    assert (one.returncode, one.stdout.split()) == (3, [server])
    named = as_user(address, "ci/digests", "HEAD", "payments-server")
    assert (named.returncode, named.stdout.split()) == (0, [server])
    gateway = put(ecr, "payments-gateway")
    both = as_user(address, "ci/digests", "HEAD")
    assert (both.returncode, both.stdout.split()) == (0, [server, gateway])


def test_a_cluster_of_no_environment_is_refused(address: str) -> None:
    assert "there is no environment test" in as_user(address, "ci/cluster", "test", "true").stderr


def test_a_command_on_a_cluster_gets_a_context_of_its_own(address: str) -> None:
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    eks = boto3.client("eks", region_name=REGION, endpoint_url=address, **keys)
    network = {"subnetIds": ["subnet-1"]}
    eks.create_cluster(name="payments-staging", roleArn=f"arn:aws:iam::{NUMBER}:role/cluster", resourcesVpcConfig=network)
    ran = as_user(address, "ci/cluster", "staging", "kubectl", "config", "current-context")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == f"arn:aws:eks:{REGION}:{NUMBER}:cluster/payments-staging"


def test_nothing_is_deployed_where_ecr_lacks_an_image(address: str, ecr: "boto3.client") -> None:
    done = as_user(address, "ci/deploy", "production", "/dev/null")
    assert done.returncode == 1
    assert "there is no digest of payments-server" in done.stderr


def test_a_registry_that_does_not_answer_is_not_taken_for_one_without_the_image() -> None:
    ran = as_user("http://127.0.0.1:1", "ci/digests", "HEAD", AWS_MAX_ATTEMPTS="1")
    assert ran.returncode == 1
    assert "ECR was asked for payments-server" in ran.stderr
