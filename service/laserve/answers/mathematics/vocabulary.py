"""What runs of letters and LaTeX's commands mean."""

from collections.abc import Iterator, Mapping

from laserve.answers.currencies import CODES


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _functions() -> Iterator[tuple[str, str]]:
    for name in _words("sin cos tan cot sec csc"):
        yield name, name
        yield f"arc{name}", f"a{name}"
        yield f"a{name}", f"a{name}"
        yield f"{name}h", f"{name}h"
        yield f"ar{name}h", f"a{name}h"
        yield f"arc{name}h", f"a{name}h"
        yield f"a{name}h", f"a{name}h"
    for name in _words("ln log exp sqrt cbrt abs floor ceil max min gcd lcm"):
        yield name, name
    yield from {"lg": "log", "tg": "tan", "ctg": "cot", "cosec": "csc", "surd": "sqrt"}.items()


FUNCTIONS: Mapping[str, str] = dict(_functions())
"""By a word, or by a command of that name."""

GREEK = _words(
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi "
    "rho varrho sigma varsigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi "
    "Sigma Upsilon Phi Psi Omega ell hbar partial"
)

CONSTANTS: Mapping[str, str] = {
    "pi": "pi",
    **dict.fromkeys(_words("infinity infty inf oo"), "infinity"),
}
"""By a word, or by a command of that name; letters apart."""

LETTERS = frozenset({"e", "i"})
"""Constants that are a letter."""

OPERATORS: Mapping[str, str] = {
    **dict.fromkeys(_words("cdot times ast bullet"), "*"),
    "div": "/",
    "pm": "+-",
    "mp": "-+",
    **dict.fromkeys(_words("le leq leqslant leqq"), "<="),
    **dict.fromkeys(_words("ge geq geqslant geqq"), ">="),
    "lt": "<",
    "gt": ">",
    **dict.fromkeys(_words("ne neq"), "!="),
    **dict.fromkeys(_words("approx approxeq simeq"), "~"),
    **dict.fromkeys(_words("vert lvert rvert mid"), "|"),
    "langle": "(",
    "rangle": ")",
    "lbrack": "[",
    "rbrack": "]",
    "lbrace": "\\{",
    "rbrace": "\\}",
    **dict.fromkeys(_words("backslash smallsetminus"), "setminus"),
    "bigcup": "cup",
    "bigcap": "cap",
    "colon": ":",
    "equiv": "equiv",
    "pmod": "pmod",
    "prime": "'",
    **dict.fromkeys(_words("land wedge"), "and"),
    **dict.fromkeys(_words("lor vee"), "or"),
    **dict.fromkeys(_words("bmod mod"), "mod"),
    **{name: name for name in _words("in notin cup cap setminus degree")},
    **{name: name for name in _words("lfloor rfloor lceil rceil")},
}
"""Commands that are signs."""

WORD_OPERATORS: Mapping[str, str] = {
    "and": "and",
    "or": "or",
    "mod": "mod",
    "per": "/",
    **dict.fromkeys(_words("minus negative"), "-"),
    **dict.fromkeys(_words("percent percentage pct cent cents"), "%"),
    **dict.fromkeys(_words("degree degrees deg"), "degree"),
    "celsius": "celsius",
    "fahrenheit": "fahrenheit",
    **dict.fromkeys(_words("square sq"), "square"),
    **dict.fromkeys(_words("cubic cu"), "cubic"),
    "squared": "^2",
    "cubed": "^3",
}
"""Words that are signs."""

CURRENCIES = CODES | _words(
    "Rs dollar dollars euro euros yen yuan rupee rupees peso pesos franc francs krona kronor krone "
    "kroner ruble rubles rouble roubles"
)
"""Dropped, as their signs are."""

TEXT = _words(
    "text textbf textit textrm textnormal textsf texttt textup mathrm rm mbox hbox operatorname "
    "emph"
)
"""Commands whose argument is words."""

STYLES = _words(
    "mathbf boldsymbol bm mathit mathsf mathtt mathcal mathfrak bf it boxed fbox ensuremath mathop "
    "underline ce"
)
"""Commands that change the look of their argument, and mean nothing."""

DECORATIONS = _words(
    "overline bar vec hat tilde dot ddot widehat widetilde overrightarrow overleftarrow "
    "overleftrightarrow mathbb"
)
r"""Commands whose argument is part of a name, `\vec{v}`."""

FIGURES = _words("angle measuredangle triangle")
r"""Commands in front of a name, `\angle ABC`."""

EMPTY = _words("emptyset varnothing")
MATRICES = _words("matrix pmatrix bmatrix Bmatrix smallmatrix array")
SYSTEMS = _words("cases aligned align split gathered equation")
"""Environments whose lines are items of a list."""
FRACTIONS = _words("frac dfrac tfrac cfrac nicefrac sfrac")
BINOMIALS = _words("binom dbinom tbinom")
