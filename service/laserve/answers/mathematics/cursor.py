"""A place in a row of tokens."""

from collections.abc import Iterable

from laserve.answers.mathematics.tokens import Token
from laserve.answers.mathematics.tree import UnreadError

_END = Token("", "")


class Cursor:
    """Reads tokens one after the other."""

    def __init__(self, tokens: Iterable[Token]) -> None:
        self.tokens = list(tokens)
        self.place = 0

    def peek(self, ahead: int = 0) -> Token:
        """The token here, or further on; one of the kind "" behind the last."""
        place = self.place + ahead
        return self.tokens[place] if place < len(self.tokens) else _END

    def before(self) -> Token:
        """The token in front of the one here."""
        return self.tokens[self.place - 1] if self.place else _END

    def is_at(self, *kinds: str) -> bool:
        """Whether the token here is of one of the kinds."""
        return self.peek().kind in kinds

    def take(self) -> Token:
        """The token here; the next one is the one behind it. Raises UnreadError at the end."""
        token = self.peek()
        if token is _END:
            raise UnreadError("it ends too early")
        self.place += 1
        return token

    def put_back(self, token: Token) -> None:
        """Have a token come next, in the place of the one that was taken last."""
        self.place -= 1
        self.tokens[self.place] = token

    def accept(self, *kinds: str) -> Token | None:
        """The token here where it is of one of the kinds, as `take`."""
        return self.take() if self.is_at(*kinds) else None

    def expect(self, *kinds: str) -> Token:
        """As `accept`. Raises UnreadError where it is of another kind."""
        if found := self.accept(*kinds):
            return found
        raise UnreadError(f"{self.peek().text!r} where {' or '.join(kinds)} was expected")
