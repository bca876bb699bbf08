"""Bad folders: files that are missing, too many, of another kind, or not those of the manifest."""

import os
import shutil
import socket
from contextlib import chdir
from pathlib import Path

from laserve.core.checkpoint_files import MANIFEST_NAME, hash_files
from tests.tiny_checkpoints.change import (
    WEIGHTS,
    flip_a_bit,
    pipe,
    replace_by_link,
    truncate,
    update,
    write_file,
)
from tests.tiny_checkpoints.mutation import Mutation, invalid, on_disk


def _code(folder: Path) -> None:
    (folder / "modeling_tiny.py").write_text("print('hello')\n")
    update(folder / "config.json", auto_map={"AutoModelForCausalLM": "modeling_tiny.Tiny"})


def _link_out(folder: Path) -> None:
    outside = folder.parent / f"{folder.name}-outside.json"
    shutil.copy(folder / "config.json", outside)
    replace_by_link("config.json", lambda _: outside)(folder)


def _folder(folder: Path) -> None:
    (folder / "config.json").unlink()
    (folder / "config.json").mkdir()


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def _socket(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one, chdir(folder):  # a socket's path is short
        one.bind("notes.txt")


def _deep(folder: Path) -> None:
    (folder / Path(*"d" * 20)).mkdir(parents=True)


def _large_notes(folder: Path) -> None:
    (folder / "notes.md").touch()
    os.truncate(folder / "notes.md", 200 * 2**20)
    update(folder / MANIFEST_NAME, files=dict.fromkeys(hash_files(folder), "0" * 64))


FOLDERS: dict[str, Mutation] = {
    "empty folder": Mutation(_empty, "no laserve.json: it is not complete yet"),
    "half-written: no manifest": Mutation(
        lambda folder: (folder / MANIFEST_NAME).unlink(), "no laserve.json: it is not complete yet"
    ),
    "half-written: shard still growing": Mutation(truncate, "'model.safetensors'.*sha256"),
    "missing file": Mutation(
        lambda folder: (folder / "tokenizer.json").unlink(), "missing: 'tokenizer.json'"
    ),
    "unlisted file": Mutation(write_file("notes.txt", b"x"), "does not list: 'notes.txt'"),
    "flipped bit": Mutation(flip_a_bit, "'model.safetensors' has not the sha256"),
    "wrong hash": invalid(
        lambda content: content["files"].update({"config.json": "0" * 64}),
        "'config.json' has not the sha256",
    ),
    "listed pickle": Mutation(
        write_file("pytorch_model.bin", b"\x80\x04."),
        "may carry code: 'pytorch_model.bin'",
        rehash=True,
    ),
    "unlisted pickle": Mutation(
        write_file("training_args.bin", b"\x80\x04."), "may carry code: 'training_args.bin'"
    ),
    "python file": Mutation(_code, "may carry code: 'modeling_tiny.py'", rehash=True),
    "link that leads out": Mutation(_link_out, "'config.json' is a link that leads out"),
    "link to itself": Mutation(
        replace_by_link("config.json", lambda folder: folder / "config.json"),
        "'config.json' is a link that leads nowhere: Too many levels",
    ),
    "link to nothing": Mutation(
        replace_by_link("config.json", lambda folder: folder / "gone.json"),
        "'config.json' is a link that leads nowhere: No such file",
    ),
    "link to a folder": Mutation(
        replace_by_link("config.json", lambda folder: folder), "'config.json' is a folder"
    ),
    "pipe": Mutation(lambda folder: pipe(folder / WEIGHTS), "'model.safetensors' is a pipe"),
    "pipe as manifest": Mutation(
        lambda folder: pipe(folder / MANIFEST_NAME), "'laserve.json' is a pipe"
    ),
    "folder for a file": Mutation(_folder, "missing: 'config.json'"),
    "socket": Mutation(_socket, "'notes.txt' is a socket"),
    "folders without end": Mutation(_deep, "more than 16 folders within each other"),
    "name that is not UTF-8": Mutation(
        lambda folder: Path(os.fsdecode(bytes(folder) + b"/n\xff.txt")).touch(),
        r"does not list: 'n\\udcff.txt'",
    ),
    "notes of 200 MiB": Mutation(_large_notes, "'notes.md' is larger than 128 MiB, and no weights"),
    "weights under a suffix in capitals": Mutation(
        lambda folder: (folder / WEIGHTS).rename(folder / "model.SAFETENSORS"),
        "may carry code: 'model.SAFETENSORS'",
    ),
    "configuration in capitals beside it": on_disk(
        lambda folder: shutil.copy(folder / "config.json", folder / "Config.json"),
        "served checkpoint has not.*'Config.json'",
    ),
    "manifest that lists itself": invalid(
        lambda content: content["files"].update({MANIFEST_NAME: "0" * 64}),
        "missing: 'laserve.json'",
    ),
    "path by a detour": invalid(
        lambda content: content["files"].update(
            {"./config.json": content["files"].pop("config.json")}
        ),
        "missing: './config.json'",
    ),
    "hidden file that is listed": invalid(
        lambda content: content["files"].update({".hidden": "0" * 64}), "may carry code: '.hidden'"
    ),
    "hash in capitals": invalid(
        lambda content: content["files"].update({"config.json": "A" * 64}), "should match pattern"
    ),
}
