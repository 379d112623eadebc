"""What stops a build, and what does not."""

import datetime
from pathlib import Path

import pytest

from scanning.finding import Finding, Result, Severity
from scanning.gate import FOUND, OFFLINE, Verdict, judge
from scanning.register import REGISTER, InvalidRegister, read
from scanning.report import write

TODAY = datetime.date(2026, 11, 24)
HIGH = Finding("CVE-2026-1", "payments-server", Severity.HIGH, "a hole", "zlib 1.0")
REASON = "A sentence that says why this is meant and not forgotten."


def register(folder: Path, **changes: object) -> Path:
    entry = {"ids": ["CVE-2026-1"], "where": "payments-*", "reason": REASON, "until": TODAY, **changes}
    file = folder / "exceptions.toml"
    file.write_text(
        "[[exception]]\n" + "\n".join(f"{key} = {value!r}" if key != "until" else f"{key} = {value}" for key, value in entry.items())
    )
    return file


def verdict(
    *findings: Finding, file: Path | None = None, checks: tuple[str, ...] = (), missing: tuple[str, ...] = (), allow: bool = False
) -> Verdict:
    result = Result("images", "a scanner", findings, "1 image", missing)
    return judge([result], read(file, TODAY) if file else [], checks, TODAY, allow_offline=allow)


def test_nothing_found_passes() -> None:
    assert verdict().exit_code == 0


@pytest.mark.parametrize("severity", Severity)
def test_high_and_above_fails_and_what_is_below_is_listed(severity: Severity) -> None:
    judged = verdict(Finding("X-1", "a", severity, "t"))
    assert judged.exit_code == (FOUND if severity >= Severity.HIGH else 0)
    assert "X-1" in write(judged, "abc", datetime.datetime(2026, 11, 24))


def test_an_exception_explains_a_finding_on_its_last_day(tmp_path: Path) -> None:
    assert verdict(HIGH, file=register(tmp_path)).exit_code == 0


def test_an_exception_of_another_place_explains_nothing(tmp_path: Path) -> None:
    assert verdict(HIGH, file=register(tmp_path, where="postgres")).exit_code == FOUND


def test_an_expired_exception_fails_also_where_nothing_is_found(tmp_path: Path) -> None:
    expired = register(tmp_path, until=TODAY - datetime.timedelta(days=1))
    judged = verdict(file=expired)
    assert judged.exit_code == FOUND
    assert verdict(HIGH, file=expired).unexplained == [HIGH]
    assert "Expired exceptions" in write(judged, "abc", datetime.datetime(2026, 11, 24))


def test_an_exception_that_finds_nothing_any_longer_fails_where_its_check_was_run(tmp_path: Path) -> None:
    file = register(tmp_path)
    assert verdict(file=file, checks=("CVE",)).exit_code == FOUND
    assert verdict(file=file, checks=("CKV",)).exit_code == 0


def test_advisories_out_of_reach_have_an_exit_code_of_their_own_unless_allowed() -> None:
    assert verdict(missing=("packages",)).exit_code == OFFLINE
    allowed = verdict(missing=("packages",), allow=True)
    assert allowed.exit_code == 0
    assert "NOT SCANNED" in write(allowed, "abc", datetime.datetime(2026, 11, 24)).split("\n| scan")[0]


def test_findings_count_more_than_advisories_out_of_reach() -> None:
    assert verdict(HIGH, missing=("packages",), allow=True).exit_code == FOUND


@pytest.mark.parametrize(
    "changes",
    [{"reason": "because"}, {"until": datetime.date(2028, 11, 24)}, {"until": "'soon'"}, {"ids": "CVE-2026-1"}, {"owner": "somebody"}],
    ids=lambda changes: next(iter(changes)),
)
def test_an_exception_without_reason_or_for_ever_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    with pytest.raises(InvalidRegister):
        read(register(tmp_path, **changes), TODAY)


def test_the_register_of_the_repository_is_valid() -> None:
    assert read(REGISTER, datetime.date.today())
