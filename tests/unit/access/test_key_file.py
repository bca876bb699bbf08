"""The file of API keys."""

from pathlib import Path

import pytest

from laserve.access.key_file import parse_key_file, read_key_file
from laserve.access.keys import Key, Limits
from laserve.errors import ConfigurationError

PATH = Path("keys.toml")


def test_each_key_has_the_id_and_the_limits_of_its_table() -> None:
    text = """
        [alice]
        keys = ["sk-new", "sk-old"]
        requests_per_minute = 60
        tokens_per_minute = 1_000
        concurrent_requests = 2
        ["op@x"]
        keys = ["sk-op"]
        admin = true
    """
    alice = Key(
        "alice",
        limits=Limits.model_validate(
            limits := {
                "requests_per_minute": 60,
                "tokens_per_minute": 1000,
                "concurrent_requests": 2,
            }
        ),
    )
    assert limits.keys() == Limits.model_fields.keys()
    assert parse_key_file(text, PATH) == {
        "sk-new": alice,
        "sk-old": alice,
        "sk-op": Key("op@x", is_admin=True),
    }


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "names no key"),  # as a file is for a moment, while it is written
        ("[a", "no TOML"),
        ("a = 1", "`a`"),
        ("[a]", "`a.keys`: Field required"),
        ("[a]\nkeys = []", "`a.keys`"),
        ("[a]\nkeys = ['']", "`a.keys.0`"),
        ("[a]\nkeys = ['secret secret']", "`a.keys.0`"),
        ("[a]\nkeys = ['secret']\nrequest_per_minute = 1", "unknown key `a.request_per_minute`"),
        ("[a]\nkeys = ['secret']\nrequests_per_minute = 0", "`a.requests_per_minute`"),
        ("[a]\nkeys = ['secret']\nconcurrent_requests = true", "`a.concurrent_requests`"),
        ("[a]\nkeys = ['secret']\nadmin = 'yes'", "`a.admin`"),
        ("['a\\nb']\nkeys = ['secret']", "string_pattern|match pattern|no TOML"),
        ("[a]\nkeys = ['secret']\n[b]\nkeys = ['secret']", "b and a have a key in common"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_by_its_fault_and_no_key_is_told(
    text: str, named: str
) -> None:
    with pytest.raises(ConfigurationError, match=named) as refused:
        parse_key_file(text, PATH)
    assert "secret" not in str(refused.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff")
    for path in (tmp_path, tmp_path / "missing", tmp_path / "bytes"):
        with pytest.raises(ConfigurationError, match=str(path)):
            read_key_file(path)
