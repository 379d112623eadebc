"""README's first screen and every block marked `sh run` are typed in a fresh checkout, and print what the page says."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack import temporary_folder
from tests.docs.pages import ROOT, Block, blocks
from tests.docs.reader import Reader, commands, lasting

README = blocks(ROOT / "README.md")


@pytest.fixture
def reader(checkout: Path) -> Iterator[Reader]:
    with temporary_folder() as data:
        yield Reader(checkout, data)


def runnable(block: Block) -> bool:
    return block.info == ["sh", "run"]


def test_the_readme_does_what_it_says(reader: Reader) -> None:
    first, *rest = README
    run, test = commands(first) if runnable(first) else ("", "")
    assert (run, test) == ("make run", "make test")
    reader.types(f"make --dry-run {test.removeprefix('make ')}")  # CI runs it for minutes beside this
    with reader.leaves_running(run):
        assert follow(reader, rest) >= 9


def follow(reader: Reader, page: list[Block]) -> int:
    """Types every runnable block, and compares each answer with the block after it. How many answers there were.

    An answer with no command of its own is what the command before it prints when it is typed again. `$ID` is the first payment's.
    """
    answers, command, waiting = 0, "", False
    for block in page:
        if runnable(block):
            assert not waiting, f"line {block.line}: no answer is shown before it"
            *before, command = commands(block)
            for each in before:
                reader.types(each)
            waiting = True
        elif command and block.info in (["json"], []):
            printed = reader.types(command)
            assert lasting(printed) == lasting(block.text), f"line {block.line}"
            if "/create " in command and '"id"' in printed:
                reader.set("ID", json.loads(printed)["id"])
            answers, waiting = answers + 1, False
        else:
            command, waiting = "", False
    return answers
