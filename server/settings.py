"""What one server process is told at its start."""

from dataclasses import dataclass

from process.certificates import CertificateFiles
from server.api_keys import KeyFile
from server.database import Password
from server.limits import Limits


@dataclass(frozen=True)
class Settings:
    """The options of `payments-server serve`; server/cli.py says what each means and its default."""

    database_url: str
    database_password: Password | None  # instead of one in the URL
    listen: tuple[str, int]
    tls: CertificateFiles | None  # of `listen`; with a CA clients need a certificate
    health_listen: tuple[str, int] | None  # health alone, without TLS
    metrics_listen: tuple[str, int]  # of the parent where there are workers
    workers: int  # processes that share `listen`; this is one of them
    pool_size: int
    request_timeout: float  # seconds
    max_connections: int
    max_connection_age: float  # seconds
    max_in_flight: int  # calls
    receive_timeout: float  # seconds
    send_timeout: float  # seconds
    max_unread: int  # bytes
    max_message_size: int  # bytes
    max_metadata: int  # bytes
    max_page: int  # payments
    max_page_bytes: int
    max_batch: int  # payments
    max_batch_bytes: int
    max_depth: int  # levels
    shutdown_delay: float  # seconds
    api_keys: KeyFile | None
    reflection: bool  # also with API keys

    @property
    def limits(self) -> Limits:
        """On what one request may ask for or hold."""
        return Limits(self.max_page, self.max_page_bytes, self.max_batch, self.max_batch_bytes, self.max_depth)
