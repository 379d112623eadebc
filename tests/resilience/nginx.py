"""A real nginx in front of the gateways, and what an ingress controller does for it: only who is ready gets requests."""

import contextlib
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

from local.stack import HOST, free_ports
from tests.resilience.stage import Stage, exchange, until

_LOOK = 0.1  # seconds
_CONFIG = """daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log warn;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  upstream gateways {{ {members} }}
  server {{
    listen {listen};
    location / {{
      proxy_pass http://gateways;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }}
  }}
}}
"""


@contextlib.contextmanager
def nginx(stage: Stage) -> Iterator[None]:
    """Raises FileNotFoundError where nginx is not installed."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        raise FileNotFoundError("nginx is not installed: apt-get install nginx-light")
    folder = stage.folder / "nginx"
    folder.mkdir()
    (port,) = free_ports(1)
    stage.front = front = (HOST, port)
    config = folder / "nginx.conf"
    ready = _ready(stage)
    _write(config, stage, ready)
    process = subprocess.Popen([program, "-c", str(config), "-p", str(folder), "-e", str(folder / "nginx.log")])
    ended = threading.Event()
    controller = threading.Thread(target=_follow, args=(stage, config, process, ready, ended))
    controller.start()
    try:
        until(lambda: exchange(front, "GET", "/status", timeout=5)[0] == 200, "nginx serves")
        yield
    finally:
        ended.set()
        controller.join()
        process.send_signal(signal.SIGQUIT)
        process.wait(30)


def _ready(stage: Stage) -> list[int]:
    """The numbers of the gateways whose /readyz is ok."""
    found = []
    for number in range(len(stage.rest_addresses)):
        with contextlib.suppress(OSError):
            if stage.get("/readyz", gateway=number)[0] == 200:
                found.append(number)
    return found


def _write(config: Path, stage: Stage, ready: list[int]) -> None:
    members = " ".join(f"server {stage.rest_addresses[number][0]}:{stage.rest_addresses[number][1]};" for number in ready)
    assert stage.front
    config.write_text(_CONFIG.format(folder=config.parent, members=members, listen=f"{stage.front[0]}:{stage.front[1]}"))


def _follow(stage: Stage, config: Path, process: "subprocess.Popen[bytes]", ready: list[int], ended: threading.Event) -> None:
    while not ended.wait(_LOOK):
        now = _ready(stage)
        if now and now != ready:
            ready = now
            _write(config, stage, ready)
            process.send_signal(signal.SIGHUP)
