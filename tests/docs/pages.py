"""The Markdown pages of the repository: their links, anchors and fenced blocks."""

import re
import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
_MARKDOWN = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True)
class Block:
    """A fenced block: the words behind its fence, its text, and the line it begins at."""

    info: list[str]
    text: str
    line: int


@cache
def committable() -> list[str]:
    """The files that Git has or would take, by their path from the root."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return sorted(name for name in set(listed.stdout.split("\0")) if name and (ROOT / name).is_file())


def clone(folder: Path) -> Path:
    """Copies what Git has or would take into the folder, as somebody who clones the repository gets it."""
    for name in committable():
        copy = folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy)
    return folder


def pages() -> list[Path]:
    return [ROOT / name for name in committable() if name.endswith(".md")]


@cache
def _tokens(page: Path) -> list[Token]:
    return _MARKDOWN.parse(page.read_text())


def headings(page: Path) -> list[tuple[int, str]]:
    """Level and text of each, in order."""
    tokens = _tokens(page)
    return [(int(token.tag[1:]), _text(tokens[at + 1])) for at, token in enumerate(tokens) if token.type == "heading_open"]


def _text(inline: Token) -> str:
    return "".join(child.content for child in inline.children or [] if child.type in ("text", "code_inline"))


def anchors(page: Path) -> set[str]:
    """The fragments that GitHub gives the headings: lower case, punctuation away, a number where one comes again."""
    seen: Counter[str] = Counter()
    found = set()
    for _, text in headings(page):
        slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def links(page: Path) -> list[str]:
    """What links and pictures of the page point to."""
    found = []
    for token in _tokens(page):
        for child in token.children or []:
            target = child.attrs.get("href") if child.type == "link_open" else child.attrs.get("src") if child.type == "image" else None
            if target:
                found.append(str(target))
    return found


def paragraphs(page: Path) -> list[str]:
    """Their text as it is written, items of lists among them; neither headings nor tables."""
    tokens = _tokens(page)
    return [tokens[at + 1].content for at, token in enumerate(tokens) if token.type == "paragraph_open"]


def literals(page: Path) -> list[str]:
    """What stands between backticks, outside of blocks."""
    return [child.content for token in _tokens(page) for child in token.children or [] if child.type == "code_inline"]


def blocks(page: Path) -> list[Block]:
    return [Block(token.info.split(), token.content, (token.map or [0])[0] + 1) for token in _tokens(page) if token.type == "fence"]


def tables(page: Path) -> list[list[list[str]]]:
    """Tables as rows of cells, each cell as it is written; the first row is the head."""
    found: list[list[list[str]]] = []
    for token in _tokens(page):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type == "inline" and found and token.level >= 3:
            found[-1][-1].append(token.content)
    return found


def code(cell: str) -> list[str]:
    """What stands between backticks."""
    return re.findall(r"`([^`]+)`", cell)
