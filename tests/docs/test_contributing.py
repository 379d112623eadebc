"""CONTRIBUTING's examples, followed to the letter in a copy of the repository: each is applied as it stands, and does what the page says."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from local.stack import Ports, temporary_folder
from tests.docs.pages import ROOT, blocks, clone

CLIENT = """
import grpc, sys
from payments.v1 import PaymentServiceStub, payments_pb2 as pb
with grpc.insecure_channel(sys.argv[1]) as channel:
    print(PaymentServiceStub(channel).CountPayments(pb.CountPaymentsRequest(status=pb.STATUS_INSERTED)).count)
"""
SERVE = """
import sys
from pathlib import Path
from local.stack import Ports, stack
with stack(Path(sys.argv[1]), Ports(*map(int, sys.argv[2:]))):
    print("serving", flush=True)
    sys.stdin.read()
"""


@dataclass
class Copy:
    """The repository with all examples applied. Its code comes before the environment's."""

    folder: Path

    def python(self, *arguments: str) -> list[str]:
        return [sys.executable, *arguments]

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": f"{self.folder}{os.pathsep}{self.folder / 'proto'}"}

    def run(self, *command: str) -> str:
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    folder = tmp_path_factory.mktemp("contributing") / "repository"
    clone(folder)
    made = Copy(folder)
    for example in diffs():
        applied = subprocess.run(["git", "apply", "-C1", "-"], cwd=folder, input=example, capture_output=True, text=True)
        assert applied.returncode == 0, f"the example no longer fits the code: {applied.stderr}\n{example}"
    made.run(*made.python("proto/generate.py", "proto"))
    return made


def diffs() -> list[str]:
    return [block.text for block in blocks(ROOT / "CONTRIBUTING.md") if block.info == ["diff"]]


@dataclass
class Served:
    rest: str
    grpc: str
    metrics: str


@pytest.fixture(scope="module")
def served(copy: Copy) -> Iterator[Served]:
    """The copy's own server and gateway."""
    ports = Ports.free()
    numbers = [str(port) for port in (ports.rest, ports.grpc, ports.server_metrics, ports.gateway_metrics)]
    with temporary_folder() as data:
        command = copy.python("-c", SERVE, str(data), *numbers)
        with subprocess.Popen(
            command, cwd=copy.folder, env=copy.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout and process.stdout.readline() == "serving\n", (data / "log").read_text()
            yield Served(f"http://127.0.0.1:{ports.rest}", f"127.0.0.1:{ports.grpc}", f"http://127.0.0.1:{ports.server_metrics}/metrics")
            process.communicate()


def test_there_is_an_example_of_each_kind() -> None:
    assert len(diffs()) == 5  # RPC, metric, component, module, stage


def test_a_new_rpc_is_a_rest_route_an_openapi_operation_and_a_method_of_the_client(copy: Copy, served: Served) -> None:
    with requests.Session() as http:
        http.trust_env = False
        for _ in range(3):
            assert http.post(f"{served.rest}/create", json={"data": {}, "payment": 1}, timeout=10).status_code == 200
        answer = http.get(f"{served.rest}/count", params={"status": "inserted"}, timeout=10)
        assert (answer.status_code, answer.json()) == (200, {"count": 3})
        assert http.get(f"{served.rest}/count", params={"status": "paid"}, timeout=10).status_code == 400
        operation = http.get(f"{served.rest}/openapi.json", timeout=10).json()["paths"]["/count"]["get"]
        assert operation["summary"] == "Counts payments" and [each["name"] for each in operation["parameters"]] == ["status"]
    assert copy.run(*copy.python("-c", CLIENT, served.grpc)) == "3\n"


def test_a_new_rpc_is_in_the_reference(copy: Copy) -> None:
    copy.run(*copy.python("docs/api_reference.py"))
    assert "| [CountPayments](#countpayments) | `GET /count` | read |" in (copy.folder / "docs/api.md").read_text()


def test_a_new_metric_is_served_and_in_the_table(copy: Copy, served: Served) -> None:
    with requests.Session() as http:
        http.trust_env = False
        assert http.get(f"{served.rest}/count", timeout=10).status_code == 200
        counted = [line for line in http.get(served.metrics, timeout=10).text.splitlines() if line.startswith("payments_counts_total ")]
    assert len(counted) == 1 and float(counted[0].split()[1]) >= 1
    copy.run(*copy.python("docs/metrics_table.py"))
    assert "| `payments_counts_total` | counter |" in (copy.folder / "docs/metrics.md").read_text()


def test_a_new_component_changes_what_an_overlay_is_built_of(copy: Copy) -> None:
    if not (shutil.which("kustomize") or shutil.which("kubectl")):
        pytest.skip("NOT RUN: neither kustomize nor kubectl is installed, so the component was not built")
    build = (
        "import sys; from pathlib import Path; from tests.manifests.build import build_combination;"
        "print([each['data'] for each in build_combination(('postgres', 'debug-logs'), Path(sys.argv[1])) if each['kind'] == 'ConfigMap'])"
    )
    folder = copy.folder / "kustomize" / "overlays" / "of-a-test"
    folder.mkdir()
    assert "'PAYMENTS_SERVER_LOG_LEVEL': 'debug'" in copy.run(*copy.python("-c", build, str(folder)))


def test_a_new_module_has_every_file_and_passes_its_tests(copy: Copy) -> None:
    module = copy.folder / "terraform" / "modules" / "budget"
    assert {file.name for file in module.iterdir()} >= {file.name for file in (ROOT / "terraform/modules/registry").iterdir()} - {"keys.tf"}
    if shutil.which("terraform") is None:
        pytest.skip("NOT RUN: terraform is not installed, so the module was not tested")
    copy.run("terraform", "fmt", "-check", "-diff", str(module))
    made = subprocess.run(
        ["terraform", f"-chdir={module}", "init", "-backend=false"], cwd=copy.folder, capture_output=True, text=True, timeout=120
    )
    if made.returncode != 0:
        pytest.skip(f"NOT RUN: no provider could be had, so the module was not tested: {made.stderr[-200:]}")
    assert "2 passed, 0 failed" in copy.run("terraform", f"-chdir={module}", "test")


def test_a_new_stage_runs_for_main_alone(copy: Copy) -> None:
    copy.run(*copy.python("-m", "check_jsonschema", "--builtin-schema", "vendor.travis", ".travis.yml"))
    stages = (
        "import json; from pathlib import Path; from rehearsal.build import pull_request, push; from rehearsal.pipeline import read;"
        "pipeline = read(Path('.travis.yml')); builds = [push('0' * 40), pull_request('0' * 40, fork=False)];"
        "print(json.dumps([[stage.name for stage, _ in pipeline.selected(build)] for build in builds]))"
    )
    of_main, of_pull_request = json.loads(copy.run(*copy.python("-c", stages)))
    assert of_main[-2:] == ["staging", "ledger"] and "ledger" not in of_pull_request
