"""What runs, read back from the pods themselves, and what Pod Security does not let run."""

import json

import pytest

from tests.e2e.kubectl import get, kubectl, names, ready_pods, run_python
from tests.e2e.service import DEPLOYMENTS

WHO = """
import json, os
status = dict(line.split(":\\t", 1) for line in open("/proc/1/status").read().splitlines() if ":\\t" in line)
def writes(path):
    try:
        open(path, "w").close()
        return True
    except OSError:
        return False
root = next(line for line in open("/proc/mounts") if line.split()[1] == "/")
print(json.dumps({
    "uids": status["Uid"].split(), "capabilities": int(status["CapEff"], 16) | int(status["CapBnd"], 16), "no_new_privs": status["NoNewPrivs"],
    "seccomp": status["Seccomp"], "root": root.split()[3].split(",")[0], "writes": [each for each in ("/x", "/tmp/x", "/opt/venv/x") if writes(each)],
    "token": os.path.exists("/var/run/secrets/kubernetes.io/serviceaccount/token"),
}))
"""


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_processes_have_no_rights_and_nowhere_to_write(name: str) -> None:
    for pod in names(ready_pods(name)):
        found = json.loads(run_python(pod, WHO))
        assert found == {
            "uids": ["65532"] * 4,
            "capabilities": 0,
            "no_new_privs": "1",
            "seccomp": "2",
            "root": "ro",
            "writes": [],
            "token": False,
        }


def test_every_container_of_the_service_and_of_nginx_is_not_root_and_has_a_read_only_root() -> None:
    for namespace in ("payments", "nginx-ingress"):
        for pod in get("pods", namespace=namespace):
            spec = pod["spec"]
            for container in [*spec.get("initContainers", []), *spec["containers"]]:
                context = {**spec["securityContext"], **container["securityContext"]}
                assert context["runAsNonRoot"] and context["runAsUser"] > 0 and context["readOnlyRootFilesystem"], container["name"]


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_images_are_those_that_were_pushed(name: str) -> None:
    for pod in ready_pods(name):
        assert "@sha256:" in pod["spec"]["containers"][0]["image"] or ":latest" not in pod["spec"]["containers"][0]["image"]


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_images_are_small(name: str) -> None:
    program = """
import os
print(sum(os.lstat(os.path.join(folder, file)).st_blocks for folder, _, files in os.walk("/opt/venv") for file in files) // 2048)
"""
    mebibytes = int(run_python(min(names(ready_pods(name))), program))
    assert 30 < mebibytes < 120, mebibytes


def test_the_servers_image_can_sign_tokens_for_rds() -> None:
    """Without AWS: whoever has credentials signs by itself."""
    program = """
import os
os.environ |= {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "example", "AWS_REGION": "us-east-1"}
from server.iam import IamTokens
print(IamTokens("postgresql://payments_app@db.example/payments?sslmode=verify-full")())
"""
    token = run_python(min(names(ready_pods("payments-server"))), program)
    assert token.startswith("db.example:5432/?Action=connect&DBUser=payments_app") and "X-Amz-Signature=" in token


@pytest.mark.parametrize(
    "context", [{"privileged": True, "allowPrivilegeEscalation": True}, {"runAsUser": 0}, {"capabilities": {"add": ["SYS_ADMIN"]}}], ids=str
)
def test_a_privileged_variant_is_refused(context: dict[str, object]) -> None:
    deployment = get("deployment", "payments-server")
    spec = deployment["spec"]["template"]["spec"]
    spec["containers"][0]["securityContext"] |= context
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "variant"}, "spec": spec}
    said = kubectl("create", "--dry-run=server", "--filename", "-", stdin=json.dumps(pod), check=False)
    assert "violates PodSecurity" in said, said


def test_the_migration_left_the_roles_apart() -> None:
    """The server's own URL may not change the schema."""
    program = """
import os, psycopg2
connection = psycopg2.connect(os.environ["DATABASE_URL"])
try:
    connection.cursor().execute("DROP TABLE payments")
    print("dropped")
except psycopg2.Error as error:
    print(error.diag.message_primary)
"""
    pod = min(names(ready_pods("payments-server")))
    assert "must be owner" in run_python(pod, program)
