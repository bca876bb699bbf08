"""Which route a request is for, before any router has seen it."""

from starlette.types import Scope


def path_of(scope: Scope) -> str:
    """The path, without what stands in front of the whole server's."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path") or "")


def is_below(scope: Scope, route: str) -> bool:
    """Whether the request is for `route`, or for what is below it."""
    return leads_below(path_of(scope), route)


def leads_below(path: str, route: str) -> bool:
    """Whether the path is `route`, or one that begins with it."""
    return path == route or path.startswith(f"{route}/")
