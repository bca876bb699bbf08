"""What the OpenAPI document says can be asked is answered as it says."""

from tests.e2e.api_cases import ask_in_every_way
from tests.e2e.server import Server


def test_what_is_made_of_the_documents_examples_is_answered_as_it_says(server: Server) -> None:
    statuses = ask_in_every_way(server.base_url, server.api_key, cases=8)
    assert statuses.total() >= 100
    assert statuses[200] >= 50
