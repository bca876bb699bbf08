"""Bad manifests, as files."""

from collections.abc import Callable
from pathlib import Path

from laserve.core.checkpoint_files import MANIFEST_NAME
from laserve.core.manifest import MAX_MANIFEST_BYTES
from tests.tiny_checkpoints.change import Change, set_keys, state_twice, write_file
from tests.tiny_checkpoints.mutation import Mutation, invalid


def _bytes(change: Callable[[bytes], bytes]) -> Change:
    def apply(folder: Path) -> None:
        path = folder / MANIFEST_NAME
        path.write_bytes(change(path.read_bytes()))

    return apply


MANIFESTS: dict[str, Mutation] = {
    "path out of the folder": invalid(
        lambda content: content["files"].update({"../other.json": "0" * 64}),
        "must be a relative path inside",
    ),
    "absolute path": invalid(
        lambda content: content["files"].update({"/etc/passwd": "0" * 64}),
        "must be a relative path inside",
    ),
    "huge manifest": Mutation(
        write_file(MANIFEST_NAME, b" " * (MAX_MANIFEST_BYTES + 1)),
        "laserve.json is larger than 16 MiB",
    ),
    "nested manifest": Mutation(
        write_file(MANIFEST_NAME, b"[" * 100_000), "laserve.json: Invalid JSON"
    ),
    "non-UTF-8 manifest": Mutation(
        write_file(MANIFEST_NAME, '{"checkpoint": "é"}'.encode("latin-1")), "is not UTF-8"
    ),
    "key twice in the manifest": Mutation(
        state_twice(MANIFEST_NAME, "beta_v"),
        "'laserve.json' is no valid JSON: key 'beta_v' stands twice",
    ),
    "other schema version": invalid(set_keys(schema_version=3), "3 is neither 1 nor 2"),
    "name of 200,000 characters": invalid(
        set_keys(checkpoint="a" * 200_000), "`checkpoint`: .*200 ch"
    ),
    "name of two lines": invalid(set_keys(checkpoint="a\nb"), "`checkpoint`: must be one line"),
    "prompt of 200,000 characters": invalid(
        set_keys(example_prompt="a" * 200_000), "`example_prompt`: .*10000 characters"
    ),
    "argument that is no variable of a template": invalid(
        set_keys(chat_template_kwargs={"tokenize": False}), "tokenize is no variable of a template"
    ),
    "key that does not exist": invalid(set_keys(zc=1), "unknown key `zc`"),
    "manifest with a byte order mark": Mutation(
        _bytes(lambda content: b"\xef\xbb\xbf" + content), "Invalid JSON"
    ),
    "manifest twice": Mutation(_bytes(lambda content: content * 2), "trailing characters"),
    "number that is none": Mutation(
        _bytes(lambda content: content.replace(b'"beta_v": 0.1', b'"beta_v": NaN')),
        "`beta_v`: Input should be a finite number",
    ),
    "number of 5,000 digits": Mutation(
        _bytes(
            lambda content: content.replace(
                b'"training": null', b'"training": {"rate": ' + b"1" * 5000 + b"}"
            )
        ),
        "number out of range",
    ),
    "number as text": invalid(set_keys(beta_v="0.1"), "`beta_v`: Input should be a valid number"),
    "truth for a number": invalid(set_keys(z_c=True), "`z_c`: Input should be a valid integer"),
    "scale that makes every score 0": invalid(
        set_keys(beta_v=1e-320), "golden_probes.0.score is .*one of c_ref and beta_v"
    ),
    "name that is shown from right to left": invalid(
        set_keys(checkpoint="a\u202eb"), "`checkpoint`: must be one line of printable"
    ),
    "name with a character that is not seen": invalid(
        set_keys(checkpoint="a\u200bb"), "`checkpoint`: must be one line of printable"
    ),
    "EOS twice": invalid(set_keys(eos_token_ids=[256, 256, 257]), "names a token twice"),
    "calibration that falls": invalid(
        set_keys(calibration={"kind": "platt", "a": -4.0, "b": 0.0, "ece": 0.1, "fitted_on": "x"}),
        "`calibration.platt.a`",
    ),
}
