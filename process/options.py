"""Command-line options, each an environment variable too (12-factor), with both in `--help`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from process.certificates import CertificateFiles, UnusableCertificates

FILE = click.Path(dir_okay=False, path_type=Path)
COUNT = click.IntRange(min=1)
TIMEOUT = click.FloatRange(min=0, min_open=True)  # seconds


class Address(click.ParamType[tuple[str, int]]):
    """HOST:PORT; an IPv6 host stands in brackets. Port 0 takes any free one."""

    name = "host:port"

    def convert(self, value: str | tuple[str, int], param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        if isinstance(value, tuple):
            return value
        host, colon, port = value.rpartition(":")
        if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
            self.fail(f"{value!r} is not HOST:PORT, such as 127.0.0.1:8080", param, ctx)
        return host.removeprefix("[").removesuffix("]"), int(port)


def option(name: str, variable: str, help: str, **attributes: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """click's option `name`, which the environment's `variable` sets as well."""
    return click.option(name, envvar=variable, show_envvar=True, help=help, **attributes)


def usable(files: CertificateFiles) -> CertificateFiles:
    """The files, which can be read now. Raises click's ClickException."""
    try:
        files.read()
    except UnusableCertificates as error:
        raise click.ClickException(str(error)) from None
    return files


def log_level_option(variable: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The option whose value `set_up_logging` takes."""
    levels = click.Choice(["debug", "info", "warning", "error"])
    return option("--log-level", variable, "The least severe log lines to write.", type=levels, default="info")


def workers_option(variable: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The option whose value `run_workers` takes."""
    return option(
        "--workers",
        variable,
        "Processes that serve, for machines whose processors nothing else shares out; in Kubernetes pods are the workers. Each has limits "
        "of its own. Metrics are the sums over all, without process_* and python_*, if there are more than one.",
        type=COUNT,
        default=1,
    )
