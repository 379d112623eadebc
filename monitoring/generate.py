"""Writes what is made from code and rules: `make monitoring`.

The rules of the objectives, the PrometheusRule with all rules, the dashboards.
"""

from pathlib import Path
from typing import Any

import yaml

from monitoring import slo
from monitoring.dashboards import DASHBOARDS

MADE = "# Made by `make monitoring`; not to be edited.\n"
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
    objectives = slo.groups()
    service = yaml.safe_load((RULES / "service.yaml").read_text())["groups"]
    return {
        RULES / "slo.yaml": _yaml({"groups": objectives}),
        COMPONENT / "prometheusrule.yaml": _yaml(
            {
                "apiVersion": "monitoring.coreos.com/v1",
                "kind": "PrometheusRule",
                "metadata": {"name": "payments"},
                "spec": {"groups": [*objectives, *service]},
            }
        ),
        **{COMPONENT / "dashboards" / f"{each.name}.json": each.json() for each in DASHBOARDS},
    }


def _yaml(content: Any) -> str:
    return MADE + yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=400)


if __name__ == "__main__":
    for path, content in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
