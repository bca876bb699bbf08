"""What the guide has beside its pages: files of the repository that they link to, and the OpenAPI
document. mkdocs calls these functions (`hooks` in mkdocs.yml).

Pages link as they do in the repository, so that both are read: `../demo/selection.md` of a page in
`docs/` is a page of the site, too.
"""

import json
import re
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath

from fastapi import FastAPI
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

from laserve.api.routes import mount

ROOT = Path(__file__).parent.parent
_DOCS = "docs/"
_LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Bring in the files that pages link to, and those that these link to, and so on."""
    files.append(File.generated(config, "openapi.json", content=json.dumps(_openapi())))
    pages = [_DOCS + file.src_uri for file in files.documentation_pages()]
    for page in pages:
        for target in _targets(page):
            if target.startswith(_DOCS) or target in pages or not (ROOT / target).is_file():
                continue
            file = File.generated(
                config,
                target,
                abs_src_path=str(ROOT / target),
                inclusion=InclusionLevel.NOT_IN_NAV,
            )
            files.append(file)
            if target.endswith(".md"):
                pages.append(target)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn the repository's paths in links into the site's."""
    uri = page.file.src_uri
    source = uri if page.file.generated_by else _DOCS + uri
    here = str(PurePosixPath(uri).parent)

    def renamed(link: re.Match[str]) -> str:
        target = _resolved(source, link[1])
        return relpath(target.removeprefix(_DOCS), here)

    return _LINK.sub(renamed, markdown)


def _targets(page: str) -> list[str]:
    return [_resolved(page, link) for link in _LINK.findall((ROOT / page).read_text())]


def _resolved(page: str, link: str) -> str:
    return normpath(str(PurePosixPath(page).parent / link))


def _openapi() -> dict[str, object]:
    """The document of LaServe's routes; a server's own has vLLM's other routes, too."""
    app = FastAPI(title="LaServe", version="0.1.0")
    mount(app)
    return app.openapi()
