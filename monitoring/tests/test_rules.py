"""The rules: what promtool says of them, fed with made-up series, and what each alert carries."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from monitoring.generate import COMPONENT, RULES, RUNBOOKS, files

ROOT = Path(__file__).parents[2]
UNIT_TESTS = sorted((Path(__file__).parent / "rules").glob("*.yaml"))
GROUPS = [group for path in sorted(RULES.glob("*.yaml")) for group in yaml.safe_load(path.read_text())["groups"]]
ALERTS = [rule for group in GROUPS for rule in group["rules"] if "alert" in rule]
NAMES = sorted({alert["alert"] for alert in ALERTS})

promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool, of Debian's package prometheus, is not installed")


def run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


@promtool
def test_promtool_accepts_every_rule() -> None:
    run("promtool", "check", "rules", "--lint=all", "--lint-fatal", *sorted(RULES.glob("*.yaml")))


@promtool
@pytest.mark.parametrize("path", UNIT_TESTS, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should_and_are_silent_before_and_after(path: Path, tmp_path: Path) -> None:
    """The expected annotations name runbooks as files of this repository: where it is browsed is said in one place."""
    test = tmp_path / path.name
    test.write_text(path.read_text().replace("../../rules", str(RULES)).replace("docs/runbooks", RUNBOOKS))
    run("promtool", "test", "rules", test)


def test_every_alert_is_tested_to_fire_and_to_be_silent() -> None:
    fires, silent = set(), set()
    for path in UNIT_TESTS:
        for test in yaml.safe_load(path.read_text())["tests"]:
            for check in test.get("alert_rule_test", []):
                if not check["exp_alerts"]:
                    silent.add(check["alertname"])
                fires |= {(check["alertname"], alert["exp_labels"]["severity"]) for alert in check["exp_alerts"]}
    assert fires == {(alert["alert"], alert["labels"]["severity"]) for alert in ALERTS}
    assert silent == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_an_alert_links_to_its_runbook(name: str) -> None:
    page = ROOT / "docs" / "runbooks" / f"{name}.md"
    for alert in ALERTS:
        if alert["alert"] == name:
            assert alert["annotations"]["runbook_url"] == f"{RUNBOOKS}/{name}.md" and RUNBOOKS.startswith("https://")
            assert alert["annotations"]["summary"] and alert["annotations"]["description"]
            assert alert["labels"]["severity"] in ("page", "ticket")
    text = page.read_text()
    assert re.findall("^# .*|^## .*", text, re.M) == [f"# {name}", "## Meaning", "## See it", "## What to do", "## Silence it"]


def test_there_is_no_runbook_of_an_alert_that_is_gone() -> None:
    assert sorted(path.stem for path in (ROOT / "docs" / "runbooks").glob("Payments*.md")) == NAMES


def test_what_is_generated_is_what_the_code_says() -> None:
    assert {path: path.read_text() for path in files()} == files()


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl, which has kustomize in it, is not installed")
def test_the_component_builds_with_every_rule_and_dashboard(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text(
        f"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: payments\ncomponents: [{os.path.relpath(COMPONENT, tmp_path)}]\n"
    )
    built = subprocess.run(["kubectl", "kustomize", tmp_path], capture_output=True, text=True, timeout=60)
    assert built.returncode == 0, built.stderr
    objects = {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(built.stdout)}
    groups = objects["PrometheusRule", "payments"]["spec"]["groups"]
    assert {group["name"]: group for group in groups} == {group["name"]: group for group in GROUPS}
    assert sorted(objects["ConfigMap", "payments-dashboards"]["data"]) == sorted(path.name for path in files() if path.suffix == ".json")
    assert objects["PodMonitor", "payments"]["spec"]["jobLabel"] == "app.kubernetes.io/name"
