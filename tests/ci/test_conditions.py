"""Travis's conditions as its documentation and its own program, travis-conditions, take them."""

import pytest

from tests.ci.conditions import Unknown, holds

BUILD = {"branch": "main", "type": "push", "fork": "false"}
ENV = {"region": "here", "dry": "false"}


@pytest.fixture(scope="module", autouse=True)
def empty_tables() -> None:
    """Nothing here talks to the service, so none is started."""


@pytest.mark.parametrize(
    "condition",
    [
        "true",
        "0",
        '""',
        "branch = main",
        "branch = 'main'",
        "BRANCH = main",
        "branch != other",
        "other = other",
        "branch =~ ^ma",
        "branch =~ /^(main|v1 \\d)$/ AND type = push",
        "env(region) =~ env(region)",
        'env(region) =~ concat("^", env(region), "$")',
        "concat(branch, -, env(region)) = main-here",
        "branch in (other, main)",
        "branch NOT IN (other)",
        "tag IS blank",
        "tag IS NOT present",
        "env(dry) IS blank",
        "fork IS false",
        "NOT branch = other AND (type = api OR type = push)",
        "type = push OR type = push AND branch = other",
        "type = push || type = api && branch = other",
    ],
)
def test_a_condition_holds(condition: str) -> None:
    assert holds(condition, BUILD, ENV)


@pytest.mark.parametrize(
    "condition",
    [
        "false",
        "FALSE",
        "tag",
        "branch = other",
        "branch != main",
        "branch =~ ^other",
        "branch =~ /^x AND type = push/",
        "env(region) = there",
        "env(nothing) IS present",
        "branch IN (other, another)",
        "branch NOT IN (main)",
        "branch IS blank",
        "NOT type = push",
        "(type = push OR type = push) AND branch = other",
        "type = api OR type = push AND tag IS present",
    ],
)
def test_a_condition_does_not_hold(condition: str) -> None:
    assert not holds(condition, BUILD, ENV)


@pytest.mark.parametrize(
    "condition",
    [
        "",
        "branch =",
        "branch == main",
        "branch = main type = push",
        "branch IS new",
        "(branch = main",
        "today() = monday",
        "branch IN main",
    ],
)
def test_what_is_not_known_is_refused_and_never_guessed(condition: str) -> None:
    with pytest.raises(Unknown):
        holds(condition, BUILD, ENV)
