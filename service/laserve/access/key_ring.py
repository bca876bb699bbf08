"""The keys that a server takes at the moment: those of its flags, and of a file that is watched."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from laserve.access.key_file import read_key_file
from laserve.access.keys import Key, Keys
from laserve.errors import ConfigurationError

logger = logging.getLogger(__name__)

POLL_S = 2.0
"""How often the file is read. By its content: a mounted secret is a link to a link that is turned,
and a network's file system tells nobody of a change."""


class KeyRing:
    """Whose keys are taken. `follow` it in a task of its own."""

    def __init__(self, api_keys: Sequence[str], admin_key: str | None, file: Path | None) -> None:
        """Raises ConfigurationError where the file cannot be used."""
        self.is_required = bool(api_keys) or file is not None
        """Whether nothing is answered without a key."""
        self._file = file
        self._fixed = [(secret, Key(f"api-key-{i}")) for i, secret in enumerate(api_keys, start=1)]
        self._admin_key = [] if admin_key is None else [(admin_key, Key("admin-key", True))]
        self._of_file = {} if file is None else read_key_file(file)
        self._sort()

    def caller(self, secret: str | None) -> Key | None:
        """Whose API key this is; None for nobody's."""
        return self._callers.find(secret)

    def administers(self, caller: Key | None, admin_secret: str | None) -> bool:
        """Whether a caller may change what is served, by its own key or by one that it sends
        beside it. Where no key is an administrator's, everybody may."""
        if not self._admins.have_an_admin or (caller is not None and caller.is_admin):
            return True
        return self.administrator(admin_secret) is not None

    def administrator(self, admin_secret: str | None) -> Key | None:
        """Whose key to administer with this is."""
        return self._admins.find(admin_secret)

    async def follow(self) -> None:
        """Take up what becomes of the file, until cancelled. What cannot be used is told in the
        log, and the keys before stay."""
        refused = ""
        while self._file is not None:
            await asyncio.sleep(POLL_S)
            try:
                found = await asyncio.to_thread(read_key_file, self._file)
            except ConfigurationError as error:
                if str(error) != refused:
                    logger.error("the API keys stay as they were: %s", error)
                refused = str(error)
                continue
            refused = ""
            if found != self._of_file:
                self._of_file = found
                self._sort()
                ids = sorted({key.id for key in found.values()})
                logger.info("API keys of %s: %s", self._file, ", ".join(ids) or "none")

    def _sort(self) -> None:
        of_file = self._of_file.items()
        self._callers = Keys([*self._fixed, *of_file])
        admins = [(secret, key) for secret, key in of_file if key.is_admin]
        self._admins = Keys([*self._admin_key, *admins])
