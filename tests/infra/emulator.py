"""An AWS of one's own for the time of the tests: moto, on a port of its own."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener


@contextlib.contextmanager
def emulator(log: Path) -> Iterator[str]:
    """The address of a moto that knows AWS's own managed policies, as roles are attached to them."""
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    program = Path(sys.executable).with_name("moto_server")
    with log.open("w") as output:
        process = subprocess.Popen(
            [str(program), "-H", "127.0.0.1", "-p", str(port)],
            env={**os.environ, "MOTO_IAM_LOAD_MANAGED_POLICIES": "true"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            wait(f"{url}/moto-api/data.json", process)
            yield url
        finally:
            process.terminate()
            process.wait(10)


def wait(url: str, process: subprocess.Popen[bytes]) -> None:
    opener = build_opener(ProxyHandler({}))
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(URLError, ConnectionError, TimeoutError):
            opener.open(url, timeout=2).close()
            return
        time.sleep(0.2)
    raise RuntimeError("moto does not answer")
