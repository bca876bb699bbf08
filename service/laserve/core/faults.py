"""What pydantic found wrong with an input, in the words of our messages."""

from pydantic import ValidationError


def faults(error: ValidationError) -> list[str]:
    """Each fault as "`key`: what is wrong" or "unknown key `key`", without a key where it is of the
    whole; at least one."""
    return [
        _fault(".".join(map(str, fault["loc"])), fault["type"], fault["msg"])
        for fault in error.errors(include_url=False)
    ]


def _fault(key: str, kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return f"unknown key `{key}`"
    reason = message.removeprefix("Value error, ")
    return f"`{key}`: {reason}" if key else reason
