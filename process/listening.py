"""The addresses that a process listens on."""

import resource
import socket

Address = tuple[str, int]

BACKLOG = 65_535  # connections that wait to be accepted; the kernel's own limit, net.core.somaxconn, is lower
_MOST_FILES = 1 << 20  # Linux' own limit, fs.nr_open


class CannotListen(Exception):
    """An address is in use, or is none of this machine's; str() names the option that moves it."""

    def __init__(self, address: Address, option: str, why: str | None) -> None:
        super().__init__(f"cannot listen on {address[0]}:{address[1]} ({option}): {why}")


def listen(address: Address, option: str, *, shared: bool = False) -> socket.socket:
    """A listening TCP socket; where it is `shared` the address has others too (SO_REUSEPORT). `option` is for the error: CannotListen."""
    host, port = address
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server(address, family=family, backlog=BACKLOG, reuse_port=shared)
    except OSError as error:
        raise CannotListen(address, option, error.strerror) from error


def allow_connections() -> None:
    """Raises the soft limit on open files, which is kept low for programs that use select(2), to the hard one, or to a million."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


def reserve(address: Address, option: str) -> socket.socket:
    """Keeps an address for processes that share it; takes no connections itself. Raises CannotListen where anybody else has the address.

    SO_REUSEPORT from the start would join another of the user's servers instead. So a socket listens alone first, which nobody else can
    then do, and is replaced by one that shares but does not listen.
    """
    with listen(address, option) as alone:
        alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        kept = socket.socket(alone.family, socket.SOCK_STREAM)
        try:
            kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            # Connections that have ended may linger, so it is needed to bind; afterwards it would let another listen beside this one.
            kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            kept.bind(alone.getsockname())
            kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        except OSError as error:
            kept.close()
            raise CannotListen(address, option, error.strerror) from error
        return kept
