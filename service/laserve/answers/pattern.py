"""The last match of a request's regular expression, by RE2."""

import time
from typing import Any

import re2

from laserve.answers.refusal import refused, shown
from laserve.answers.surrogates import without_surrogates

MAX_PATTERN_CHARS = 1000
MAX_GROUPS = 16
"""Each group that RE2 must find makes it slower."""
BUDGET_S = 0.5
"""CPU seconds for one text."""

_MAX_MEMORY = 1 << 18
"""Bytes of a compiled pattern and what RE2 remembers of it: some 4000 of its instructions."""


class Pattern:
    """A regular expression of RE2's syntax. Raises RequestError where it is none, or too large."""

    def __init__(self, pattern: str) -> None:
        if not pattern:
            raise refused("regex: has no pattern: write one behind it, as in regex:Answer: (.+)")
        if len(pattern) > MAX_PATTERN_CHARS:
            raise refused(
                f"the regular expression has {len(pattern)} characters; {MAX_PATTERN_CHARS} is the "
                "limit"
            )
        self._compiled = _compiled(pattern)
        groups = self._compiled.groups
        if groups > MAX_GROUPS:
            raise refused(
                f"the regular expression has {groups} groups; {MAX_GROUPS} is the limit, and only "
                "the first counts: write the others as (?:...)"
            )
        self._group = 1 if groups else 0

    def last(self, text: str) -> str | None:
        """The last of the pattern's successive matches: its first group, or all of it where the
        pattern has none. Empty ones are passed over. None where there is no other, and where all of
        them are not found within BUDGET_S.

        RE2 takes time linear in the text for each match, whatever the pattern; but some need the
        whole rest of the text for each of very many (`a.*z|a` on a text of nothing but a's).
        """
        # UTF-8, as RE2 reads it: `\C`, one byte, can match a part of a character.
        encoded = without_surrogates(text).encode()
        deadline = time.thread_time() + BUDGET_S
        last: bytes | None = None
        for match in self._compiled.finditer(encoded):
            last = match[self._group] or last
            if time.thread_time() > deadline:
                return None
        return None if last is None else last.decode(errors="replace")


def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.max_mem = _MAX_MEMORY
    options.log_errors = False
    try:
        return re2.compile(pattern.encode(), options)
    except UnicodeEncodeError as error:
        raise refused(
            f"the regular expression {shown(pattern)} holds a lone surrogate: leave it out"
        ) from error
    except re2.error as error:
        (reason,) = error.args
        raise refused(
            f"the regular expression {shown(pattern)} cannot be used: "
            f"{reason.decode(errors='replace')}. The syntax is RE2's: no lookaround, no "
            "backreferences, no repetition of more than 1000"
        ) from error
