"""`python -m monitoring`, as a person starts and stops it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from monitoring.prometheus import free_port

pytestmark = pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus, Debian's package, is not installed")

PATIENCE = 90  # seconds; it takes about ten


def test_the_numbers_are_shown_and_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    output = tmp_path / "output"
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "monitoring"],
            env=environment | {"PAYMENTS_PROMETHEUS_PORT": str(free_port())},
            stdout=file,
            stderr=file,
        )
    try:
        end = time.monotonic() + PATIENCE
        while "Starts in an hour" not in output.read_text():
            assert process.poll() is None and time.monotonic() < end, output.read_text()
            time.sleep(0.1)
        found = re.search(r"Dashboards  file://(\S+)", output.read_text())
        assert found and Path(found[1]).read_text().count("<li>") == 5
        assert re.search(r"created +\d", output.read_text())
        children = psutil.Process(process.pid).children(recursive=True)
        assert {child.name() for child in children} >= {"prometheus"}
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0, output.read_text()
    finally:
        process.kill()
    assert not [child for child in children if child.is_running()]
