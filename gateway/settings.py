"""What one gateway process is told at its start."""

from dataclasses import dataclass

from gateway.limits import Limits
from process.certificates import CertificateFiles


@dataclass(frozen=True)
class Settings:
    """The options of `payments-gateway serve`; gateway/cli.py says what each means and its default."""

    listen: tuple[str, int]
    metrics_listen: tuple[str, int]  # of the parent where there are workers
    workers: int  # processes that share `listen`; this is one of them
    server: str
    tls: CertificateFiles | None  # of calls to the server
    server_name: str | None  # that its certificate has to have, instead of the host in `server`
    api_keys: bool  # whether the server asks for them
    cors_origins: tuple[str, ...]
    request_timeout: float  # seconds
    max_body: int  # bytes
    max_in_flight: int  # requests
    receive_timeout: float  # seconds
    send_timeout: float  # seconds
    max_connections: int
    max_unread: int  # bytes
    max_head: int  # bytes
    max_header_fields: int
    shutdown_delay: float  # seconds

    @property
    def limits(self) -> Limits:
        """On connections."""
        return Limits(self.receive_timeout, self.send_timeout, self.max_connections, self.max_unread, self.max_head, self.max_header_fields)
