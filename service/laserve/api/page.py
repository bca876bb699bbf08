"""The page at `/`: static files of this package. They hold no secret, so they ask for no key; what
the page asks of the server does."""

from pathlib import Path

from fastapi import FastAPI
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from laserve.api.middleware.auth import PAGE, PAGE_FILES

FOLDER = Path(__file__).parents[1] / "page"

HEADERS = {
    # Nothing of another host, no script or style inside the document, no frame around it.
    "content-security-policy": "; ".join(
        (
            "default-src 'none'",
            *(f"{kind}-src 'self'" for kind in ("script", "style", "font", "img", "connect")),
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        )
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",  # asked for again by its ETag: another release has other files
}


class _Files(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(HEADERS)
        return response


async def _index(request: object) -> Response:
    return FileResponse(FOLDER / "index.html", headers=HEADERS)


def mount_page(app: FastAPI) -> None:
    """Add the page behind all routes of `app`, none of which it stands before."""
    app.router.routes.append(Route(PAGE, _index, include_in_schema=False))
    app.router.routes.append(Mount(PAGE_FILES, _Files(directory=FOLDER), name="page"))
