"""Whose keys a server takes, also after its file has changed."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from laserve.access import key_ring
from laserve.access.key_ring import KeyRing
from laserve.errors import ConfigurationError

pytestmark = pytest.mark.asyncio


def id_of(ring: KeyRing, secret: str | None) -> str | None:
    key = ring.caller(secret)
    return None if key is None else key.id


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - of a file, and of a log
            await asyncio.sleep(0.01)


async def test_keys_of_flags_have_the_ids_of_their_places() -> None:
    ring = KeyRing(["sk-a", "sk-b"], "admin", None)
    assert ring.is_required
    assert [id_of(ring, key) for key in ("sk-a", "sk-b")] == ["api-key-1", "api-key-2"]
    assert [id_of(ring, key) for key in ("admin", "sk-", "", "\udcff", None)] == [None] * 5
    assert not KeyRing([], "admin", None).is_required


async def test_who_may_administer() -> None:
    anybody = KeyRing(["sk-a"], None, None)
    assert anybody.administers(anybody.caller("sk-a"), None)
    ring = KeyRing(["sk-a"], "admin", None)
    caller = ring.caller("sk-a")
    given = [None, "", "sk-a", "wrong", "admin"]
    assert [ring.administers(caller, one) for one in given] == [False] * 4 + [True]


async def test_a_table_of_the_file_may_administer(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    file.write_text("[a]\nkeys = ['sk-a']\n[op]\nkeys = ['sk-op']\nadmin = true\n")
    ring = KeyRing([], None, file)
    assert ring.administers(ring.caller("sk-op"), None)
    assert ring.administers(ring.caller("sk-a"), "sk-op")
    assert not ring.administers(ring.caller("sk-a"), "sk-a")


async def test_keys_are_rotated_without_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(key_ring, "POLL_S", 0.01)
    file = tmp_path / "keys.toml"
    file.write_text("[a]\nkeys = ['sk-old']\n")
    ring = KeyRing(["sk-flag"], None, file)
    following = asyncio.create_task(ring.follow())
    file.write_text("[a]\nkeys = ['sk-new', 'sk-old']\n")
    await until(lambda: id_of(ring, "sk-new") == "a")
    assert id_of(ring, "sk-old") == "a"
    # As a mounted secret changes: another file takes its place.
    other = tmp_path / "other"
    other.write_text("[a]\nkeys = ['sk-new']\n")
    other.replace(file)
    await until(lambda: id_of(ring, "sk-old") is None)
    # What cannot be used changes nothing, and is told once.
    file.write_text("[a]\nkeys = ['sk-newest'\n")
    await until(lambda: "stay as they were" in caplog.text)
    await asyncio.sleep(0.1)
    assert caplog.text.count("stay as they were") == 1
    assert (id_of(ring, "sk-new"), id_of(ring, "sk-flag")) == ("a", "api-key-1")
    file.write_text("[b]\nkeys = ['sk-newest']\n")
    await until(lambda: id_of(ring, "sk-newest") == "b")
    assert id_of(ring, "sk-new") is None
    assert not following.done()
    following.cancel()
    assert "sk-" not in caplog.text


async def test_a_file_that_cannot_be_used_ends_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        KeyRing([], None, tmp_path / "missing")
