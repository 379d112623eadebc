"""What waits for clients who do not read is bounded, and those who read slowly are not the ones that pay."""

from process.waiting import Waiting


def test_beyond_the_limit_the_connections_that_have_waited_longest_end() -> None:
    ended: list[str] = []
    unread = Waiting(10)
    deaf, slow, last = (lambda name=name: ended.append(name) for name in ("deaf", "slow", "last"))
    unread.begin(slow, 4)
    unread.begin(deaf, 4)
    unread.end(slow)  # it has read, and is given more
    unread.begin(slow, 4)
    assert ended == []
    unread.begin(last, 4)
    assert ended == ["deaf"]
    unread.end(deaf)
    unread.begin(deaf, 2)
    assert ended == ["deaf"]


def test_what_is_more_than_all_may_be_ends_itself() -> None:
    ended: list[str] = []
    unread = Waiting(10)
    unread.begin(lambda: ended.append("large"), 11)
    assert ended == ["large"]
