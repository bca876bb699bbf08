"""Answers under an equality."""

from laserve.answers.equality import Equality


async def are_same(one: str, other: str, equality: Equality) -> bool:
    """Whether the two have one key."""
    return await equality.key(one) == await equality.key(other)
