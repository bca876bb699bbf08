"""The guide as a site."""

import logging
from pathlib import Path
from typing import Any

from mkdocs.commands.build import build
from mkdocs.config import load_config

from tests.documents import ROOT


def build_site(folder: Path, **changes: Any) -> None:
    """Build it into a folder, as `make docs` does; `changes` are of mkdocs.yml.

    Raises mkdocs' Abort where there was a warning: a dead link, or one to a heading that is not
    there.
    """
    config = load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder), **changes)
    # mkdocs counts what its logger lets through, and some of our imports raise the root's level.
    logging.getLogger("mkdocs").setLevel(logging.WARNING)
    config.plugins.on_startup(command="build", dirty=False)
    build(config)
