"""A text without its mark-up."""

import re
import unicodedata

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_IN_FRAMES = {
    **dict.fromkeys((0x24B6, 0x1F110, 0x1F130, 0x1F150, 0x1F170), _LETTERS),
    **dict.fromkeys((0x249C, 0x24D0), _LETTERS.lower()),
}
"""In circles, squares and brackets, by the first code of each row."""
_ASCII = {
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},  # full width
    **{first + i: letter for first, row in _IN_FRAMES.items() for i, letter in enumerate(row)},
    # Mathematical alphabets
    **{code: unicodedata.normalize("NFKC", chr(code)) for code in range(0x1D400, 0x1D6A4)},
    0x3002: ".",
    0x3001: ",",
}
_MARKS = re.compile(
    r"(?:"
    # TeX: what is written in another colour or type, or only spaced.
    r"\\f?(?:text)?color(?:box)?\s*\{[^{}\n]{0,40}\}(?:\{[^{}\n]{0,40}\}(?=\{))?"
    r"|\\(?:f?boxed|fbox|text[a-z]*|math[a-z]+|mbox|hbox|bf|rm|it|bfseries|displaystyle|left|right"
    r"|[Bb]igg?[lr]?|q?quad|tiny|scriptsize|footnotesize|small|normalsize|large|huge|underline|emph"
    r"|boldsymbol|bm|pmb|operatorname|tt|sf)(?![A-Za-z])"
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
    characters of full width, of mathematical alphabets or in circles. What is left stands where it
    stood."""
    return _MARKS.sub(lambda mark: " " * len(mark[0]), text.translate(_ASCII))
