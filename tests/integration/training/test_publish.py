"""From a training run into a running server: published by the run, or left in a watched folder."""

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from transformers import AutoTokenizer

from laserve.core.checkpoint_files import MANIFEST_NAME
from laserve.core.manifest import read_manifest
from laserve_client import CheckpointJob, LaServe, SelfReward
from tests import fork_server
from tests.budget import Kind, spend
from tests.e2e.server import running_server
from tests.integration.generating import HuggingFaceReference
from tests.tiny_checkpoints.build import BETA_V, C_REF, describe
from tests.tiny_checkpoints.change import WEIGHTS, update
from tests.tiny_model import CHAT_TEMPLATE, TinyModel, build_tiny_model

AGREEMENT = 1e-3
"""Of scores: two implementations in float32, times beta_v."""
ADMIN_KEY = "admin-of-the-test"
LOAD_LIMIT_S = 300.0
QUESTION, ANSWER = "What is 1 + 7?", "It is 8."
TEMPLATE = "{% if brief %}<|im_start|>system\nBe brief.<|im_end|>\n{% endif %}" + CHAT_TEMPLATE
KWARGS: dict[str, Any] = {"brief": True}
SERVED = ("--dtype", "float32", "--enforce-eager", "--max-model-len", "256")
CONFIG = """
name = "tiny-trained"
output = "run"
verifier = "exact"
model = { path = "first", chat_template_kwargs = { brief = true } }
task = { kind = "file", name = "sums", train = "rows.jsonl" }

[score]
z_c = "<|vision_start|>"
c_ref = -14.2
beta_v = 0.1

[laser]
max_completion_length = 24
reasoning_warmup_steps = 0
self_reward_warmup_steps = 0

[laser.trainer]
max_steps = 3
learning_rate = 3e-4
num_generations = 4
per_device_train_batch_size = 8
gradient_checkpointing = false
save_strategy = "no"
report_to = []
"""


@dataclass(frozen=True)
class Publication:
    """A server, and the folders that it takes checkpoints from."""

    root: Path
    """A run's folder: what the server was started with is `first` in it."""
    watched: Path
    first: TinyModel
    url: str
    client: LaServe

    def score(self) -> SelfReward:
        """The server's verdict on one answer."""
        (reward,) = self.client.score(QUESTION, ANSWER)
        return reward

    def expected(self, folder: Path) -> float:
        """The score of the same answer by Hugging Face, with the weights in a folder."""
        tokenizer = AutoTokenizer.from_pretrained(folder)
        messages = [{"role": "user", "content": QUESTION}]
        text = tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True, **KWARGS
        )
        prompt = tokenizer(text, add_special_tokens=False).input_ids
        answer = [*tokenizer(ANSWER, add_special_tokens=False).input_ids, self.first.primary_eos]
        model = TinyModel(
            folder, self.first.z_c, self.first.primary_eos, self.first.secondary_eos, vocab_size=0
        )
        return BETA_V * (HuggingFaceReference(model).logprob(prompt, answer) - C_REF.mean)

    def rendered(self, question: str, **fields: object) -> list[int]:
        """The prompt that the server makes of a question."""
        body = {"messages": [{"role": "user", "content": question}], **fields}
        tokens: list[int] = httpx.post(f"{self.url}/tokenize", json=body).json()["tokens"]
        return tokens

    def ended(self, folder: Path) -> CheckpointJob:
        """The newest load of a folder, when it has ended."""
        deadline = time.monotonic() + LOAD_LIMIT_S
        while time.monotonic() < deadline:
            for job in self.client.checkpoints().data:
                if job.path == str(folder) and job.has_ended:
                    return job
            time.sleep(0.2)
        raise AssertionError(f"no end of the load of {folder}: {self.client.checkpoints()}")


def describe_with_template(tiny: TinyModel, name: str) -> None:
    """Write the manifest of a tiny model that is asked to be brief."""
    (tiny.path / "chat_template.jinja").write_text(TEMPLATE)
    describe(tiny.path, tiny, name)
    update(tiny.path / MANIFEST_NAME, chat_template_kwargs=KWARGS)


@pytest.fixture(scope="module")
def published_to(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Publication]:
    root = tmp_path_factory.mktemp("publication")
    # Answers of a few tokens, so that the run is short.
    first = build_tiny_model(root / "first", eos_bias=4.0)
    describe_with_template(first, "tiny-first")
    watched = root / "watched"
    watched.mkdir()
    folders = ("--checkpoint-root", str(root), "--watch-checkpoints", str(watched))
    keys = ("--admin-key", ADMIN_KEY)
    log = root / "server.log"
    with (
        running_server(first.path, log, *SERVED, *folders, *keys) as server,
        LaServe(server.base_url, admin_key=ADMIN_KEY) as client,
    ):
        yield Publication(root, watched, first, server.base_url, client)


def test_a_run_publishes_its_checkpoint_and_the_scores_change(published_to: Publication) -> None:
    before, active = published_to.score(), published_to.client.checkpoints().active
    assert before.checkpoint == active.checkpoint

    root = published_to.root
    rows = [f'{{"prompt": "What is {n} + 1?", "answer": "{n + 1}"}}\n' for n in range(32)]
    (root / "rows.jsonl").write_text("".join(rows))
    (root / "mine.toml").write_text(CONFIG)
    spend(Kind.TRAINING)
    status = fork_server.start(
        *("laserve_training", "laser", "--config", "mine.toml"),
        *("--publish", published_to.url, "--admin-key", ADMIN_KEY),
        folder=root,
        environment={"OMP_NUM_THREADS": "1"},
        output=root / "laser.log",
    ).wait()
    told = (root / "laser.log").read_text()
    assert status == 0, told[-3000:]
    trained = root / "run" / "checkpoint"
    version = active.version + 1
    assert told.splitlines()[-1] == (
        f"published {trained}: tiny-trained is active, version {version}"
    )

    now, after = published_to.client.checkpoints(), published_to.score()
    assert (now.active.checkpoint, now.active.version) == ("tiny-trained", version)
    assert (now.data[0].path, now.data[0].origin) == (str(trained), "request")
    assert (after.status, after.checkpoint) == ("scored", "tiny-trained")

    manifest = read_manifest(trained)
    assert manifest is not None
    assert manifest.chat_template_kwargs == KWARGS
    questions = [f"What is {n} + 1?" for n in range(32)]
    prompts = [published_to.rendered(question) for question in questions]
    assert all(list(probe.prompt_token_ids) in prompts for probe in manifest.golden_probes)
    plain = published_to.rendered(questions[0], chat_template_kwargs={"brief": False})
    assert len(plain) == len(prompts[0]) - len("..system\nBe brief.\n")
    assert after.score == pytest.approx(published_to.expected(trained), abs=AGREEMENT)
    assert before.score != pytest.approx(after.score, abs=10 * AGREEMENT)


def test_a_watched_folder_is_taken_up_when_it_is_complete(
    published_to: Publication, tmp_path: Path
) -> None:
    tiny = build_tiny_model(tmp_path / "source", seed=1)
    describe_with_template(tiny, "tiny-dropped")
    source = tiny.path
    dropped, bad = published_to.watched / "dropped", published_to.watched / "bad"
    shutil.copytree(source, dropped, ignore=shutil.ignore_patterns(MANIFEST_NAME))
    # One that is described but not whole is tried after a look at both: the other was left alone.
    shutil.copytree(source, bad, ignore=shutil.ignore_patterns(WEIGHTS))
    rejected = published_to.ended(bad)
    assert rejected.is_rejected
    assert f"missing: '{WEIGHTS}'" in (rejected.reason or "")
    assert str(dropped) not in {job.path for job in published_to.client.checkpoints().data}

    shutil.copyfile(source / MANIFEST_NAME, dropped / MANIFEST_NAME)
    job = published_to.ended(dropped)
    assert (job.state, job.origin, job.checkpoint) == ("active", "watch", "tiny-dropped")
    reward = published_to.score()
    assert reward.checkpoint == "tiny-dropped"
    manifest = read_manifest(dropped)
    assert manifest is not None
    assert manifest.checkpoint == published_to.client.checkpoints().active.checkpoint
    assert reward.score == pytest.approx(published_to.expected(dropped), abs=AGREEMENT)
