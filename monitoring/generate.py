"""Writes what is made from code and rules: `make monitoring`.

The rules of the objectives and of causes.yaml, the PrometheusRule with all of them, the dashboards.
"""

from pathlib import Path
from typing import Any

import yaml

from monitoring import slo
from monitoring.dashboards import DASHBOARDS

MADE = "# Made by `make monitoring`; not to be edited.\n"
# Where this repository is browsed; every alert links to its page there.
RUNBOOKS = "https://github.com/nuveo/payments/blob/main/docs/runbooks"
CAUSES = Path(__file__).with_name("causes.yaml")
RULES = Path(__file__).with_name("rules")
COMPONENT = Path(__file__).parents[1] / "kustomize" / "components" / "monitoring"


class _Dumper(yaml.SafeDumper):
    """Indents lists, and writes text of several lines as such."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def files() -> dict[Path, str]:
    objectives = _linked(slo.groups())
    causes = _linked(yaml.safe_load(CAUSES.read_text())["groups"])
    return {
        RULES / "slo.yaml": _yaml({"groups": objectives}),
        RULES / "service.yaml": _yaml({"groups": causes}),
        COMPONENT / "prometheusrule.yaml": _yaml(
            {
                "apiVersion": "monitoring.coreos.com/v1",
                "kind": "PrometheusRule",
                "metadata": {"name": "payments"},
                "spec": {"groups": [*objectives, *causes]},
            }
        ),
        **{COMPONENT / "dashboards" / f"{each.name}.json": each.json() for each in DASHBOARDS},
    }


def _linked(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each alert with the address of its runbook."""
    for alert in (rule for group in groups for rule in group["rules"] if "alert" in rule):
        alert["annotations"]["runbook_url"] = f"{RUNBOOKS}/{alert['alert']}.md"
    return groups


def _yaml(content: Any) -> str:
    return MADE + yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=400)


if __name__ == "__main__":
    for path, content in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
