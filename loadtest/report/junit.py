"""JUnit's XML, as pipelines read it (the schema of Apache Ant's junit task)."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """`failure`: what was wrong, nothing where all was well. `skipped`: why it was not tried."""

    group: str
    name: str
    seconds: float
    failure: str = ""
    skipped: str = ""


def document(name: str, cases: Sequence[Case]) -> str:
    """One suite of them."""
    suite = ElementTree.Element(
        "testsuite",
        name=name,
        tests=str(len(cases)),
        failures=str(sum(bool(case.failure) for case in cases)),
        errors="0",
        skipped=str(sum(bool(case.skipped) for case in cases)),
        time=f"{sum(case.seconds for case in cases):.3f}",
    )
    for case in cases:
        element = ElementTree.SubElement(suite, "testcase", classname=f"{name}.{case.group}", name=case.name, time=f"{case.seconds:.3f}")
        if case.failure:
            ElementTree.SubElement(element, "failure", message=_text(case.failure)).text = _text(case.failure)
        elif case.skipped:
            ElementTree.SubElement(element, "skipped", message=_text(case.skipped))
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _text(text: str) -> str:
    """Without what XML has no place for, such as NUL."""
    return "".join(character if character >= " " or character in "\t\n\r" else "\N{REPLACEMENT CHARACTER}" for character in text)
