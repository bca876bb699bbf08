"""`laserve-client rerank`: files that may be large, and runs that may end at any time."""

import json
import math
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laserve_client.cli import main
from tests.unit.client.fake_server import FakeLaServe, error

Captured = pytest.CaptureFixture[str]
DOCUMENTS = ["wrong", "right"]


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def row(number: int) -> dict[str, Any]:
    return {"id": f"row-{number}", "query": f"question {number}", "documents": DOCUMENTS}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write(tmp_path / "in.jsonl", *map(row, range(20)))


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "out.jsonl"


def rerank(fake: FakeLaServe, source: Path, target: Path, *options: str) -> int:
    return main(["rerank", str(source), str(target), "--base-url", fake.url, *options])


def written(target: Path) -> dict[Any, Any]:
    rows = [json.loads(line) for line in target.read_text().splitlines()]
    assert target.read_text().endswith("\n")
    found = {row["id"] if "id" in row else row["line"]: row["results"] for row in rows}
    assert len(found) == len(rows)
    return found


def test_every_row_is_reranked(fake: FakeLaServe, source: Path, target: Path) -> None:
    assert rerank(fake, source, target) == 0
    results = written(target)
    assert results.keys() == {f"row-{number}" for number in range(20)}
    best, worst = results["row-0"]
    assert (best["index"], best["text"], best["relevance_score"]) == (1, "right", 0.9)
    assert best["self_reward"]["status"] == "scored"
    assert worst["text"] == "wrong"
    # The model is asked for once, by whichever row comes first.
    assert fake.paths().count("/v1/models") == 1


def test_rows_without_an_id_carry_their_line(
    fake: FakeLaServe, tmp_path: Path, target: Path
) -> None:
    source = tmp_path / "in.jsonl"
    messages = [{"role": "user", "content": "2 + 2?"}]
    lines = [
        {"query": "a", "documents": [{"text": "right"}], "column": "that nobody asked for"},
        {"id": None, "messages": messages, "documents": ["right\u2028"]},
        {"id": {"part": 1}, "query": "", "documents": ["right \ud800"]},
    ]
    source.write_text("\n".join(["", *map(json.dumps, lines)]))  # an empty one, and no end of line
    assert rerank(fake, source, target, "--concurrency", "1") == 0
    rows = [json.loads(line) for line in target.read_text().splitlines()]
    assert [{key: row[key] for key in row if key != "results"} for row in rows] == [
        {"line": 2},
        {"line": 3},
        {"id": {"part": 1}},
    ]
    assert [row["results"][0]["text"] for row in rows] == ["right", "right\u2028", "right \ud800"]
    assert fake.asked[2].body["messages"] == messages


@pytest.mark.parametrize("concurrency", [1, 3])
def test_so_many_rows_are_sent_at_a_time_and_no_more(
    fake: FakeLaServe, source: Path, target: Path, concurrency: int
) -> None:
    write(source, *map(row, range(6)))
    fake.rerank_s = 0.1
    assert rerank(fake, source, target, "--concurrency", str(concurrency)) == 0
    assert fake.load.most == concurrency


def test_top_n_is_sent(fake: FakeLaServe, source: Path, target: Path) -> None:
    rerank(fake, source, target, "--top-n", "1")
    assert {len(results) for results in written(target).values()} == {1}


def test_rows_that_are_done_are_not_sent_again(
    fake: FakeLaServe, source: Path, target: Path, capsys: Captured
) -> None:
    assert rerank(fake, source, target) == 0
    before = target.read_bytes()
    fake.reset()
    assert rerank(fake, source, target) == 0
    assert target.read_bytes() == before
    assert fake.asked == []
    assert "0 rows reranked, 0 failed, 0 left, 20 done before" in capsys.readouterr().err


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_that_was_cut_off_anywhere_is_gone_on_with(
    fake: FakeLaServe, source: Path, target: Path, data: st.DataObject
) -> None:
    target.unlink(missing_ok=True)
    write(source, *map(row, range(4)))
    assert rerank(fake, source, target) == 0
    whole = target.read_bytes()
    target.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    kept = target.read_bytes().count(b"\n")
    fake.reset()
    assert rerank(fake, source, target) == 0
    assert written(target).keys() == {f"row-{number}" for number in range(4)}
    assert fake.paths().count("/v1/rerank") == 4 - kept


def test_a_row_that_fails_is_told_with_its_line_and_the_rest_is_kept(
    fake: FakeLaServe, source: Path, target: Path, capsys: Captured
) -> None:
    fake.failing = {"question 4": 400, "question 7": 500}
    assert rerank(fake, source, target) == 1
    assert len(written(target)) == 18
    told = capsys.readouterr().err
    assert f"{source}, line 5: cannot rerank question 4 (HTTP 400)\n" in told
    assert f"{source}, line 8: cannot rerank question 7 (HTTP 500)\n" in told
    assert "18 rows reranked, 2 failed, 0 left, 0 done before" in told
    fake.failing = {}
    assert rerank(fake, source, target) == 0
    assert len(written(target)) == 20


@pytest.mark.parametrize("status", [401, 404])
def test_an_error_that_every_row_would_meet_ends_the_run(
    fake: FakeLaServe, source: Path, target: Path, capsys: Captured, status: int
) -> None:
    fake.failing = {"question 4": status}
    assert rerank(fake, source, target, "--concurrency", "1") == 2
    assert len(written(target)) == 4
    told = capsys.readouterr().err
    assert f"laserve-client rerank: cannot rerank question 4 (HTTP {status})\n" in told
    assert "4 rows reranked, 0 failed, 16 left" in told


def test_a_server_that_is_not_there_is_told(source: Path, target: Path, capsys: Captured) -> None:
    assert main(["rerank", str(source), str(target), "--base-url", "http://127.0.0.1:1"]) == 2
    assert "the connection failed" in capsys.readouterr().err


MISTAKES = [
    ("{", "no JSON"),
    ("[1]", "Input should be"),
    ('"\\ud800', "no JSON"),
    (b"\xff", "no JSON"),
    ("[" * 100_000, "no JSON"),
    ({"query": "a"}, "documents: Field required"),
    ({"query": "a", "documents": []}, "documents: "),
    ({"query": "a", "documents": [1]}, "documents.0"),
    ({"query": 1, "documents": ["a"]}, "query: "),
    ({"documents": ["a"]}, "give either query or messages"),
    ({"query": "a", "messages": [{}], "documents": ["a"]}, "give either query or messages"),
    ({"messages": [], "documents": ["a"]}, "messages: "),
    (row(0), "line 1 has the same id"),
]


@pytest.mark.parametrize(("line", "message"), MISTAKES)
def test_lines_that_cannot_be_used_are_told_before_anything_is_sent(
    fake: FakeLaServe, tmp_path: Path, target: Path, capsys: Captured, line: Any, message: str
) -> None:
    source = tmp_path / "in.jsonl"
    if not isinstance(line, bytes):
        line = (line if isinstance(line, str) else json.dumps(line)).encode()
    source.write_bytes(b"%s\n%s\n" % (json.dumps(row(0)).encode(), line))
    assert rerank(fake, source, target) == 2
    told = capsys.readouterr().err
    assert f"{source}, line 2: " in told
    assert message in told
    assert fake.asked == []
    assert not target.exists()


def test_of_many_mistakes_the_first_ones_are_told(
    fake: FakeLaServe, tmp_path: Path, target: Path, capsys: Captured
) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text("{\n" * 100)
    assert rerank(fake, source, target) == 2
    assert capsys.readouterr().err.endswith("and 80 lines more\n")


@pytest.mark.parametrize(
    "content",
    [
        "notes of mine",
        "notes of mine\n",
        '{"id": 1}\n',
        '{"results": []}\n',
        "\n",
        '{"id": 1, "results": []}\nnotes of mine',
    ],
)
def test_a_file_that_holds_something_else_is_left_as_it_is(
    fake: FakeLaServe, source: Path, target: Path, capsys: Captured, content: str
) -> None:
    target.write_text(content)
    assert rerank(fake, source, target) == 2
    assert target.read_text() == content
    assert "give another output file" in capsys.readouterr().err


def test_the_input_is_never_written_on(fake: FakeLaServe, source: Path, capsys: Captured) -> None:
    before = source.read_bytes()
    assert rerank(fake, source, source) == 2
    assert source.read_bytes() == before
    assert "the output cannot be the input" in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--concurrency", "0"], ["--top-n", "-1"]])
def test_numbers_below_one_are_refused(
    source: Path, target: Path, options: list[str], capsys: Captured
) -> None:
    with pytest.raises(SystemExit):
        main(["rerank", str(source), str(target), *options])
    assert "is less than 1" in capsys.readouterr().err


def command(fake: FakeLaServe, source: Path, target: Path) -> list[str]:
    arguments = ["rerank", str(source), str(target), "--base-url", fake.url, "--concurrency", "2"]
    return [sys.executable, "-m", "laserve_client.cli", *arguments]


def test_ctrl_c_leaves_a_file_that_can_be_gone_on_with(
    fake: FakeLaServe, source: Path, target: Path
) -> None:
    fake.reranks = 4
    process = subprocess.Popen(command(fake, source, target), stderr=subprocess.PIPE, text=True)
    while not target.exists() or target.read_bytes().count(b"\n") < 4:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate()
    assert process.returncode == 130
    assert "laserve-client rerank: interrupted" in told
    assert "Traceback" not in told
    assert len(written(target)) == 4
    fake.reranks = math.inf
    assert rerank(fake, source, target) == 0
    assert len(written(target)) == 20


def on_a_terminal(arguments: list[str]) -> Iterator[str]:
    """What a command writes on stderr where that is a terminal."""
    master, slave = pty.openpty()
    process = subprocess.Popen(arguments, stderr=slave, env={**os.environ, "TERM": "xterm"})
    os.close(slave)
    while True:
        try:
            data = os.read(master, 65536)
        except OSError:  # the other end is closed
            break
        if not data:
            break
        yield data.decode()
    os.close(master)
    assert process.wait() == 1


def test_a_bar_is_shown_on_a_terminal(fake: FakeLaServe, source: Path, target: Path) -> None:
    fake.failing = {"question 4": 400}
    told = "".join(on_a_terminal(command(fake, source, target)))
    assert "20/20" in told
    assert "line 5: cannot rerank question 4 (HTTP 400)" in told


def test_no_bar_is_shown_in_a_pipe(
    fake: FakeLaServe, source: Path, target: Path, capsys: Captured
) -> None:
    assert rerank(fake, source, target) == 0
    assert capsys.readouterr().err == "20 rows reranked, 0 failed, 0 left, 0 done before\n"


def test_a_busy_server_is_waited_for(fake: FakeLaServe, source: Path, target: Path) -> None:
    fake.failures += [error(503, "busy", retry_after="0")] * 2
    assert rerank(fake, source, target) == 0
