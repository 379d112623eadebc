"""Writes down the addresses of Travis's build machines for EKS and for the trust of roles; to be run again when they change."""

import ipaddress
import json
import pathlib
import socket
import sys

# https://docs.travis-ci.com/user/ip-addresses/: every address that builds come from.
HOST = "nat.travisci.net"
# EKS takes 40 ranges on a public endpoint; some are for administrators.
MOST = 35


def ranges(addresses: set[str]) -> list[str]:
    """The addresses as ranges, none larger than what was given. Raises ValueError where there are none, or more than EKS takes."""
    collapsed = [str(network) for network in ipaddress.collapse_addresses(ipaddress.ip_network(address) for address in addresses)]
    if not 1 <= len(collapsed) <= MOST:
        raise ValueError(f"{HOST} has {len(collapsed)} ranges of addresses; from 1 to {MOST} can be used")
    return collapsed


def main() -> None:
    try:
        addresses = {str(address[4][0]) for address in socket.getaddrinfo(HOST, 443, socket.AF_INET, socket.SOCK_STREAM)}
        found = ranges(addresses)
    except (OSError, ValueError) as error:
        sys.exit(f"infra-addresses: {error}")
    file = pathlib.Path(__file__).with_name("ci-addresses.json")
    before = json.loads(file.read_text()) if file.exists() else []
    file.write_text(json.dumps(found, indent=2) + "\n")
    print(f"{file.name}: {len(found)} ranges; new {sorted(set(found) - set(before))}, gone {sorted(set(before) - set(found))}")


if __name__ == "__main__":
    main()
