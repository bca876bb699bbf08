"""What the V2 processor must do with each logits row, told from whole lists of tokens in float64.

Written to be read: it looks at one row after the other, and at all that a request has generated.
"""

from dataclasses import dataclass, field

import torch

from tests.unit.worker.toy_model import ToyModel, ToyRequest

ERROR = 4e-6
"""Nats: what a float32 sum of up to 152k exponentials may be off by. A value that lies this close
to the border of two levels may be sent as either."""


@dataclass
class Reference:
    """Compares the rows of one step after the other."""

    model: ToyModel
    read: dict[tuple[int, int], set[tuple[int, ...]]] = field(default_factory=dict)
    """Of a request and the place of its EOS: the digits that its value may be sent as."""
    rows: dict[str, int] = field(default_factory=dict)
    """How many rows of each kind were compared."""

    def forget(self, request: ToyRequest) -> None:
        """A preempted request has lost what was read."""
        self.read = {key: value for key, value in self.read.items() if key[0] != id(request)}

    def watch(
        self,
        requests: list[ToyRequest],
        fed: list[list[int]],
        before: torch.Tensor,
        after: torch.Tensor,
    ) -> None:
        """A `Watch` of `V2Runner` that fails where a row is not as it should be."""
        row = 0
        for request, tokens in zip(requests, fed, strict=True):
            for count in range(len(tokens)):
                context = request.tokens[: request.computed] + tokens[1 : count + 1]
                self._compare(request, context, before[row], after[row])
                row += 1
        assert row == len(before) == len(after)

    def _compare(
        self, request: ToyRequest, context: list[int], before: torch.Tensor, after: torch.Tensor
    ) -> None:
        allowed = self._forced(request, context, before) if request.armed else None
        if allowed is None:
            expected = before.clone()
            if request.armed:
                expected[self.model.z_c] = float("-inf")
            torch.testing.assert_close(after, expected, rtol=0, atol=0, equal_nan=True)
            self._count("masked" if request.armed else "unarmed")
            return
        (token,) = after.isfinite().nonzero().flatten().tolist()
        assert token in allowed
        assert after[token] == 0
        assert after.isneginf().sum() == len(after) - 1

    def _forced(
        self, request: ToyRequest, context: list[int], row: torch.Tensor
    ) -> set[int] | None:
        """The tokens that may be forced after ``context``; None where the answer goes on."""
        start = len(request.prompt)
        ends = [i for i in range(start, len(context)) if context[i] in self.model.eos_token_ids]
        if not ends:
            return None
        key = id(request), ends[0]
        sent = context[ends[0] + 1 :]
        if not sent and len(context) >= len(request.tokens):
            self.read[key] = self._digits(row)
            self._count("read")
        messages = self.read.get(key, set())
        if not messages or len(sent) >= self.model.codec.digits:
            self._count("nothing to send" if not messages else "end")
            return {self.model.z_c}
        self._count(f"digit {len(sent)}")
        # What has been sent tells which of two levels it is; a wrong draft tells nothing.
        told = {digits for digits in messages if digits[: len(sent)] == tuple(sent)}
        return {digits[len(sent)] for digits in told or messages}

    def _digits(self, row: torch.Tensor) -> set[tuple[int, ...]]:
        logprob = row.double().log_softmax(0)[self.model.z_c]
        values = torch.stack([logprob - ERROR, logprob, (logprob + ERROR).clamp(max=0.0)])
        return {tuple(digits) for digits in self.model.codec.encode(values).tolist()}

    def _count(self, kind: str) -> None:
        self.rows[kind] = self.rows.get(kind, 0) + 1
