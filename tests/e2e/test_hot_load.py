"""Checkpoints are taken up by a running server: no request is lost, no score is another
checkpoint's, and what is bad is never served."""

import asyncio
import re
import shutil
from pathlib import Path

import psutil
import pytest

from tests.bench.hot_load.loads import Mix
from tests.bench.hot_load.memory import engines
from tests.bench.hot_load.run import Plan, defects, run
from tests.e2e.cued_reload import DIE, FAIL, give_cue
from tests.e2e.hot_loading import HotServer, Sample, answered_throughout, reloading, same_as
from tests.tiny_checkpoints.corpus import BAD, names
from tests.tiny_checkpoints.harmless import HARMLESS
from tests.tiny_checkpoints.mutation import Stage

LOADS = 10
STREAMS = 32
REFUSED = (
    *("folders without end", "number of 5,000 digits", "float for a size"),
    *("generation settings that no engine starts with", "names of a wrapper"),
    *("layers in another order", "numbers that overflow", "sketch that is no number"),
)
TAKEN = (
    *("a file for each tensor", "blanks before the header", "index with a wrong size"),
    *("noise below a float's precision", "most tokens of a beam search"),
)
"""Some of each kind; tests/unit/checkpoint tries all on disk."""
FILE_BYTES = 16 << 20
"""More than the server's log takes."""
MEMORY_MARGIN = 0.15
"""Of the memory after two loads: what an allocator may keep. A checkpoint or an engine that is
never freed takes more."""


def sample(corpus: list[str], count: int) -> list[str]:
    """So many, from its whole length."""
    return corpus[:: len(corpus) // count][:count]


def test_no_request_is_lost_and_no_score_is_mixed_over_ten_loads(hot: HotServer) -> None:
    folders = [hot.root / "b", hot.root / "a"]
    outcome = asyncio.run(run(hot.target, folders, Plan(LOADS, Mix.MIXED, STREAMS, pause_s=0.5)))
    assert [load.job["state"] for load in outcome.loads] == ["active"] * LOADS
    assert defects(outcome, hot.references) == []
    for load in outcome.loads:
        proof = load.job["proof"]
        assert proof["files"] == "hashes"
        # Every parameter: those that the CPU backend packs by their products.
        assert proof["weights"]["uncovered"] == 0
        assert proof["weights"]["equal"] + proof["weights"]["computed"] == 17
        assert proof["computation"]["shown"] == "rows"
        assert proof["computation"]["rows"] == 11
        # Seen: 1e-5; the tolerance in float32 is 0.01.
        assert proof["computation"]["largest_row_difference"] < 1e-3
    named = {answer.header for answer in outcome.answers}
    assert named == {"tiny-a", "tiny-b"}
    assert len(outcome.answers) > LOADS * STREAMS
    resident = [load.resident_bytes for load in outcome.loads]
    assert resident[-1] < (1 + MEMORY_MARGIN) * resident[1]
    # What is active, and what it can be rolled back to.
    assert len(hot.copies) == 2
    # The engine was started with a copy that is gone: texts are scored all the same.
    given = {"messages": [{"role": "user", "content": "Why?"}], "completion": "So."}
    answer = hot.server.http.post("/v1/self_reward", json=given)
    assert answer.status_code == 200, answer.text


# Three of each stage: tests/unit/checkpoint/test_bad_checkpoints.py tries all of those on disk.
@pytest.mark.parametrize("name", [name for stage in Stage for name in sample(names([stage]), 3)])
def test_a_bad_checkpoint_is_rejected_by_name_and_the_last_good_one_serves_on(
    at_a: HotServer, before: list[Sample], candidate: Path, name: str
) -> None:
    BAD[name](candidate)
    reason = at_a.rejection(candidate, "in_place")
    assert re.search(BAD[name].reason, reason, re.DOTALL), reason
    assert same_as(before, at_a.ask("tiny-a"))
    assert len(at_a.copies) <= 2


def test_bad_and_strange_checkpoints_under_load_are_refused_or_right_and_delay_nobody(
    at_a: HotServer,
) -> None:
    """Whoever waited for longer than --load-patience would have been answered with a 503."""
    folders = {name: change_copy(at_a, name) for name in (*REFUSED, *TAKEN)}
    try:
        plan = Plan(len(folders), Mix.IN_PLACE, STREAMS, pause_s=0.2)
        outcome = asyncio.run(run(at_a.target, list(folders.values()), plan))
    finally:
        for folder in folders.values():
            shutil.rmtree(folder)
    ended = dict(zip(folders, (load.job for load in outcome.loads), strict=True))
    for name in REFUSED:
        assert ended[name]["state"] == "rejected"
        assert re.search(BAD[name].reason, ended[name]["reason"], re.DOTALL), ended[name]
    assert {name: ended[name]["reason"] for name in TAKEN} == dict.fromkeys(TAKEN)
    assert len(defects(outcome, at_a.references)) == len(REFUSED)
    assert {answer.header for answer in outcome.answers} == {"tiny-a", "tiny-b"}


def change_copy(hot: HotServer, name: str) -> Path:
    """A copy of `b` that was changed in this way."""
    folder = shutil.copytree(hot.root / "b", hot.root / f"strange-{name.replace(' ', '-')}")
    (BAD.get(name) or HARMLESS[name])(folder)
    return folder


def test_a_load_that_the_disk_has_no_room_for_is_refused_and_leaves_nothing(
    at_a: HotServer, before: list[Sample], candidate: Path
) -> None:
    """A file of the server may not grow so large, for the time being."""
    copies = at_a.copies
    give_cue(candidate, " " * 2 * FILE_BYTES)
    server = psutil.Process(at_a.server.pid)
    unlimited = server.rlimit(psutil.RLIMIT_FSIZE)
    server.rlimit(psutil.RLIMIT_FSIZE, (FILE_BYTES, unlimited[1]))
    try:
        with answered_throughout(at_a, "tiny-a"):
            assert "cannot be written: File too large" in at_a.rejection(candidate)
        assert at_a.copies == copies
        assert same_as(before, at_a.ask("tiny-a"))
    finally:
        server.rlimit(psutil.RLIMIT_FSIZE, unlimited)
    at_a.load(candidate)
    at_a.ask("tiny-b")


def test_a_reload_that_fails_is_undone(
    at_a: HotServer, before: list[Sample], candidate: Path
) -> None:
    give_cue(candidate, FAIL)
    assert "cannot reload its weights: " in (reason := at_a.rejection(candidate))
    assert "it was asked to fail" in reason
    assert same_as(before, at_a.ask("tiny-a"))


def test_an_engine_that_dies_of_a_reload_is_replaced_and_no_request_fails(
    at_a: HotServer, before: list[Sample], candidate: Path
) -> None:
    give_cue(candidate, DIE)
    with answered_throughout(at_a, "tiny-a"):
        assert "it died of it" in at_a.rejection(candidate)
        assert same_as(before, at_a.ask("tiny-a"))
    assert len(engines(at_a.server.pid)) == 1
    assert len(at_a.copies) <= 2


def test_an_engine_that_is_killed_in_the_middle_of_a_reload_is_replaced_and_no_request_fails(
    at_a: HotServer, before: list[Sample], candidate: Path
) -> None:
    with answered_throughout(at_a, "tiny-a"):
        with reloading(at_a, candidate) as job:
            for engine in engines(at_a.server.pid):
                engine.kill()
            assert "it died of it" in at_a.wait(job)["reason"]
        assert same_as(before, at_a.ask("tiny-a"))
    assert len(engines(at_a.server.pid)) == 1
    assert len(at_a.copies) <= 2
