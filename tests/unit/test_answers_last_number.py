"""The last number of a text."""

from decimal import Decimal

import pytest
from hypothesis import given
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
        # Signs
        ("-7", "-7"),
        ("x = -7", "-7"),
        ("x=−7", "-7"),
        ("(-7)", "-7"),
        ("+7", "7"),
        ("- 7", "7"),
        ("3-2", "2"),
        ("3--2", "-2"),
        ("n-2", "2"),
        ("(n)-2", "2"),
        ("50%-60%", "60"),
        ("答案是-5", "-5"),
        # Currencies, units, percent signs
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
        ("5e", "5"),
        ("1e100", "1e100"),
        ("1" + "0" * 100, "1e100"),
        ("-12e-100", "-12e-100"),
        ("0e5", "0"),
        ("4 or 1e9999999", "4"),
        # Their last part
        ("2024-05-06", "6"),
        ("10:30", "30"),
        ("1/2", "2"),
        ("1 234", "234"),
        (r"\boxed{\frac{1}{3}}", "3"),
        # Digits of names
        ("5 in x2", "5"),
        ("5 of H2O", "5"),
        ("5 for a_1", "5"),
        # Other digits
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


@given(st.text("0123456789.,-−e{}$%x \ud800٣"))
def test_any_text_can_be_searched(text: str) -> None:
    last_number(text)


def test_more_digits_than_python_makes_an_integer_of() -> None:
    digits = "123456789" * 100_000
    assert last_number(f"it is -{digits}.") == f"-{digits}"
    assert last_number("1" + "0" * 1_000_000) == "1e1000000"
    assert last_number("1e" + "1" * 1_000_000) is None
    assert last_number("1" + ",234" * 250_000 + "5") == "2345"
