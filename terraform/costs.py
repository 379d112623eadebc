"""Writes the monthly estimate into docs/iac.md: of prices.toml, and of the sizes in environments/*.tfvars."""

import re
import tomllib
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
PAGE = FOLDER.parent / "docs" / "iac.md"
BEGIN, END = "<!-- costs: make infra-costs -->", "<!-- end of costs -->"
HOURS = 730
NODE_DISK_GIB = 50
# Cluster, data and logs in an environment; images, signatures, DNSSEC and states are shared.
KEYS = {"environment": 3, "shared": 4}
# The API keys, and the administrator's password.
SECRETS = 2

Prices = dict[str, Any]


def sizes(environment: str) -> dict[str, Any]:
    """What costs, of an environment's values. Raises ValueError where a value has gone."""
    text = (FOLDER / "environment" / "environments" / f"{environment}.tfvars").read_text()

    def value(pattern: str) -> str:
        found = re.search(pattern, text)
        if found is None:
            raise ValueError(f"{environment}.tfvars: nothing like {pattern}")
        return found[1]

    zones = len(re.findall('"', value(r"\nzone_ids\s*= \[(.*)\]"))) // 2
    return {
        "zones": zones,
        "gateways": zones if value(r"\nnat_per_zone\s*= (\w+)") == "true" else 1,
        "endpoints": len(re.findall('"', value(r"\ninterface_endpoints\s*= \[(.*)\]"))) // 2,
        "nodes": int(value(r"\nnode_count\s*= \{.*desired = (\d+)")),
        "node": value(r'\ninstance_types\s*= \["([^"]+)"'),
        "database": value(r'\ndatabase_class\s*= "([^"]+)"'),
        "storage": int(value(r"\ndatabase_storage_gib\s*= \{ initial = (\d+)")),
        "instances": 2 if value(r"\ndatabase_multi_az\s*= (\w+)") == "true" else 1,
    }


def costs(environment: str, prices: Prices) -> dict[str, float]:
    """USD a month by what is paid for."""
    size, assumed = sizes(environment), prices["assumed"][environment]
    hour, gib, stored, month = prices["hour"], prices["gib"], prices["gib_month"], prices["month"]
    return {
        "control plane": hour["eks_cluster"] * HOURS,
        "nodes and their disks": size["nodes"] * (hour["node"][size["node"]] * HOURS + NODE_DISK_GIB * stored["node_disk"]),
        "database": size["instances"] * (hour["database"][size["database"]] * HOURS + size["storage"] * stored["database_storage"]),
        "NAT gateways and their traffic": size["gateways"] * hour["nat_gateway"] * HOURS + assumed["nat_gib"] * gib["nat"],
        "interface endpoints": size["endpoints"] * size["zones"] * hour["interface_endpoint"] * HOURS
        + assumed["endpoint_gib"] * gib["endpoint"],
        "load balancer": (hour["network_load_balancer"] + hour["load_balancer_capacity_unit"]) * HOURS,
        "public addresses": (size["gateways"] + size["zones"]) * hour["public_ipv4"] * HOURS,
        "logs": assumed["logs_gib"] * gib["logs"],
        "keys and secrets": KEYS["environment"] * month["key"] + SECRETS * month["secret"],
        "traffic to the internet": assumed["out_gib"] * gib["out"],
    }


def table(prices: Prices) -> str:
    staging, production = costs("staging", prices), costs("production", prices)
    shared = month_of_shared(prices)
    rows = [f"| {name} | {staging[name]:,.0f} | {production[name]:,.0f} |" for name in staging]
    total = f"| **together** | **{sum(staging.values()):,.0f}** | **{sum(production.values()):,.0f}** |"
    head = ["| USD a month | staging | production |", "|---|---|---|"]
    return "\n".join([*head, *rows, total]) + f"\n\nBeside them {shared:,.0f} USD for what is shared: zone, images, keys.\n"


def month_of_shared(prices: Prices) -> float:
    month = prices["month"]
    return float(month["zone"] + KEYS["shared"] * month["key"] + prices["assumed"]["shared"]["images_gib"] * prices["gib_month"]["images"])


def page(text: str) -> str:
    """The page with the estimate of now between its markers."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    prices = tomllib.loads((FOLDER / "prices.toml").read_text())
    return f"{before}{BEGIN}\n{table(prices)}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
