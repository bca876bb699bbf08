"""Lone surrogates, which JSON can name and UTF-8 cannot hold."""

import re

_SURROGATE = re.compile("[\ud800-\udfff]")


def without_surrogates(text: str) -> str:
    """The text with U+FFFD for each lone surrogate: it can be encoded."""
    return _SURROGATE.sub("\ufffd", text)
