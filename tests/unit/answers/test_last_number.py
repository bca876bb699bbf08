"""The last number of a text."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from laserve.answers.last_number import last_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("first 1, then 2.", "2"),
        ("1.50", "1.5"),
        ("007", "7"),
        ("100", "100"),
        (".5", "0.5"),
        ("wait...5", "5"),
        ("-0.0", "0"),
        ("0.001", "0.001"),
        # Thousands
        ("1,234,567.80", "1234567.8"),
        ("12{,}345", "12345"),
        ("(1, 234)", "234"),
        ("1,2345", "2345"),
        ("3,5", "5"),
        (r"10,\!000", "10000"),
        (r"12\,000", "12000"),
        (r"1\ 000", "1000"),
        ("1~000", "1000"),
        (r"12\!\,000", "12000"),
        (r"12,\!\!000", "12000"),
        (r"12{,}\!000", "12000"),
        (r"(1,\ 234)", "234"),
        ("1\u00a0000", "1000"),
        ("1\u2007000", "1000"),
        ("1\u202f234\u202f567", "1234567"),
        ("1'234'567", "1234567"),
        ("1_000_000", "1000000"),
        ("12,34,567", "1234567"),
        ("1.234.567", "1234567"),
        ("1.234,56", "1234.56"),
        ("1\u00a0234,50 €", "1234.5"),
        ("1\u202f234\u202f567,5", "1234567.5"),
        ("3{,}14", "3.14"),
        ("1" + ",23" * 50 + "x", "23"),
        # Signs
        ("-7", "-7"),
        ("x = -7", "-7"),
        ("x=−7", "-7"),
        ("(-7)", "-7"),
        ("x = - 7", "-7"),
        ("(- 7, 1) (- 7", "-7"),
        ("9 - 7 = 2 - 0 = - $7", "-7"),
        ("9 = 16 - 7", "7"),
        ("+7", "7"),
        ("- 7", "7"),
        ("3-2", "2"),
        ("3--2", "-2"),
        ("n-2", "2"),
        ("(n)-2", "2"),
        ("50%-60%", "60"),
        ("答案是-5", "-5"),
        ("x = –7", "-7"),
        ("±7", "7"),
        ("10–20", "20"),
        # Currencies, units, percent signs
        ("USD1,234", "1234"),
        ("US$1,234", "1234"),
        ("-USD3", "-3"),
        ("-USD 3.50", "-3.5"),
        ("Rs.500", "500"),
        ("₹5,00,000", "500000"),
        ("3€-5€", "5"),
        ("€-5", "-5"),
        (r"50\%", "50"),
        ("5 million", "5"),
        ("12 cm^2", "12"),
        ("12 cm²", "12"),
        ("12 cm2", "12"),
        (r"12\text{ cm}^2", "12"),
        (r"12\,\mathrm{~cm}^{2}", "12"),
        ("9.8 m/s^2", "9.8"),
        ("10 s^-1", "10"),
        ("10 s^{-1}", "10"),
        ("6 kg·m²·s⁻²", "6"),
        (r"90^\circ", "90"),
        (r"90^{\circ}", "90"),
        ("5^{th}", "5"),
        (r"5^{\text{th}}", "5"),
        ("$5", "5"),
        (r"-\$1,000.00", "-1000"),
        ("$-5$", "-5"),
        ("€3", "3"),
        ("50 %", "50"),
        ("12kg", "12"),
        ("3rd", "3"),
        # Powers of ten
        ("1e3", "1000"),
        ("1.5E-3", "0.0015"),
        ("2e+1", "20"),
        ("2e3kg", "2000"),
        ("5e", "5"),
        ("1e100", "1e100"),
        ("1" + "0" * 100, "1e100"),
        ("-12e-100", "-12e-100"),
        ("0e5", "0"),
        ("4 or 1e9999999", "4"),
        ("5×10^3", "5000"),
        ("5 x 10^3", "5000"),
        ("5*10**3", "5000"),
        (r"5 \times 10^{3}", "5000"),
        (r"-5\times10^{-3}", "-0.005"),
        (r"1.5 \cdot 10^{+3}", "1500"),
        ("5 · 10⁻³", "0.005"),
        ("1.2e−6", "0.0000012"),
        ("10^100", "1e100"),
        ("10⁵", "100000"),
        ("2^10", "1024"),
        ("2**10", "1024"),
        ("2^{-3}", "0.125"),
        ("3^{-1}", "1/3"),
        ("3²", "9"),
        ("1.5^2", "2.25"),
        ("-2^2", "-4"),
        ("4 or 2^n", "4"),
        ("4 or 2^{n+1}", "4"),
        ("4 or 2^{0.5}", "4"),
        ("5^2^3", "390625"),
        ("2^{3^{2}}", "512"),
        ("2**3**2", "512"),
        ("10^{10^2}", "1e100"),
        ("4 or 9^9^9", "4"),
        ("4 or 2^3^-1", "4"),
        (r"5\times 10^{ - 3 }", "0.005"),
        ("5×10^( - 3 )", "0.005"),
        ("2^{ - 2 }", "0.25"),
        # In brackets
        ("(-2)^3", "-8"),
        ("(-2)²", "4"),
        ("-(-2)**3", "8"),
        (r"\left( - 2 \right)^{3}", "-8"),
        ("(1/2)^2", "0.25"),
        (r"\left(\frac{1}{3}\right)^3", "1/27"),
        (r"(5)\times10^3", "5000"),
        ("-(5)", "-5"),
        ("(-2)/4", "-0.5"),
        ("4 or (2)^n", "4"),
        ("f(2)^3", "2"),
        ("(1) 1/2", "0.5"),
        ("(3, 4)", "4"),
        ("4 or 7^{200}", "4"),
        ("4 or 0^{-1}", "4"),
        # Fractions
        ("1/2", "0.5"),
        ("1 / 2", "0.5"),
        ("-1/2", "-0.5"),
        ("2/6", "1/3"),
        ("10/2", "5"),
        ("$1,000/2", "500"),
        ("1.5/2", "0.75"),
        ("1⁄2", "0.5"),
        ("½", "0.5"),
        ("-½", "-0.5"),
        ("2½", "2.5"),
        ("1 1/2", "1.5"),
        ("-1 1/2", "-1.5"),
        ("12 7/3", "7/3"),
        ("1/0", "0"),
        ("1/2/3", "3"),
        ("60 km/h", "60"),
        (r"\boxed{\frac{1}{3}}", "1/3"),
        (r"\frac12", "0.5"),
        (r"\frac 1{2}", "0.5"),
        (r"\dfrac{3}{4}", "0.75"),
        (r"-\tfrac{1}{2}", "-0.5"),
        (r"\frac{-1}{2}", "-0.5"),
        (r"-\frac{-1}{2}", "0.5"),
        (r"1\frac{1}{2}", "1.5"),
        (r"\frac{1,000}{3}", "1000/3"),
        (r"\frac{-1{,}000}{3}", "-1000/3"),
        (r"\frac{.5}{2}", "0.25"),
        (r"\frac{1" + "0" * 5000 + "}{3}", None),
        (r"1 \over 3", "1/3"),
        (r"-{1 \over 3}", "-1/3"),
        (r"{1,000} \over {3}", "1000/3"),
        (r"12 \div 4", "3"),
        ("1 ÷ 8", "0.125"),
        ("¹⁄₃", "1/3"),
        ("2¹⁄₃", "7/3"),
        (r"\frac{\pi}{3}", "3"),
        # Their last part
        ("2024-05-06", "6"),
        ("10:30", "30"),
        ("1 234", "234"),
        ("6.5.2024", "2024"),
        ("5/6/2024", "2024"),
        ("section 1.2.3", "3"),
        # Digits of names
        ("5 in x2", "5"),
        ("5 of H2O", "5"),
        ("5 for a_1", "5"),
        ("5 for COVID-19", "5"),
        ("5 for x_{12}", "5"),
        (r"\log_2 8", "8"),
        (r"\sum_{i=1}^{10} i", None),
        ("5, as x^2", "5"),
        ("5, as e^{-3}", "5"),
        ("5 by v1.2.3", "5"),
        ("5 by a1b2c3", "5"),
        ("5 at 0x1F", "5"),
        ("5[^1]", "5"),
        ("5x10", "10"),
        ("No.5", "5"),
        ("_20_", "20"),
        ("**20**", "20"),
        # Items of lists
        ("It is 7:\n1. It is so.\n2. Really.", "7"),
        ("1. Add 2 and 3\n2. Done", "3"),
        ("- 1) Paris\n- 2) Rome", None),
        ("**1. Paris**", None),
        ("42. That is it.", "42"),
        ("It is\n3. That is it.", "3"),
        ("1. 5", "5"),
        # Other digits
        ("１２３", "123"),
        ("３．５", "3.5"),
        ("１，２３４．５", "1234.5"),
        ("１／２", "0.5"),
        ("－５％", "-5"),
        ("(－２)＾３", "-8"),
        ("它是5，100次", "100"),
        ("100～200", "200"),
        ("٣٫١٤", "3.14"),
        ("٣٤", "34"),
        ("x²", None),
        ("", None),
        ("none", None),
        ("-", None),
    ],
)
def test_the_last_number_is_found_in_one_way_of_writing_it(text: str, number: str | None) -> None:
    assert last_number(text) == number


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=None), st.text(" ab\n(=", max_size=5)
)
def test_a_number_has_its_value_whatever_precedes_it(value: Decimal, before: str) -> None:
    found = last_number(f"{before} {value}")
    if abs(value.adjusted()) < 900_000:
        assert found is not None
        assert Decimal(found) == value


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9))
def test_equal_numbers_are_written_alike_and_stay_so(value: Decimal) -> None:
    plain = last_number(f"{value:f}")
    assert plain is not None
    assert last_number(f"{value:,f}") == last_number(f"{value:e}") == last_number(plain) == plain


THOUSANDS = st.sampled_from(
    [",", r",\!", r"\,", "{,}", r"\ ", "~", "'", "’", "_", "\u00a0", "\u202f"]
)
AROUND = st.sampled_from(
    [
        *(
            "{}",
            "It is {}.",
            "**{}**",
            "x = {}",
            "({})",
            r"\boxed{{{}}}",
            "${}$",
            r"\({}\)",
            "{}\n",
        ),
        *(
            "{}%",
            "{} cm^2",
            r"{}\text{{ cm}}^2",
            "{}kg",
            "${}",
            r"\${}",
            "USD {}",
            "{} €",
            "#### {}",
        ),
        *("1. x\n2. {}", "2+2=4, so {}", "H2O: {}", "x^2 = {}", "answer: {}!"),
    ]
)
POWERS = st.sampled_from(
    [
        *(
            "{}e{}",
            "{}E{}",
            "{}×10^{}",
            "{}×10^{{ {} }}",
            "{} x 10^{{{}}}",
            "{}*10^{}",
            "{} * 10**{}",
            "{}·10^({})",
        ),
        *(
            r"{} \times 10^{{{}}}",
            r"{}\times10^{}",
            r"{}\cdot 10^{{{}}}",
            r"{} \times {{10}}^{{{}}}",
        ),
    ]
)
QUOTIENTS = st.sampled_from(
    [
        *("{}/{}", "{} / {}", "{}⁄{}", r"\frac{{{}}}{{{}}}", r"\dfrac{{{}}}{{{}}}"),
        *(r"\tfrac{{ {} }}{{ {} }}", r"\frac{{{}}} {{{}}}", r"\left(\frac{{{}}}{{{}}}\right)"),
    ]
)


@given(st.integers(0, 10**15), THOUSANDS, AROUND)
def test_thousands_are_read_whatever_divides_them(value: int, mark: str, around: str) -> None:
    assert last_number(around.format(f"{value:,}".replace(",", mark))) == str(value)


@given(st.decimals(0, 1000, places=3), st.integers(-20, 20), POWERS, AROUND)
def test_powers_of_ten_are_read_however_they_are_written(
    value: Decimal, power: int, written: str, around: str
) -> None:
    found = last_number(around.format(written.format(value, power)))
    assert found is not None
    assert Decimal(found) == value.scaleb(power)


@given(st.integers(0, 10**6), st.integers(1, 10**6), QUOTIENTS, AROUND)
def test_fractions_are_read_however_they_are_written(
    above: int, below: int, written: str, around: str
) -> None:
    found = last_number(around.format(written.format(above, below)))
    assert found is not None
    assert Fraction(found) == Fraction(above, below)


@given(st.integers(-9, 9), st.integers(1, 9), st.integers(0, 4), AROUND)
def test_powers_of_what_stands_in_brackets_are_read(
    above: int, below: int, power: int, around: str
) -> None:
    assume(above or power)  # 0^0 has no value
    found = last_number(around.format(f"({above}/{below})^{power}"))
    assert found is not None
    assert Fraction(found) == Fraction(above, below) ** power


@given(st.integers(0, 99), st.integers(1, 8), st.sampled_from(["{} {}/9", r"{}\frac{{{}}}{{9}}"]))
def test_mixed_numbers_are_one_number(whole: int, part: int, written: str) -> None:
    found = last_number(written.format(whole, part))
    assert found is not None
    assert Fraction(found) == whole + Fraction(part, 9)


@given(st.text("0123456789.,-−e{}$%x \ud800٣") | st.text("012/^_{}\\frac½² \n.)×*"))
def test_any_text_can_be_searched(text: str) -> None:
    last_number(text)


def test_more_digits_than_python_makes_an_integer_of() -> None:
    digits = "123456789" * 100_000
    assert last_number(f"it is -{digits}.") == f"-{digits}"
    assert last_number("1" + "0" * 1_000_000) == "1e1000000"
    assert last_number("1e" + "1" * 1_000_000) is None
    assert last_number("1" + ",234" * 250_000 + "5") == "2345"
    assert last_number("1" + ".234" * 50_000 + "x") == "1" + "234" * 50_000
    assert last_number("1." * 100_000 + "7") == "7"
    assert last_number("^{" * 100_000) is None
    assert last_number("7^{" * 100_000) is None
    assert last_number(r"rac{7" * 100_000) == "7"
