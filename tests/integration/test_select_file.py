"""Selection over a file, without HTTP: the same answers as the engine gives elsewhere."""

import json
from pathlib import Path
from typing import Any

import pytest

from laserve.__main__ import main
from laserve.answers.math_equality import MathEqualityPool
from laserve.errors import DataError, RequestError
from laserve.offline import OfflineEngine
from laserve.reference.encode import encode_prompt
from laserve.reference.rows import Row
from laserve.scoring.scored_engine import ScoredEngine
from laserve.select_file import select_rows
from laserve.selecting.plan import Planner
from laserve.selection.options import SelectionOptions
from tests import fork_server
from tests.integration.generating import generate

DEMO = Path(__file__).parents[2] / "demo" / "laserve-countdown"
PLANNER = Planner({}, MathEqualityPool())
ROWS = {"line 1": Row(prompt="one"), "line 3": Row(prompt="three")}


async def selected(
    offline: OfflineEngine, rows: dict[str, Row], options: dict[str, Any], **params: Any
) -> dict[int, dict[str, Any]]:
    answers = select_rows(offline, rows, SelectionOptions(**options), PLANNER, **params)
    return {answer["line"]: answer async for answer in answers}


async def test_each_row_is_answered_by_the_winner_of_its_samples(
    offline: OfflineEngine, scored: ScoredEngine
) -> None:
    asked = {"n_max": 4, "adaptive": False, "return_candidates": True}
    answers = await selected(offline, ROWS, asked, max_tokens=16, seed=5)
    assert answers.keys() == {1, 3}
    for line, answer in answers.items():
        prompt = encode_prompt("", ROWS[f"line {line}"].conversation, offline.tokenizer)
        seed = (5 << 32) + line * 4
        plain = await generate(scored, prompt, n=4, temperature=1.0, max_tokens=16, seed=seed)
        texts = [sample.text for sample in plain.samples.values()]
        assert [c["text"] for c in answer["selection"]["candidates"]] == texts
        assert answer["text"] == texts[answer["selection"]["selected_index"]]


async def test_a_row_of_no_use_is_named_before_any_is_asked(offline: OfflineEngine) -> None:
    for row, message in (
        (Row(prompt="x", completion="y"), "line 3 has a completion"),
        (Row(prompt="x" * 5000), "line 3 takes .* tokens, the context has 512"),
    ):
        with pytest.raises(DataError, match=message):
            await selected(offline, {**ROWS, "line 3": row}, {})


async def test_what_the_checkpoint_cannot_do_is_refused(offline: OfflineEngine) -> None:
    with pytest.raises(RequestError, match="no calibration"):
        await selected(offline, ROWS, {"min_confidence": 0.5})


def arguments(folder: Path, *more: str) -> list[str]:
    files = ["--data", str(folder / "in.jsonl"), "--output", str(folder / "out.jsonl")]
    return ["select", str(DEMO), *files, "--max-tokens", "24", *more]


def test_the_command_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    questions = ["2,6,6>2", "1,2,3>6", "4,4,1>9"]
    lines = "".join(json.dumps({"prompt": question}) + "\n" for question in questions)
    (tmp_path / "in.jsonl").write_text(lines)
    kept = json.dumps({"line": 2, "text": "kept"}) + "\n"
    (tmp_path / "out.jsonl").write_text(kept + '{"line": 3, "te')  # killed while it wrote
    selection = json.dumps({"n_max": 16, "min_confidence": 0.9})
    flags = ["--selection", selection, "--dtype", "float32", "--enforce-eager"]
    log = tmp_path / "select.log"
    process = fork_server.start("laserve", *arguments(tmp_path, *flags), output=log)
    assert process.wait(timeout=300) == 0, log.read_text()[-3000:]
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert rows[0] == {"line": 2, "text": "kept"}
    assert {row["line"] for row in rows[1:]} == {1, 3}
    for row in rows[1:]:
        assert row["selection"]["stop_cause"] in ("min_confidence", "n_max")
        assert row["self_reward"]["status"] == "scored"


@pytest.mark.parametrize(
    ("selection", "output", "message"),
    [
        ('{"n_max": 0}', "", "n_max"),
        ("{", "", "--selection '{'"),
        ("{}", "not ours\n", "not the output of `laserve select`"),
    ],
)
def test_mistakes_are_named_before_an_engine_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], selection: str, output: str, message: str
) -> None:
    (tmp_path / "in.jsonl").write_text('{"prompt": "1,2,3>6"}\n')
    (tmp_path / "out.jsonl").write_text(output)
    assert main(arguments(tmp_path, "--selection", selection)) == 2
    assert message in capsys.readouterr().err
