"""The API keeps what its description promises, to whatever schemathesis makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from examples import examples
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig
from serving import served

from harness.server import openapi

pytestmark = pytest.mark.slow

# A text that fits its schema need not be a call: 422 is then the right answer.
# A text that is longer than allowed may make a body that is.
CHECKS = {
    "positive_data_acceptance": {"expected-statuses": ["2xx", "422"]},
    "negative_data_rejection": {"expected-statuses": ["400", "405", "413", "415", "422"]},
}
EVERYTHING = {"mode": "all"}
schema = schemathesis.openapi.from_dict(
    openapi.document(),
    config=SchemathesisConfig.from_dict({"checks": CHECKS, "generation": EVERYTHING}),
)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served() as found:
        yield found


@schema.parametrize()
@settings(examples(1), suppress_health_check=list(HealthCheck))
def test_the_api_is_what_its_description_says(case: schemathesis.Case[Any], address: str) -> None:
    case.call_and_validate(base_url=address)
