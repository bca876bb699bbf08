"""Three servers on the tiny model and one on the demo checkpoint, for the whole session, started
once each."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from transformers import PreTrainedModel

from laserve.core.manifest import Manifest, ReferenceConstant, write_manifest
from tests.e2e.hot_loading import HotServer, Sample, running_hot_server
from tests.e2e.server import Server, running_server
from tests.tiny_checkpoints.build import build_checkpoint
from tests.tiny_lora import build_tiny_lora
from tests.tiny_model import TinyModel, build_tiny_model

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "demo" / "laserve-countdown"
API_KEY = "sk-of-the-test"
RESTARTS = 8
"""More than the tests need."""
ADMIN_KEY = "sk-of-an-administrator"
KEY_FILE = """
[limited]
keys = ["sk-limited"]
tokens_per_minute = 20

[hurried]
keys = ["sk-hurried"]
requests_per_minute = 2

[single]
keys = ["sk-single"]
concurrent_requests = 1

[operator]
keys = ["sk-operator"]
admin = true
"""
HEADER_TIMEOUT_S, BODY_TIMEOUT_S = 4.0, 3.0
QUEUED = 64
"""Sequences that the guarded server takes at a time."""
ENGINE_FLAGS = (
    *("--dtype", "float32"),
    "--enforce-eager",
    *("--max-model-len", "512"),
)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    """The tiny checkpoint, without a manifest."""
    return build_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def merged_lora(tiny: TinyModel) -> PreTrainedModel:
    """The tiny model with its adapter merged; the adapter lies beside it as `lora`."""
    return build_tiny_lora(tiny.path, tiny.path.parent / "lora")


@pytest.fixture(scope="session")
def server(
    tiny: TinyModel, merged_lora: PreTrainedModel, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Open to all; chunked prefill, tools, a LoRA adapter; scoring parameters from flags."""
    with running_server(
        tiny.path,
        tmp_path_factory.mktemp("logs") / "server.log",
        *ENGINE_FLAGS,
        *("--max-num-batched-tokens", "64", "--max-num-seqs", "16"),
        *("--z-c", "<|vision_start|>", "--c-ref", "-18"),
        *("--enable-auto-tool-choice", "--tool-call-parser", "hermes"),
        *("--enable-lora", "--max-lora-rank", "8"),
        *("--lora-modules", f"tiny-lora={tiny.path.parent / 'lora'}"),
    ) as running:
        yield running


@pytest.fixture(scope="session")
def guarded_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Asks for a key, of flags or of a file, and for an admin key; is short with those who are slow
    to send; speculative decoding, which takes no logits processor; a reasoning parser;
    scoring parameters from the checkpoint's manifest."""
    folder = tmp_path_factory.mktemp("guarded")
    model = build_tiny_model(folder / "tiny")
    manifest = Manifest(
        checkpoint="tiny-with-manifest",
        z_c=model.z_c,
        z_c_token="<|vision_start|>",
        eos_token_ids=tuple(sorted(model.eos_token_ids)),
        c_ref=ReferenceConstant(mean=-17.0, std=1.0, count=10),
        beta_v=0.2,
        base_model="tiny",
    )
    write_manifest(model.path, manifest)
    key_file = folder / "keys.toml"
    key_file.write_text(KEY_FILE)
    with running_server(
        model.path,
        Path(folder) / "server.log",
        *ENGINE_FLAGS,
        *("--reasoning-parser", "qwen3"),
        *("--api-key", "sk-second", "--api-key-file", str(key_file), "--admin-key", ADMIN_KEY),
        *("--max-num-queued-reqs", str(QUEUED)),
        *("--header-timeout-s", str(HEADER_TIMEOUT_S), "--body-timeout-s", str(BODY_TIMEOUT_S)),
        "--speculative-config",
        '{"method": "ngram", "num_speculative_tokens": 2, "prompt_lookup_max": 3}',
        api_key=API_KEY,
    ) as running:
        yield running


@pytest.fixture(scope="session")
def demo(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The bundled checkpoint, served as `make serve` does; its upstream is `server`."""
    makefile = (ROOT / "Makefile").read_text()
    flags = re.search(r"served-model-name \$\(DEMO\) (.*?) \\\n\t\t(.*?) --host", makefile)
    assert flags is not None
    with running_server(
        DEMO,
        tmp_path_factory.mktemp("demo") / "server.log",
        *flags[1].split(),
        *flags[2].split(),
        *("--upstream-url", f"{server.base_url}/v1", "--upstream-model", server.model),
        *("--answer-plugin", "result=tests.e2e.plugins:result"),
    ) as running:
        yield running


@pytest.fixture(scope="session")
def hot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HotServer]:
    """Loads checkpoints: it serves `a`; `b` lies beside it. Answers in the background, too."""
    root = tmp_path_factory.mktemp("hot") / "candidates"
    for seed, name in enumerate(("a", "b")):
        build_checkpoint(root / name, seed=seed, name=f"tiny-{name}")
    watch = ("--hung-after-s", "5", "--engine-restarts", str(RESTARTS))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VLLM_ENABLE_RESPONSES_API_STORE", "1")
        with running_hot_server(root, ("a", "b"), *watch) as running:
            yield running


@pytest.fixture
def at_a(hot: HotServer) -> HotServer:
    """The same with `a` active, and nothing under way."""
    hot.serve("a")
    return hot


@pytest.fixture(scope="session")
def before(hot: HotServer) -> list[Sample]:
    """What `a` answers before anything bad was loaded."""
    hot.serve("a")
    return hot.ask("tiny-a")


@pytest.fixture
def candidate(hot: HotServer) -> Iterator[Path]:
    """A copy of `b` that may be changed."""
    folder = hot.root / "candidate"
    yield shutil.copytree(hot.root / "b", folder)
    shutil.rmtree(folder, ignore_errors=True)
