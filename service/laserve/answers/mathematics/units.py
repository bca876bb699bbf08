"""Units of measurement, as multiples of m, g, s and of what cannot be converted."""

from collections.abc import Iterator, Mapping
from fractions import Fraction

from laserve.answers.mathematics.folding import folded
from laserve.answers.mathematics.tree import Call, Number, Symbol, Tree

_METRES = {
    "km kilometer kilometers kilometre kilometres": "1000",
    "meter meters metre metres": "1",
    "dm decimeter decimeters decimetre decimetres": "0.1",
    "cm centimeter centimeters centimetre centimetres": "0.01",
    "mm millimeter millimeters millimetre millimetres": "0.001",
    "um micrometer micrometers micrometre micrometres": "1e-6",
    "nm nanometer nanometers nanometre nanometres": "1e-9",
    "picometer picometers picometre picometres": "1e-12",
    "inch inches": "0.0254",
    "ft foot feet": "0.3048",
    "yd yds yard yards": "0.9144",
    "mi mile miles": "1609.344",
}
_GRAMS = {
    "ng nanogram nanograms": "1e-9",
    "ug microgram micrograms": "1e-6",
    "mg milligram milligrams": "0.001",
    "gram grams": "1",
    "kg kgs kilogram kilograms kilo kilos": "1000",
    "tonne tonnes": "1e6",
    "oz ounce ounces": "28.349523125",
    "lb lbs pound pounds": "453.59237",
}
_SECONDS = {
    "ps picosecond picoseconds": "1e-12",
    "ns nanosecond nanoseconds": "1e-9",
    "us microsecond microseconds": "1e-6",
    "ms millisecond milliseconds": "0.001",
    "sec secs second seconds": "1",
    "min mins minute minutes": "60",
    "hr hrs hour hours": "3600",
    "day days": "86400",
    "week weeks": "604800",
}
_CUBIC_METRES = {
    "liter liters litre litres": "1e-3",
    "ul uL microliter microliters microlitre microlitres": "1e-9",
    "dl deciliter deciliters": "1e-4",
    "cl centiliter centiliters": "1e-5",
    "ml mL milliliter milliliters millilitre millilitres cc": "1e-6",
    "gal gallon gallons": "0.003785411784",
    "qt quart quarts": "0.000946352946",
    "pint pints": "0.000473176473",
    "cup cups": "0.0002365882365",
}
_SQUARE_METRES = {"ha hectare hectares": "10000", "acre acres": "4046.8564224"}
_METRES_PER_SECOND = {"mph": "0.44704", "kmh kph kmph": "5/18"}

_DIMENSIONS: tuple[tuple[dict[str, str], dict[str, int]], ...] = (
    (_METRES, {"m": 1}),
    (_GRAMS, {"g": 1}),
    (_SECONDS, {"s": 1}),
    (_CUBIC_METRES, {"m": 3}),
    (_SQUARE_METRES, {"m": 2}),
    (_METRES_PER_SECOND, {"m": 1, "s": -1}),
    (
        {
            "century centuries": "1200",
            "decade decades": "120",
            "year years yr yrs": "12",
            "month months": "1",
        },
        {"month": 1},
    ),
    ({"kwh": "3600000"}, {"W": 1, "s": 1}),
    ({"Nm": "1"}, {"N": 1, "m": 1}),
    ({"KB": "1000"}, {"B": 1}),
    *(
        ({f"{prefix}b": factor}, {"bit": 1})
        for prefix, factor in {"k": "1e3", "M": "1e6", "G": "1e9", "T": "1e12"}.items()
    ),
    ({"dozen dozens": "12", "rad radian radians": "1"}, {}),
    ({"thousand": "1000", "million": "1e6", "billion": "1e9", "trillion": "1e12"}, {}),
)
_BASES = {
    "N": "newton newtons",
    "J": "joule joules",
    "W": "watt watts",
    "V": "volt volts",
    "A": "ampere amperes amp amps",
    "K": "kelvin kelvins",
    "Pa": "pascal pascals",
    "Hz": "hertz",
    "mol": "mole moles",
    "cal": "calorie calories",
    "eV": "electronvolt electronvolts",
    "atm": "atmosphere atmospheres",
    "T": "tesla teslas",
    "C": "coulomb coulombs",
    "F": "farad farads",
    "ohm": "ohm ohms",
    "B": "byte bytes",
    "bit": "bit bits",
}
"""Not derived from each other: 5 J and 5 N m stay two answers."""
_PREFIXES = {
    "P": ("peta", "1e15"),
    "T": ("tera", "1e12"),
    "G": ("giga", "1e9"),
    "M": ("mega", "1e6"),
    "k": ("kilo", "1e3"),
    "m": ("milli", "1e-3"),
    "u": ("micro", "1e-6"),
    "n": ("nano", "1e-9"),
    "p": ("pico", "1e-12"),
}
_ABBREVIATIONS = "cm ft lb lbs hr hrs min mins sec secs yd yds mi oz gal mph hz cc"
_OF_ANY_CASE = frozenset(_ABBREVIATIONS.split())
"""Abbreviations that are no other ones in capital letters."""
_PLURALS = {
    "people": "person",
    "men": "man",
    "women": "woman",
    "children": "child",
    "mice": "mouse",
}


def _product(factor: Fraction, dimensions: Mapping[str, int]) -> Tree:
    tree: Tree = Number(factor)
    for name, exponent in dimensions.items():
        base: Tree = Symbol(name, is_unit=True)
        tree = Call("multiply", (tree, Call("power", (base, Number(Fraction(exponent))))))
    return tree


def _units() -> Iterator[tuple[str, Tree]]:
    for units, dimensions in _DIMENSIONS:
        for names, factor in units.items():
            for name in names.split():
                yield name, _product(Fraction(factor), dimensions)
    for base, names in _BASES.items():
        for name in (*names.split(), *([base] if len(base) > 1 else [])):
            yield name, _product(Fraction(1), {base: 1})
        for prefix, (word, factor) in _PREFIXES.items():
            for name in (prefix + base, *(word + name for name in names.split())):
                yield name, _product(Fraction(factor), {base: 1})


_UNITS = dict(_units())
_UNITS_OF_ANY_CASE = {
    name.lower(): tree for name, tree in _UNITS.items() if name.startswith("k") or name == "Hz"
}
CONVERTED: Mapping[str, Tree] = {
    "h": _product(Fraction(3600), {"s": 1}),
    "L": _product(Fraction(1, 1000), {"m": 3}),
    "l": _product(Fraction(1, 1000), {"m": 3}),
}
"""Units of a single letter that stand for others: a variable is called so only where it has more
around it than a number."""


def unit(word: str) -> Tree | None:
    """The unit that a word of two letters or more names."""
    if word in _UNITS:
        return _UNITS[word]
    # Elsewhere the case counts: mW, MW; nm, Nm; Mb, MB.
    small = word.lower()
    is_kilo = small.startswith("k") and not small.endswith("b")
    if len(word) < 4 and not is_kilo and small not in _OF_ANY_CASE:
        return None
    return _UNITS.get(small) or _UNITS_OF_ANY_CASE.get(small)


def unit_letter(letter: str, is_among_units: bool) -> Tree:
    """The unit that a single letter names where only a unit can stand.

    It is a variable of that name, as 5 m may be both; only hours and litres are converted, where
    nothing else says that the letter is a variable (`is_among_units`).
    """
    known = CONVERTED.get(letter) if is_among_units else None
    return known or Symbol(letter, is_unit=True)


def is_unit_letter(letter: str) -> bool:
    """Whether a single letter is the symbol of a unit."""
    return letter in "mgshLlNJWVAKTCF"


def counted(words: str) -> Tree:
    """Things that are counted, "apples": a unit that nothing else is converted to."""
    # Two letters may be a unit that is not known here.
    plain = " ".join(word if len(word) < 3 else folded(word) for word in words.split())
    return Symbol(f'"{_singular(plain)}"', is_unit=True)


def is_counted(tree: Tree | None) -> bool:
    """Whether a unit is one of `counted`."""
    return isinstance(tree, Symbol) and tree.name.startswith('"')


def _singular(words: str) -> str:
    *others, last = words.split(" ")
    if last in _PLURALS:
        return " ".join([*others, _PLURALS[last]])
    if words.endswith(("xes", "ches", "shes", "sses")):
        return words[:-2]
    if words.endswith("ies") and len(last) > 4:
        return f"{words[:-3]}y"
    return words[:-1] if len(words) > 3 and words.endswith("s") and words[-2] != "s" else words
