"""The client package alone, as an internal service gets it: installed into an empty environment, typed, and working."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.stack import stack, temporary_folder

PACKAGE = Path(__file__).parents[1]
PROGRAM = """\
import sys

import grpc
from payments.v1 import CreatePaymentRequest, ListPaymentsRequest, PaymentServiceStub

with grpc.insecure_channel(sys.argv[1]) as channel:
    payments = PaymentServiceStub(channel)
    created = payments.CreatePayment(CreatePaymentRequest(data='{"order": 17}', payment="1234.50"))
    for payment in payments.ListPayments(ListPaymentsRequest()).payments:
        print(payment.id == created.id, payment.payment, payment.data)
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has the package and what it asks for, nothing else."""
    environment = tmp_path_factory.mktemp("client")
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    python = environment / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", PACKAGE], check=True, cwd=environment)
    return python


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return path


def test_ten_lines_create_and_list_payments(client: Path, program: Path) -> None:
    with temporary_folder() as folder, stack(folder) as running:
        done = subprocess.run([client, program, running.grpc_target], check=True, capture_output=True, text=True, cwd=program.parent)
    assert done.stdout == 'True 1234.50 {"order": 17}\n'


def test_the_program_is_clean_under_strict_types(client: Path, program: Path) -> None:
    """mypy of this environment reads the types of the client's."""
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", client, program]
    done = subprocess.run(command, capture_output=True, text=True, cwd=program.parent, env=os.environ | {"MYPYPATH": ""})
    assert done.returncode == 0, done.stdout
