"""Scanners run as processes that get no credentials: a scanner's release may be the one that was tampered with."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
TREE = ROOT / "build" / "scan" / "tree"
VENV = ROOT / ".venv" / "scan" / "bin"
INSTALLED = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "payments-scanners"

# All that a scanner sees of the environment. KUBECONFIG and DOCKER_HOST name what is scanned.
PASSED_ON = {
    *("PATH", "HOME", "TMPDIR", "LANG", "XDG_CACHE_HOME", "KUBECONFIG", "DOCKER_HOST"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"),
}


class ScannerFailed(Exception):
    """A scanner is missing, or ended without a result. Never taken for a scan that found nothing."""


def scanner(name: str) -> str:
    """The path of a scanner: from the locked packages, from scanning/install, or from PATH."""
    found = shutil.which(name, path=os.pathsep.join(map(str, (VENV, INSTALLED, *os.get_exec_path()))))
    if found is None:
        raise ScannerFailed(f"{name} is not installed; scanning/install gets it")
    return found


def run(*command: str, cwd: Path = ROOT, accept: Sequence[int] = (0,)) -> subprocess.CompletedProcess[str]:
    """Raises ScannerFailed where the exit code is none of `accept`."""
    environment = {name: value for name, value in os.environ.items() if name in PASSED_ON}
    try:
        done = subprocess.run([scanner(command[0]), *command[1:]], cwd=cwd, env=environment, capture_output=True, text=True, timeout=1500)
    except subprocess.TimeoutExpired as expired:
        raise ScannerFailed(f"{command[0]} was not done after {expired.timeout:.0f} s") from expired
    if done.returncode not in accept:
        raise ScannerFailed(f"{' '.join(command)} ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-2000:]}")
    return done
