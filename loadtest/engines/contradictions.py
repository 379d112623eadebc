"""What ghz's statuses say of payments, though ghz shows no answers: a life whose calls contradict one another."""

from collections import Counter
from collections.abc import Mapping, Sequence

from loadtest.calls import NOT_FOUND, OK, Call


def contradictions(chain: Sequence[Call], count: int, outcomes: Mapping[Call, Counter[str]]) -> list[str]:
    """Of `count` lives, each call of which was made after all of the call before had ended. `outcomes`: the codes of each call's, as far as
    they were made.

    A payment whose create was not acknowledged may be absent, and one whose update was not may have its old etag; more than those are
    lost. What was not acknowledged may have been done all the same, so nothing is said of it.
    """
    found: list[str] = []
    unsure_created = unsure_updated = 0
    for call in chain:
        codes = outcomes.get(call, Counter())
        if call.name == "create":
            unsure_created = count - codes[OK]
        elif call.name == "gone":
            unsure_deleted = count - sum(outcomes[each][OK] for each in chain if each.name == "delete" and each in outcomes)
            found += _excess(codes[OK] - unsure_deleted, f"{call.title}: deletes were acknowledged, and the payments are there")
        elif call.name != "list":
            found += _excess(codes[NOT_FOUND] - unsure_created, f"{call.title}: creates were acknowledged, and the payments are not found")
            found += _excess(codes["ABORTED"] - unsure_updated, f"{call.title}: the payments have another etag than was acknowledged")
        if call.name == "update":
            unsure_updated += count - codes[OK]
    return found


def _excess(count: int, text: str) -> list[str]:
    return [f"{text} (at least {count:,})"] if count > 0 else []
