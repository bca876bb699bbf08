"""Functions of numbers, by the names that the reader gives them."""

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from laserve.answers.mathematics.arithmetic import (
    CONTEXT,
    OutOfReachError,
    Value,
    add,
    divide,
    exact,
    inexact,
    multiply,
    near_integer,
    negative,
    power,
    real,
    result,
)

_MAX_ARGUMENT = 2**400
"""Of functions that have periods."""
_MAX_FACTORIAL = 5000
"""Up to here exact."""
_MAX_INEXACT_FACTORIAL = 1 << 34
_MAX_POLE = 10**100
"""A larger value of a function with poles is one of them."""

Function = Callable[..., Value]


def _of_angle(name: str) -> Function:
    compute = getattr(CONTEXT, name)

    def function(argument: Value) -> Value:
        number = inexact(argument)
        if abs(number) > _MAX_ARGUMENT or abs(number.imag) > _MAX_FACTORIAL:
            raise OutOfReachError("too large")
        try:
            value = result(compute(number), number)
        except ZeroDivisionError as error:
            raise OutOfReachError("a pole") from error
        if abs(number.imag) == 0 and abs(value) > _MAX_POLE:
            raise OutOfReachError("a pole")
        return value

    return function


def _hyperbolic(name: str) -> Function:
    compute = getattr(CONTEXT, name)

    def function(argument: Value) -> Value:
        number = inexact(argument)
        if abs(number) > _MAX_FACTORIAL:
            raise OutOfReachError("too large")
        return _called(compute, number)

    return function


def _inverse(name: str) -> Function:
    compute = getattr(CONTEXT, name)
    return lambda argument: _called(compute, inexact(argument))


def _called(compute: Callable[[Any], Any], number: Any) -> Value:
    try:
        return result(compute(number), number)
    except (ValueError, ZeroDivisionError) as error:
        raise OutOfReachError("not defined") from error


def logarithm(argument: Value) -> Value:
    """The natural logarithm."""
    if argument == 0:
        raise OutOfReachError("logarithm of zero")
    if isinstance(argument, Fraction):
        # Exact numbers may be longer than what is computed with.
        return add(_log_of_whole(argument.numerator), negative(_log_of_whole(argument.denominator)))
    return result(CONTEXT.log(argument), argument)


def _log_of_whole(number: int) -> Value:
    if number == 1:
        return Fraction(0)
    return CONTEXT.mpc(CONTEXT.log(inexact(Fraction(number))))


def _log(base: Value, argument: Value) -> Value:
    return divide(logarithm(argument), logarithm(base))


def _absolute(argument: Value) -> Value:
    return abs(argument) if isinstance(argument, Fraction) else CONTEXT.mpc(abs(argument))


def _floor(argument: Value) -> Value:
    if isinstance(argument, Fraction):
        return Fraction(math.floor(argument))
    whole = near_integer(argument)
    return Fraction(int(CONTEXT.floor(_moderate(argument))) if whole is None else whole)


def _moderate(argument: Value) -> Any:
    number = real(argument)
    if abs(number) > _MAX_POLE:
        raise OutOfReachError("too large")
    return number


def _factorial(argument: Value) -> Value:
    number = near_integer(argument)
    if number is None:
        return _gamma(add(argument, Fraction(1)))
    if number < 0:
        raise OutOfReachError("factorial of a negative number")
    if number <= _MAX_FACTORIAL:
        return Fraction(math.factorial(number))
    return _gamma(Fraction(number + 1))


def _gamma(argument: Value) -> Value:
    number = inexact(argument)
    if abs(number) > _MAX_INEXACT_FACTORIAL:
        raise OutOfReachError("too large")
    return _called(CONTEXT.gamma, number)


def _double_factorial(argument: Value) -> Value:
    number = near_integer(argument)
    if number is None or not 0 <= number <= _MAX_FACTORIAL:
        raise OutOfReachError("double factorial")
    return Fraction(math.prod(range(number, 0, -2)))


def _binomial(above: Value, below: Value) -> Value:
    n, k = near_integer(above), near_integer(below)
    if n is None or k is None:
        numerator = _gamma(add(above, Fraction(1)))
        rest = add(above, negative(below))
        below_line = multiply(_gamma(add(below, Fraction(1))), _gamma(add(rest, Fraction(1))))
        return divide(numerator, below_line)
    if n < 0:
        raise OutOfReachError("binomial of a negative number")
    if not 0 <= k <= n:
        return Fraction(0)
    if n <= _MAX_FACTORIAL:
        return Fraction(math.comb(n, k))
    return divide(
        _factorial(Fraction(n)),
        multiply(_factorial(Fraction(k)), _factorial(Fraction(n - k))),
    )


def _whole(argument: Value) -> int:
    number = near_integer(argument)
    if number is None:
        raise OutOfReachError("not an integer")
    return number


def _modulo(argument: Value, modulus: Value) -> Value:
    if _whole(modulus) == 0:
        raise OutOfReachError("division by zero")
    return Fraction(_whole(argument) % _whole(modulus))


def _extreme(choose: Callable[..., Any]) -> Function:
    def function(*arguments: Value) -> Value:
        numbers = [real(argument) for argument in arguments]
        if all(isinstance(number, Fraction) for number in numbers):
            return exact(choose(numbers))
        return CONTEXT.mpc(choose(inexact(number).real for number in numbers))

    return function


ANGULAR: Mapping[str, Function] = {
    name: _of_angle(name) for name in ("sin", "cos", "tan", "cot", "sec", "csc")
}
"""Functions of an angle: degrees in their arguments are angles, not marks."""

INVERSE: Mapping[str, Function] = {
    name: _inverse(name) for name in ("asin", "acos", "atan", "acot", "asec", "acsc")
}
"""Angles of a function of theirs."""

PIECEWISE: Mapping[str, Function] = {
    "abs": _absolute,
    "floor": _floor,
    "ceil": lambda argument: negative(_floor(negative(argument))),
    "max": _extreme(max),
    "min": _extreme(min),
}
"""Of these, what holds in a region tells nothing of others."""

FUNCTIONS: Mapping[str, Function] = {
    **ANGULAR,
    **INVERSE,
    **PIECEWISE,
    **{name: _hyperbolic(name) for name in ("sinh", "cosh", "tanh", "coth", "sech", "csch")},
    **{name: _inverse(name) for name in ("asinh", "acosh", "atanh", "acoth", "asech", "acsch")},
    "add": add,
    "multiply": multiply,
    "divide": divide,
    "negative": negative,
    "power": power,
    "percent": lambda argument: divide(argument, Fraction(100)),
    "sqrt": lambda argument: power(argument, Fraction(1, 2)),
    "root": lambda degree, argument: power(argument, divide(Fraction(1), degree)),
    "celsius": lambda argument: add(argument, Fraction("273.15")),
    "fahrenheit": lambda argument: multiply(add(argument, Fraction("459.67")), Fraction(5, 9)),
    "ln": logarithm,
    "log": _log,
    "factorial": _factorial,
    "double_factorial": _double_factorial,
    "gamma": _gamma,
    "binomial": _binomial,
    "mod": _modulo,
    "gcd": lambda *arguments: Fraction(math.gcd(*map(_whole, arguments))),
    "lcm": lambda *arguments: Fraction(math.lcm(*map(_whole, arguments))),
}
