"""The gateway's options for TLS. What it does with them is tested with a server, in tests/contract/test_tls.py."""

from pathlib import Path

from gateway.tests.gateway_process import run
from process.tests.authority import Authority


def test_options_that_need_each_other_and_unusable_files_end_the_start(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = map(str, authority.issue("gateway"))
    ca, other = str(authority.ca), str(authority.issue("other")[1])
    for given, said in (
        (["--server-cert", certificate], "--server-cert and --server-key need each other"),
        (["--server-ca", ca, "--server-key", key], "--server-cert and --server-key need each other"),
        (["--server-cert", certificate, "--server-key", key], "--server-cert needs --server-ca"),
        (["--server-name", "localhost"], "--server-name needs --server-ca"),
        (["--server-ca", "/nowhere"], "/nowhere: No such file or directory"),
        (["--server-ca", key], f"{key}: not a list of certificates"),
        (["--server-ca", ca, "--server-cert", certificate, "--server-key", other], f"{other}: not a certificate and its key"),
    ):
        ended = run("serve", *given)
        assert ended.returncode in (1, 2) and said in ended.stderr and "Traceback" not in ended.stderr, ended.stderr
