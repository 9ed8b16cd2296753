"""The API of the look-up service: it answers what the command line prints."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import jsonschema
import pytest
from asked_calls import KERAS, PYTORCH, SIZED
from starlette.testclient import TestClient

from harness.cli.exit_statuses import OK
from harness.cli.main import main
from harness.server import openapi
from harness.server.limits import MAX_FIELDS, MAX_PLAIN_BODY, MAX_TEXT

JSON = {"content-type": "application/json"}
# Names and values of a query, and the same on the command line.
QUERIES: list[tuple[dict[str, Any], list[str]]] = [
    ({"text": PYTORCH}, [PYTORCH]),
    ({"text": PYTORCH, "to": ["matlab", "benchdnn"], "style": "layer"},
     [PYTORCH, "--to", "matlab", "--to", "benchdnn", "--style", "layer"]),
    ({"text": KERAS, "from": "tensorflow", "input": [1, 64, 16, 16], "to": ["pytorch"]},
     [KERAS, "--from", "tensorflow", "--input", "1,64,16,16", "--to", "pytorch"]),
    ({"text": "F.deconvolution_2d(x, W, stride=2, pad=1)", "weight": [8, 4, 3, 3]},
     ["F.deconvolution_2d(x, W, stride=2, pad=1)", "--weight", "8,4,3,3"]),
    ({"text": PYTORCH, "input": [1.0, 64, 4, 4]}, [PYTORCH, "--input", "1,64,4,4"]),
    ({"text": "ic4_oc6_k3x3_s2x2_b_n1_i5x5"}, ["ic4_oc6_k3x3_s2x2_b_n1_i5x5"]),
    ({"text": "g2mb1ic16ih5oc32oh11kh3sh2ph1", "to": ["wolfram", "benchdnn"]},
     ["g2mb1ic16ih5oc32oh11kh3sh2ph1", "--to", "wolfram", "--to", "benchdnn"]),
]  # fmt: skip
# What is sent, and the status and part of the message that come back.
REFUSED: list[tuple[Any, int, str]] = [
    ([], 400, "expected an object"),
    ({}, 400, "'text' is missing"),
    ({"text": ""}, 400, "'text' is missing"),
    ({"text": 3}, 400, "'text' is missing"),
    ({"text": "x" * (MAX_TEXT + 1)}, 400, f"{MAX_TEXT} are allowed"),
    ({"text": PYTORCH, "inptu": [1, 2, 3]}, 400, "unknown name 'inptu'"),
    ({"text": PYTORCH, "from": "torch"}, 400, "known frameworks: numpy"),
    ({"text": PYTORCH, "from": None}, 400, "known frameworks: numpy"),
    ({"text": PYTORCH, "to": "matlab"}, 400, "'to' is a list"),
    ({"text": PYTORCH, "to": ["matlab", "matlab"]}, 400, "twice"),
    ({"text": PYTORCH, "style": "both"}, 400, "function or layer"),
    ({"text": PYTORCH, "input": [1, 64]}, 400, "three to five axes"),
    ({"text": PYTORCH, "input": [1, 64, True, 4]}, 400, "three to five axes"),
    ({"text": PYTORCH, "input": [1, 64, 4.5, 4]}, 400, "three to five axes"),
    ({"text": PYTORCH, "input": [1, 64, 4, 10**400]}, 400, "three to five axes"),
    ({"text": PYTORCH, "input": [1, 64, float("inf"), 4]}, 400, "three to five axes"),
    ({"text": PYTORCH, "input": [1, 64, -1, 4]}, 400, "from 0 on"),
    ({"text": PYTORCH, "input": "1,64,4,4"}, 400, "such as 1,64,16,16"),
    ({"text": PYTORCH, "weight": [0, 1, 1]}, 400, "from 1 on"),
    ({"text": PYTORCH, "weight": [10**18, 1, 1]}, 400, "three to five axes"),
    ({"text": "f(1)"}, 422, "holds no transposed convolution"),
    ({"text": SIZED}, 422, "depends on the input's: add --input"),
    ({"text": PYTORCH, "input": [1, 63, 4, 4]}, 422, "63"),
    ({"text": "__import__('os').abort()"}, 422, "holds no transposed convolution"),
]


def fields(query: dict[str, Any]) -> list[tuple[str, str]]:
    pairs = [(name, value) for name, value in query.items() if name != "to"]
    written = [
        (name, ",".join(str(int(size)) for size in value) if isinstance(value, list) else value)
        for name, value in pairs
    ]
    return [*written, *(("to", name) for name in query.get("to", ()))]


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main(["translate", *arguments, "--json"]) == OK
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(("query", "arguments"), QUERIES)
def test_the_api_answers_what_translate_prints(
    client: TestClient,
    capsys: pytest.CaptureFixture[str],
    query: dict[str, Any],
    arguments: list[str],
) -> None:
    expected = printed(capsys, *arguments)
    schema = openapi.document()
    schema = {"$ref": "#/components/schemas/LookUp", "components": schema["components"]}
    for response in (
        client.get(f"/api/translate?{urlencode(fields(query))}"),
        client.post("/api/translate", json=query),
    ):
        assert response.status_code == 200
        assert response.json() == expected
        jsonschema.validate(response.json(), schema)


@pytest.mark.parametrize(("said", "status", "part"), REFUSED)
def test_the_api_says_what_is_wrong(client: TestClient, said: Any, status: int, part: str) -> None:
    response = client.post("/api/translate", content=json.dumps(said), headers=JSON)
    assert response.status_code == status
    assert part in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("query", "status", "part"),
    [
        ("", 400, "'text' is missing"),
        ("text=f&text=g", 400, "'text' is given 2 times"),
        ("text=f&input=1,2", 400, "three to five axes"),
        ("text=f&input=1,2,x", 400, "such as 1,64,16,16"),
        ("text=f&input=", 400, "such as 1,64,16,16"),
        ("text=f&from=", 400, "known frameworks"),
        ("text=f&callback=x", 400, "unknown name 'callback'"),
        ("&".join(f"to={n}" for n in range(MAX_FIELDS + 1)), 400, f"more than {MAX_FIELDS} fields"),
        (urlencode({"text": "nn.ConvTranspose2d(1, 2, 3, strid=2)"}), 422, "strid"),
    ],
)
def test_a_query_string_is_refused_with_a_reason(
    client: TestClient, query: str, status: int, part: str
) -> None:
    response = client.get(f"/api/translate?{query}")
    assert response.status_code == status
    assert part in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"content-type": "text/plain"}, b'{"text": "f"}', 415),
        ({"content-type": "application/json"}, b"{", 400),
        ({"content-type": "application/json"}, b"\xff", 400),
        ({"content-type": "application/json"}, b"[" * 100_000, 400),
        ({"content-type": "application/json"}, b" " * (MAX_PLAIN_BODY + 1), 413),
        ({"content-type": "application/json"}, b'{"text": "\\ud800("}', 422),
    ],
)
def test_a_body_is_refused_with_a_reason(
    client: TestClient, headers: dict[str, str], body: bytes, status: int
) -> None:
    response = client.post("/api/translate", headers=headers, content=body)
    assert response.status_code == status
    assert response.json()["error"]["message"]


def test_a_refusal_names_line_and_column(client: TestClient) -> None:
    text = "# up\nnn.ConvTranspose2d(64, 32, 4, stride=2, strid=3)"
    error = client.post("/api/translate", json={"text": text}).json()["error"]
    assert (error["line"], error["column"]) == (2, 41)
    assert error["message"].startswith("line 2, column 41: ")


def test_other_methods_are_refused_with_those_that_are_known(client: TestClient) -> None:
    response = client.delete("/api/translate")
    assert response.status_code == 405
    assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


def test_the_page_of_the_api_names_all_that_its_document_names(client: TestClient) -> None:
    document = client.get("/api/openapi.json").json()
    page = client.get("/api").text
    for name in (*document["components"]["schemas"], "/api/translate", "weight", "curl"):
        assert name in page
    assert document == openapi.document()


def test_the_api_names_the_field_that_would_help(client: TestClient) -> None:
    error = client.get("/api/translate", params={"text": SIZED}).json()["error"]
    assert (error["asks"], error["example"]) == ("input", [1, 64, 16, 16])
    assert (
        error["message"]
        .partition("\n")[0]
        .endswith(
            "chooses the output's size, which depends on the input's: add --input 1,64,16,16 with "
            "your input's shape, (n, c_in, height, width)."
        )
    )
    answer = client.get("/api/translate", params={"text": SIZED, "input": "1,64,8,8"})
    assert answer.status_code == 200


def test_the_api_asks_for_nothing_where_nothing_is_open(client: TestClient) -> None:
    error = client.get("/api/translate", params={"text": "f(1)"}).json()["error"]
    assert (error["asks"], error["example"]) == (None, None)
