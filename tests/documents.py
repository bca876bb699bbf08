"""What the documentation says that can be checked: its commands, links, tree and tables."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
CLIENT_README = ROOT / "clients" / "python" / "README.md"
TYPESCRIPT_README = ROOT / "clients" / "typescript" / "README.md"
DOCS = sorted((ROOT / "docs").glob("*.md"))
DOCUMENTS = [README, ROOT / "CONTRIBUTING.md", CLIENT_README, TYPESCRIPT_README, *DOCS]

PROGRAMS = {
    *("make", "laserve", "laserve-train", "laserve-client", "python", "pip", "docker", "curl"),
    *(".ci/run", "accelerate", "npm", "vllm"),
}
"""What a command may start with."""

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Command:
    """A command that a document tells its reader to run."""

    document: Path
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.document.relative_to(ROOT)}: {shlex.join(self.words)}"


@dataclass(frozen=True)
class Example:
    """Python that a document shows."""

    code: str
    output: str
    """The text right below it, which it prints; empty where there is none."""


def examples(document: Path) -> list[Example]:
    """Its Python blocks."""
    text = document.read_text()
    found = list(_FENCE.finditer(text))
    outputs = {
        before.start(): below[3]
        for before, below in pairwise(found)
        if below[2] == "text" and not text[before.end() : below.start()].strip()
    }
    python = (block for block in found if block[2] == "python")
    return [Example(block[3], outputs.get(block.start(), "")) for block in python]


def languages(document: Path) -> set[str]:
    """Those of its fenced blocks."""
    return {named for _, named, _ in _FENCE.findall(document.read_text())}


def blocks(document: Path, language: str) -> list[str]:
    """The fenced blocks in a language; of "" those that name none."""
    found = _FENCE.findall(document.read_text())
    return [text for _, named, text in found if named == language]


def commands(document: Path) -> Iterator[Command]:
    """Those of its shell blocks, line by line, and those between backquotes in its text."""
    for block in blocks(document, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            for words in _split(line):
                yield Command(document, words)
    for span in re.findall(r"`([^`]+)`", _FENCE.sub("", document.read_text())):
        program, _, rest = span.partition(" ")
        if program in PROGRAMS and rest:
            yield from (Command(document, words) for words in _split(span))


def _split(line: str) -> Iterator[tuple[str, ...]]:
    """The words of each command on a line, without what it sets in the environment."""
    words: list[str] = []
    for word in [*shlex.split(line, comments=True), "&&"]:
        if word not in ("&&", "|"):
            words.append(word)
        elif words:
            while re.match(r"[A-Z_]+=", words[0]):
                del words[0]
            yield tuple(words)
            words = []


def paths(document: Path) -> Iterator[str]:
    """Files and folders that its text names between backquotes, from the repository's root."""
    folders = {path.name for path in ROOT.iterdir() if path.is_dir()}
    for span in re.findall(r"`([^`\s]+)`", _FENCE.sub("", document.read_text())):
        if "/" in span and span.partition("/")[0] in folders:
            yield span


def links(document: Path) -> Iterator[tuple[Path, str]]:
    """File and anchor of each link that does not leave the repository."""
    text = _FENCE.sub("", document.read_text())
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith("http"):
            path, _, anchor = target.partition("#")
            yield (document.parent / path if path else document), anchor


def anchors(document: Path) -> set[str]:
    """The names of its headings in links: small letters, hyphens for spaces, no punctuation."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", document.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def tree(text: str) -> Iterator[str]:
    """The paths that a drawn tree names: two spaces a level, names, two spaces, a comment."""
    folders: list[str] = []
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        names = re.split(r"\s{2,}", line.strip())[0].split(", ")
        del folders[indent // 2 :]
        yield from ("".join([*folders, name]) for name in names)
        folders.append(names[-1])


@dataclass(frozen=True)
class Table:
    """A table of a document."""

    heading: str
    """The nearest above it."""

    head: list[str]
    rows: list[list[str]]


def tables(document: Path) -> Iterator[Table]:
    """Its tables, with their cells."""
    heading, lines = "", []
    for line in [*_FENCE.sub("", document.read_text()).splitlines(), ""]:
        if line.lstrip().startswith("|"):
            lines.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
        elif lines:
            head, _, *body = lines
            yield Table(heading, head, body)
            lines = []
        if line.startswith("#"):
            heading = line.lstrip("# ")


def rows(document: Path, heading: str) -> list[list[str]]:
    """The rows of the first table below a heading."""
    return next(table.rows for table in tables(document) if table.heading == heading)
