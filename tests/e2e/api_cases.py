"""Requests that schemathesis makes of the OpenAPI document: the document's own examples, some with
a field of another value or one more, so that most of them are answered."""

from collections import Counter
from typing import Any

import hypothesis
import schemathesis
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from laserve.api.examples import EXAMPLES

CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
READ = ("/v1/models", "/v1/models/{model_id}", "/v1/checkpoints", "/v1/checkpoints/{job_id}")
"""Routes of ours without a body."""
LIMIT_S = 120.0


def ask_in_every_way(url: str, key: str, cases: int) -> Counter[int]:
    """Ask each route of ours so many times; how often each status was answered.

    Raises what schemathesis does where an answer is a 5xx, or not one that the document has.
    """
    headers = {"Authorization": f"Bearer {key}"}
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json", headers=headers)
    statuses: Counter[int] = Counter()
    for path in (*EXAMPLES, *READ):
        operation = schema[path]["POST" if path in EXAMPLES else "GET"]
        examples = EXAMPLES.get(path)

        @hypothesis.settings(
            max_examples=cases,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(hypothesis.HealthCheck),
            phases=[hypothesis.Phase.generate],
        )
        @hypothesis.given(case=operation.as_strategy(), data=st.data())
        def ask(case: schemathesis.Case[Any], data: st.DataObject) -> None:
            if examples is not None:  # noqa: B023 - it is called in this turn
                case.body = _changed(data, examples, case.body)  # noqa: B023
            answer = case.call(base_url=url, headers=headers, timeout=LIMIT_S)
            statuses[answer.status_code] += 1
            # A 501 is of a server that was started without something.
            faults = [] if answer.status_code == 501 else [not_a_server_error]
            case.validate_response(answer, checks=[*faults, *CHECKS])

        ask()
    return statuses


def _changed(
    data: st.DataObject, examples: dict[str, dict[str, Any]], generated: object
) -> dict[str, Any]:
    """One of the examples, as it is or with a field of what was generated."""
    body = dict(data.draw(st.sampled_from(list(examples.values()))))
    if isinstance(generated, dict) and generated and data.draw(st.booleans()):
        name = data.draw(st.sampled_from(sorted(generated)))
        body[name] = generated[name]
    return body
