"""Files of problems: each format, and each fault by its file and line."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from laserve.errors import ConfigurationError, DataError
from laserve_training.problem import Problem, Split
from laserve_training.tasks.files import FileTask

ROWS: list[dict[str, Any]] = [
    {"prompt": "What is 12 + 7?", "answer": "19", "level": 1, "tags": ["sum"]},
    {"prompt": "What is 6 * 7?", "answer": "42", "completion": "It is 42.", "level": 2, "tags": []},
    {"prompt": "What is 1 - 3?", "answer": "-2", "level": None, "tags": None},
]


def write_lines(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def write_json(folder: Path, rows: list[dict[str, Any]]) -> Path:
    return write_lines(folder, rows).rename(folder / "rows.json")


def columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    keys = dict.fromkeys(key for row in rows for key in row)
    return {key: [row.get(key) for row in rows] for key in keys}


def write_parquet(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "rows.parquet"
    parquet.write_table(pa.table(columns(rows)), path)
    return path


def write_folder(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "rows"
    datasets.Dataset.from_dict(columns(rows)).save_to_disk(str(path))
    return path


def write_array(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "rows.json"
    path.write_text(json.dumps(rows, indent=1), encoding="utf-8-sig")
    return path


Writer = Callable[[Path, list[dict[str, Any]]], Path]
ARROW_WRITERS = (write_parquet, write_folder)


def read(path: Path) -> list[Problem]:
    return FileTask("mine", train=path).problems(Split.TRAIN, None, seed=0)


def one_file(folder: Path, *lines: str) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize("write", [write_lines, write_json, write_array, *ARROW_WRITERS])
def test_every_format_gives_the_same_problems(write: Writer, tmp_path: Path) -> None:
    problems = read(write(tmp_path, ROWS))
    assert [problem.question for problem in problems] == [row["prompt"] for row in ROWS]
    assert [problem.answer for problem in problems] == ["19", "42", "-2"]
    assert [problem.completion for problem in problems] == [None, "It is 42.", None]
    assert [problem.metadata for problem in problems] == [
        {"level": row["level"], "tags": row["tags"]} for row in ROWS
    ]


TURN = {"role": "user", "content": "What is 1 + 2?"}
SAID = {"role": "assistant", "content": "It is 3."}


@pytest.mark.parametrize("write", [write_lines, *ARROW_WRITERS])
@pytest.mark.parametrize(
    ("row", "completion", "metadata"),
    [
        (
            {
                "prompt": [TURN],
                "reward_model": {"style": "rule", "ground_truth": "3"},
                "ability": "m",
            },
            None,
            {"reward_model": {"style": "rule", "ground_truth": "3"}, "ability": "m"},
        ),
        ({"prompt": [TURN], "solution": "3"}, None, {}),
        ({"prompt": "What is 1 + 2?", "ground_truth": "3"}, None, {}),
        ({"prompt": [TURN], "completion": [SAID], "solution": "3"}, "It is 3.", {}),
        ({"messages": [TURN, SAID], "answer": "3"}, "It is 3.", {}),
        (
            {"prompt": [TURN], "answer": "3", "solution": "1 + 2 = 3"},
            None,
            {"solution": "1 + 2 = 3"},
        ),
    ],
    ids=["verl", "solution", "ground_truth", "completion", "assistant", "ours and a solution"],
)
def test_rows_of_verl_and_trl_are_read_as_they_are(
    row: dict[str, Any], completion: str | None, metadata: Any, write: Writer, tmp_path: Path
) -> None:
    (problem,) = read(write(tmp_path, [row]))
    assert problem.messages == (TURN,)
    assert (problem.answer, problem.completion) == ("3", completion)
    assert problem.metadata == metadata


def test_faulty_rows_are_told_all_at_once_up_to_a_limit(tmp_path: Path) -> None:
    path = one_file(tmp_path, *['{"prompt": "x", "answer": 1}', '{"prompt": "x"}', "{"] * 6)
    with pytest.raises(DataError) as caught:
        read(path)
    told = str(caught.value).splitlines()
    assert (told[0], told[-1].strip(), len(told)) == ("12 rows cannot be used:", "and 2 more", 12)
    assert told[1] == f"  line 2 of {path}: `answer`: Field required"


def test_an_array_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text('[{"prompt": "x", "answer": 1},')
    with pytest.raises(DataError, match="rows.json is not a JSON array"):
        read(tmp_path / "rows.json")


@pytest.mark.parametrize("write", [write_lines, *ARROW_WRITERS])
def test_messages_keep_their_keys_and_get_no_others(write: Writer, tmp_path: Path) -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi", "name": "Ada"},
    ]
    (problem,) = read(write(tmp_path, [{"messages": messages, "answer": "Hello"}]))
    assert problem.messages == tuple(messages)
    assert problem.question == "Hi"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        *((19, "19"), (-2, "-2"), (2.5, "2.5"), (10**30, str(10**30))),
        *((5e-05, "0.00005"), (1e16, "10000000000000000"), (3.0, "3"), (-1.5e-7, "-0.00000015")),
    ],
)
def test_numbers_become_text(number: float, text: str, tmp_path: Path) -> None:
    (problem,) = read(write_lines(tmp_path, [{"prompt": "?", "answer": number}]))
    assert problem.answer == text


@pytest.mark.parametrize("write", [write_lines, write_array])
@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("12345678901234567890.5", "12345678901234567890.5"),
        ("0." + "1" * 40, "0." + "1" * 40),
        ("2.50", "2.5"),
    ],
)
def test_a_number_keeps_the_digits_that_it_was_written_with(
    written: str, text: str, write: Writer, tmp_path: Path
) -> None:
    path = write(tmp_path, [{"prompt": "?", "answer": "NUMBER", "level": 0.5}])
    path.write_text(path.read_text(encoding="utf-8-sig").replace('"NUMBER"', written))
    (problem,) = read(path)
    assert (problem.answer, problem.metadata) == (text, {"level": 0.5})


@pytest.mark.parametrize("width", ["float16", "float32", "float64"])
@pytest.mark.parametrize("save", ["parquet", "folder"])
def test_a_number_of_a_narrow_column_is_as_short_as_in_its_own_width(
    width: str, save: str, tmp_path: Path
) -> None:
    kind = pa.struct([("ground_truth", pa.from_numpy_dtype(width)), ("style", pa.string())])
    numbers = np.array([0.1, 2.5, 3.0], dtype=width)
    rewards = [{"ground_truth": number, "style": "rule"} for number in numbers]
    table = pa.table(
        {"prompt": ["a", "b", "c"], "reward_model": pa.array(rewards, kind)},
    )
    path = tmp_path / "rows.parquet"
    parquet.write_table(table, path)
    if save == "folder":
        loaded = datasets.Dataset(table)
        path = tmp_path / "rows"
        loaded.save_to_disk(str(path))
    assert [problem.answer for problem in read(path)] == ["0.1", "2.5", "3"]


@pytest.mark.parametrize("write", [write_lines, write_array, *ARROW_WRITERS])
@pytest.mark.parametrize(
    "row",
    [
        {"reward_model": {"ground_truth": "3"}, "solution": None, "ground_truth": None},
        {"reward_model": {"ground_truth": None}, "solution": "3", "ground_truth": "4"},
        {"reward_model": None, "solution": None, "ground_truth": "3"},
    ],
)
def test_the_answer_is_the_first_that_a_row_has(
    row: dict[str, Any], write: Writer, tmp_path: Path
) -> None:
    (problem,) = read(write(tmp_path, [{"prompt": "1 + 2?", "answer": None, **row}]))
    assert problem.answer == "3"


@pytest.mark.parametrize("array", [False, True])
def test_a_row_that_is_nested_too_deeply_is_refused(array: bool, tmp_path: Path) -> None:
    deep = '{"prompt": "x", "answer": 1, "a": ' + "[" * 100_000 + "]" * 100_000 + "}"
    path = tmp_path / "rows.json"
    path.write_text(f"[{deep}]" if array else deep)
    with pytest.raises(DataError, match="nested too deeply"):
        read(path)


@pytest.mark.parametrize("write", ARROW_WRITERS)
def test_dates_become_text(write: Writer, tmp_path: Path) -> None:
    row = {"prompt": "?", "answer": 1, "asked": datetime(2026, 11, 25, tzinfo=UTC)}
    (problem,) = read(write(tmp_path, [row]))
    assert str(problem.metadata["asked"]).startswith("2026-11-25T00:00:00")


@pytest.mark.parametrize("write", [write_lines, *ARROW_WRITERS])
def test_content_in_parts_of_text_is_one_text(write: Writer, tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "1 + 2"}, {"type": "text", "text": "is?"}]
    row = {
        "prompt": [{"role": "user", "content": parts}],
        "completion": [{"role": "assistant", "content": [{"type": "text", "text": "3"}]}],
        "answer": 3,
    }
    (problem,) = read(write(tmp_path, [row]))
    assert problem.messages == ({"role": "user", "content": "1 + 2\nis?"},)
    assert problem.completion == "3"


def test_lines_end_at_line_feeds_only_and_blank_ones_count(tmp_path: Path) -> None:
    rows = ['{"prompt": "a\u2028b", "answer": 1}', "", '{"prompt": "c", "answer": 2}\r', " "]
    problems = read(one_file(tmp_path, *rows))
    assert [problem.question for problem in problems] == ["a\u2028b", "c"]
    assert problems[1].where == f"line 3 of {tmp_path / 'rows.jsonl'}"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("{", "Invalid JSON"),
        ("[]", "should be an object"),
        ('{"answer": 1}', "give exactly one of `prompt` and `messages`"),
        (
            '{"prompt": "x", "messages": [{"role": "user", "content": "x"}], "answer": 1}',
            "give exactly one of `prompt` and `messages`",
        ),
        ('{"prompt": "", "answer": 1}', "`prompt`: "),
        ('{"prompt": 3, "answer": 1}', "`prompt`: Input should be a valid string"),
        ('{"prompt": "x"}', "`answer`: Field required"),
        ('{"prompt": "x", "answer": null}', "`answer`: Input should be a valid string"),
        ('{"prompt": "x", "answer": true}', "`answer`: Input should be a valid string"),
        ('{"prompt": "x", "answer": NaN}', "`answer`: Input should be a valid string"),
        ('{"prompt": "x", "answer": [1]}', "`answer`: Input should be a valid string"),
        ('{"prompt": "x", "answer": " "}', "the `answer` is empty"),
        ('{"prompt": "x", "answer": 1, "completion": 2}', "`completion`: "),
        ('{"messages": [], "answer": 1}', "`messages`: "),
        ('{"messages": [{"role": "user"}], "answer": 1}', "`messages.0.content`: Field required"),
        (
            '{"messages": [{"role": "assistant", "content": "x"}], "answer": 1}',
            "the last message is the assistant's",
        ),
        (
            '{"messages": [{"role": "system", "content": "x"}], "answer": 1}',
            "the last message must be the user's",
        ),
        (
            '{"messages": [{"role": "user", "content": [{"type": "text"}]}], "answer": 1}',
            "`messages.0.content` has parts other than text",
        ),
        (
            '{"messages": [{"role": "user", "content": [{"type": "image"}]}], "answer": 1}',
            "`messages.0.content` has parts other than text",
        ),
    ],
)
def test_a_faulty_row_is_refused_with_its_line(row: str, reason: str, tmp_path: Path) -> None:
    path = one_file(tmp_path, '{"prompt": "good", "answer": 1}', "", row)
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value).startswith(f"line 3 of {path}: ")
    assert reason in str(caught.value)


@pytest.mark.parametrize("write", ARROW_WRITERS)
def test_a_faulty_row_of_a_table_is_refused_with_its_number(write: Writer, tmp_path: Path) -> None:
    path = write(tmp_path, [*ROWS[:2], {"prompt": "x", "answer": None}])
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value).startswith(f"row 3 of {path}: `answer`: ")


@pytest.mark.parametrize("write", ARROW_WRITERS)
def test_bytes_are_refused_with_their_row(write: Writer, tmp_path: Path) -> None:
    path = write(tmp_path, [{"prompt": "x", "answer": 1, "image": b"\xff\xd8"}])
    with pytest.raises(DataError, match="row 1 of .*JSON cannot.*Drop the column"):
        read(path)


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="rows.jsonl has no row"):
        read(one_file(tmp_path, "", " "))
    with pytest.raises(DataError, match="rows.parquet has no row"):
        read(write_parquet(tmp_path, []))


def test_an_unknown_kind_of_file_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"rows.csv.*\.jsonl, \.json.*\.parquet.*save_to_disk"):
        read(tmp_path / "rows.csv")


@pytest.mark.parametrize("name", ["none.jsonl", "none.parquet"])
def test_a_missing_file_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"{name} cannot be read"):
        read(tmp_path / name)


def test_other_content_than_the_name_says_is_refused(tmp_path: Path) -> None:
    for name in ("rows.parquet", "rows.jsonl"):
        (tmp_path / name).write_bytes(b"\xff\xfe\xff")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        read(tmp_path / "rows.parquet")
    with pytest.raises(DataError, match="rows.jsonl is not UTF-8.*: save it as UTF-8"):
        read(tmp_path / "rows.jsonl")
    with pytest.raises(DataError, match="cannot be read as a saved dataset"):
        read(tmp_path)


def test_a_folder_of_several_datasets_is_refused_with_their_names(tmp_path: Path) -> None:
    both = {name: datasets.Dataset.from_list(ROWS) for name in ("train", "test")}
    datasets.DatasetDict(both).save_to_disk(str(tmp_path))
    with pytest.raises(DataError, match=r"several datasets \(train, test\): name the folder"):
        read(tmp_path)
    assert len(read(tmp_path / "train")) == 3


def many(folder: Path, name: str, count: int) -> Path:
    path = folder / name
    rows = ({"prompt": f"{name} {number}", "answer": number} for number in range(count))
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def test_a_count_draws_by_the_seed_and_none_keeps_the_files_order(tmp_path: Path) -> None:
    task = FileTask("mine", many(tmp_path, "a.jsonl", 20), None, many(tmp_path, "b.jsonl", 5))
    every = task.problems(Split.TRAIN, None, seed=1)
    assert [problem.answer for problem in every] == [str(number) for number in range(20)]
    drawn = task.problems(Split.TRAIN, 20, seed=1)
    assert drawn != every
    assert sorted(map(repr, drawn)) == sorted(map(repr, every))
    assert task.problems(Split.TRAIN, 20, seed=1) == drawn
    assert task.problems(Split.TRAIN, 20, seed=2) != drawn
    assert len(task.problems(Split.TEST, 3, seed=1)) == 3


def test_more_problems_than_there_are_is_refused(tmp_path: Path) -> None:
    task = FileTask("mine", test=many(tmp_path, "b.jsonl", 5))
    with pytest.raises(DataError, match="b.jsonl has 5 problems, 6 are asked for"):
        task.problems(Split.TEST, 6, seed=0)


def test_a_split_without_a_file_is_refused(tmp_path: Path) -> None:
    task = FileTask("mine", test=many(tmp_path, "b.jsonl", 5))
    with pytest.raises(ConfigurationError, match="mine has no file for its calibration split"):
        task.problems(Split.CALIBRATION, None, seed=0)


def test_a_question_in_two_splits_is_refused_with_both_places(tmp_path: Path) -> None:
    train = many(tmp_path, "a.jsonl", 3)
    test = tmp_path / "b.jsonl"
    messages = [{"role": "system", "content": "Think."}, {"role": "user", "content": "a.jsonl 1"}]
    test.write_text(json.dumps({"messages": messages, "answer": 1}))
    with pytest.raises(DataError) as caught:
        FileTask("mine", train=train, test=test).problems(Split.TRAIN, None, seed=0)
    assert f"line 1 of {test} (test) asks the same as line 2 of {train} (train)" in str(
        caught.value
    )


def test_it_has_no_verifier_of_its_own(tmp_path: Path) -> None:
    assert FileTask("mine", tmp_path).verifier is None
