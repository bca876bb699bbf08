"""A text without its mark-up."""

import re

_ASCII = {
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},  # full width
    **{0x24B6 + place: chr(ord("A") + place) for place in range(26)},  # in circles
    0x3002: ".",
    0x3001: ",",
}
_MARKS = re.compile(
    r"(?:"
    # TeX: what is written in another type, or only spaced.
    r"\\(?:f?boxed|fbox|text[a-z]*|math[a-z]+|mbox|hbox|bf|rm|it|bfseries|displaystyle|left|right"
    r"|[Bb]igg?[lr]?|q?quad)(?![A-Za-z])"
    r"|\\[()\[\],;:! ]"
    # Without width, too.
    r"|[*`$~{}\"“”„«»「」『』【】\u200b-\u200f\u2060\ufeff]|\[\[|\]\]"
    # What decorates: ticks, pointing hands, "therefore".
    r"|[\u2234\u2600-\u27bf\ufe0f\U0001f300-\U0001faff]"
    # Markdown: emphasis, headings, quotations.
    r"|(?<![A-Za-z\d])_|_+(?![A-Za-z\d{_])"
    r"|^[ \t]*(?:\#+|>)"
    # Single quotes, but for apostrophes.
    r"|(?<![A-Za-z\d\u00c0-\u024f])['‘’]|['’](?![A-Za-z\d\u00c0-\u024f])"
    r"|</?(?:a|ans|b|big|br|final|center|code|div|em|font|h[1-6]|i|li|mark|p|pre|small|span|strong|td|u)\b"
    r"[^<>\n]{0,100}>"
    r")++",
    re.MULTILINE | re.IGNORECASE,
)


def unmarked(text: str) -> str:
    """The text with spaces in place of the marks of Markdown, TeX and HTML, and ASCII in place of
    characters of full width or in circles. What is left stands where it stood."""
    return _MARKS.sub(lambda mark: " " * len(mark[0]), text.translate(_ASCII))
