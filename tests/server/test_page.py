"""The page of the look-up service, as a person fills it in."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from asked_calls import KERAS, PYTORCH, SIZED
from starlette.testclient import TestClient

from harness.convention.registry import framework_names
from harness.core.errors import Ask, Sentence, Words, asked, named
from harness.server import view
from harness.server.limits import MAX_TEXT
from harness.server.query import from_form, to_fields
from harness.server.schema import Query
from harness.server.wording import in_json, on_page

IN_MATLAB = "transposedConv2dLayer(4, 32, 'Stride', 2, 'Cropping', 1, 'NumChannels', 64"


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("path", ["/", "/answer"])
def test_the_page_answers_a_form_without_any_script(
    client: TestClient, path: str, method: str
) -> None:
    given = {"text": PYTORCH, "from": "", "to": "", "input": "", "weight": "", "style": "layer"}
    sent = {"params": given} if method == "get" else {"data": given}
    response = client.request(method, path, **sent)  # type: ignore[arg-type]
    page = html.unescape(response.text)
    assert response.status_code == 200
    assert IN_MATLAB in page
    assert "permute(w, [3 4 2 1])" in page
    assert "ic64_oc32_k4x4_s2x2_c1.1x1.1_b" in page


def test_the_page_shows_every_framework_but_the_texts_own(client: TestClient) -> None:
    page = client.get("/", params={"text": PYTORCH}).text
    shown = re.findall(r'<article class="card framework" id="(\w+)"', page)
    assert set(shown) == set(framework_names()) - {"pytorch", "cupy"}
    assert shown[-1] == "numpy"


def test_the_page_says_that_nothing_runs_an_answer(client: TestClient) -> None:
    page = html.unescape(client.get("/", params={"text": PYTORCH, "to": "tinygrad"}).text)
    assert "Text only: deconform does not run tinygrad." in page


def test_the_page_says_why_something_cannot_be_said(client: TestClient) -> None:
    text = "nn.ConvTranspose2d(64, 32, 4, groups=2)"
    page = html.unescape(client.get("/", params={"text": text, "to": "tensorflow"}).text)
    assert "unsupported</span>" in page
    assert "Keras's transposed convolutions have no groups" in page
    assert "Write it as a function instead of a layer" in page


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"text": SIZED}, "which depends on the input's: fill in"),
        ({"text": PYTORCH, "input": "64"}, "'input' is no shape"),
        ({"text": PYTORCH, "to": "torch"}, "known frameworks"),
        ({"text": "f" * (MAX_TEXT + 1)}, "Send a part of it, or the call alone."),
    ],
)
def test_the_page_shows_what_is_wrong_and_keeps_the_text(
    client: TestClient, given: dict[str, str], part: str
) -> None:
    page = html.unescape(client.post("/", data=given).text)
    assert part in page
    assert f">\n{given['text']}</textarea>" in page


@pytest.mark.parametrize("spelling", ["1,64,16,16", "1, 64, 16, 16", "(1,64,16,16)", "1x64x16x16"])
def test_people_spell_shapes_as_they_like(client: TestClient, spelling: str) -> None:
    page = client.get("/", params={"text": PYTORCH, "input": spelling}).text
    assert "(1, 64, 16, 16) → (1, 32, 32, 32)" in page


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "</textarea><b>", "f('\"><img src=x onerror=alert(1)>')"]
)
def test_nothing_that_is_typed_becomes_markup(client: TestClient, text: str) -> None:
    for path in ("/", "/answer"):
        for given in ({"text": text}, {"text": PYTORCH, "from": text, "to": text, "input": text}):
            page = client.get(path, params=given).text
            assert text not in page
            assert page.count("</textarea>") == (path == "/")


@pytest.mark.parametrize("query", [query for query, _ in view.EXAMPLES])
def test_every_example_is_answered_and_its_link_leads_to_it(client: TestClient, query: Any) -> None:
    link = view.permalink(query)
    assert link is not None
    page = client.get(f"/{link}").text
    assert 'class="card framework"' in page
    assert f'data-permalink="{html.escape(link)}"' in page
    pairs = [(name, value) for name, values in parse_qs(link[1:]).items() for value in values]
    assert to_fields(from_form(pairs, Query)) == to_fields(query)


def test_a_text_too_long_for_an_address_has_no_link(client: TestClient) -> None:
    text = f"{PYTORCH}  # {'x' * 8000}"
    page = client.post("/answer", data={"text": text}).text
    assert "data-permalink" not in page
    assert "too long for a link" in page


def test_an_empty_page_shows_examples(client: TestClient) -> None:
    page = client.get("/").text
    for _, link, about in [(q, view.permalink(q), about) for q, about in view.EXAMPLES]:
        assert about in html.unescape(page)
        assert html.escape(f"./{link}") in page


def test_every_file_that_a_page_names_is_there(client: TestClient) -> None:
    for path in ("/", "/api", "/nowhere/at/all"):
        page = client.get(path)
        for link in re.findall(r'(?:href|src)="([^"#]+)', page.text):
            address = html.unescape(link)
            assert client.get(str(page.url.join(address))).status_code == 200, link


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("open: " + asked(Ask.INPUT_SHAPE, (1, 64, 16, 16)) + " with your input's shape.",
         'open: fill in "Input shape", such as 1,64,16,16, with your input\'s shape.'),
        (asked(Ask.INPUT_SHAPE) + ", such as " + named(Ask.INPUT_SHAPE, (1, 64, 16, 16)) + ".",
         'fill in "Input shape", such as 1,64,16,16.'),
        ("the text says 3, " + named(Ask.WEIGHT_SHAPE) + " says 4.",
         'the text says 3, "Weights\' shape" says 4.'),
        (asked(Ask.FRAMEWORK, "mxnet") + " if it is that.",
         'choose "Whose call it is": MXNet if it is that.'),
        ("leave " + named(Ask.FRAMEWORK) + " out, or " + asked(Ask.FRAMEWORK, "mxnet", "give"),
         'leave "Whose call it is" out, or choose "Whose call it is": MXNet'),
        ("asked to, with " + named(Ask.TARGET, "chainer") + ".",
         'asked to, with "Answer for": Chainer.'),
        (named(Ask.STYLE, "layer") + " writes that too.",
         '"Written as": a layer writes that too.'),
    ],
)  # fmt: skip
def test_a_page_names_its_own_fields(sentence: Sentence, shown: str) -> None:
    assert sentence.worded(on_page) == shown


@pytest.mark.parametrize("words", [in_json, on_page])
def test_a_visitors_own_text_is_not_reworded(words: Words, client: TestClient) -> None:
    text = "nn.ConvTranspose2d(4, 6, 3, stride='add --input 1,2,3')"
    if words is in_json:
        message = client.get("/api/translate", params={"text": text}).json()["error"]["message"]
    else:
        message = html.unescape(client.get("/answer", params={"text": text}).text)
    assert "stride='add --input 1,2,3'" in message
    assert "fill in" not in message


@pytest.mark.parametrize(
    "given",
    [
        {"text": KERAS},
        {"text": "F.deconvolution_2d(x, W)"},
        {"text": PYTORCH, "to": "benchdnn"},
        {"text": "transposedConv2dLayer(4, 2, 'NumChannels', 3, 'WeightLearnRateFactor', 2)",
         "style": "function"},
        {"text": "F.conv_transpose2d(x, w, b)"},
    ],
)  # fmt: skip
def test_no_page_speaks_of_the_command_line(client: TestClient, given: dict[str, str]) -> None:
    api = client.post(
        "/api/translate",
        json={name: [text] if name == "to" else text for name, text in given.items()},
    )
    assert re.search(r"--(input|weight|from|to|style)", api.text)
    page = client.get("/answer", params=given).text
    assert not re.search(r"--(input|weight|from|to|style)", page)


def test_links_are_relative_so_that_the_service_may_live_below_any_path(
    client: TestClient,
) -> None:
    page = client.get("/", params={"text": PYTORCH}).text
    for link in re.findall(r'(?:href|src|action)="([^"]*)"', page):
        assert not urlsplit(link).scheme
        assert not link.startswith("/")
