"""The look-up service: its API and its page, asked in this process."""

from __future__ import annotations

import html
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jsonschema
import pytest
from starlette.testclient import TestClient

from harness.cli.exit_statuses import OK
from harness.cli.main import main
from harness.convention.registry import framework_names
from harness.core.errors import Ask, Sentence, Words, asked, named
from harness.server import openapi, view, workers
from harness.server.app import create_app
from harness.server.query import from_form, to_fields
from harness.server.settings import LOOPBACK, Settings, SettingsError, from_environment
from harness.server.wording import in_json, on_page
from harness.syntax.tree import MAX_TEXT

PYTORCH = "nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1)"
IN_MATLAB = "transposedConv2dLayer(4, 32, 'Stride', 2, 'Cropping', 1, 'NumChannels', 64"
KERAS = "Conv2DTranspose(32, 4, strides=2, padding='same')"

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
    ({"text": KERAS}, 422, "the text leaves in_channels open: add --input"),
    ({"text": PYTORCH, "input": [1, 63, 4, 4]}, 422, "63"),
    ({"text": "__import__('os').abort()"}, 422, "holds no transposed convolution"),
]


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    app = create_app(Settings(lookups=1, hosts=LOOPBACK))
    with TestClient(app, base_url="http://localhost:8000") as made:
        yield made


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
        ("&".join(f"to={n}" for n in range(40)), 400, "more than 32 fields"),
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
        ({"content-type": "application/json"}, b" " * 2**18, 413),
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


def test_the_page_says_why_something_cannot_be_said(client: TestClient) -> None:
    text = "nn.ConvTranspose2d(64, 32, 4, groups=2)"
    page = html.unescape(client.get("/", params={"text": text, "to": "tensorflow"}).text)
    assert "unsupported</span>" in page
    assert "Keras's transposed convolutions have no groups" in page
    assert "Write it as a function instead of a layer" in page


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"text": KERAS}, "line 1, column 1: the text leaves in_channels open"),
        ({"text": PYTORCH, "input": "64"}, "'input' is no shape"),
        ({"text": PYTORCH, "to": "torch"}, "known frameworks"),
        ({"text": "f" * (MAX_TEXT + 1)}, "Paste the call alone."),
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
    assert to_fields(from_form(pairs)) == to_fields(query)


def test_a_text_too_long_for_an_address_has_no_link(client: TestClient) -> None:
    text = f"{PYTORCH}  # {'x' * 8000}"
    page = client.post("/answer", data={"text": text}).text
    assert "data-permalink" not in page
    assert "too long for a link" in page


def test_an_empty_page_shows_examples(client: TestClient) -> None:
    page = client.get("/").text
    for _, link, about in [(q, view.permalink(q), about) for q, about in view.EXAMPLES]:
        assert html.escape(about) in page
        assert html.escape(f"./{link}") in page


def test_every_file_that_a_page_names_is_there(client: TestClient) -> None:
    for path in ("/", "/api", "/nowhere/at/all"):
        page = client.get(path)
        for link in re.findall(r'(?:href|src)="([^"#]+)', page.text):
            address = html.unescape(link)
            assert client.get(str(page.url.join(address))).status_code == 200, link


def test_the_page_of_the_api_names_all_that_its_document_names(client: TestClient) -> None:
    document = client.get("/api/openapi.json").json()
    page = client.get("/api").text
    for name in (*document["components"]["schemas"], "/api/translate", "weight", "curl"):
        assert name in page
    assert document == openapi.document()


ADDRESSES = ["/", "/answer", "/api", "/api/translate", "/style.css", "/nowhere", "/api/nowhere"]


@pytest.mark.parametrize("path", ADDRESSES)
def test_every_answer_has_safe_headers_and_no_cookie(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert "'unsafe" not in headers["content-security-policy"]
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in headers


def test_no_page_has_script_or_style_inside(client: TestClient) -> None:
    for path in ("/", "/?" + urlencode({"text": PYTORCH}), "/api", "/nowhere"):
        page = client.get(path).text
        assert not re.search(r"<script(?![^>]* src=)|<style| style=| on\w+=", page)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("localhost:8000", 200),
        ("LOCALHOST", 200),
        ("127.0.0.1:8000", 200),
        ("[::1]:8000", 200),
        ("evil.example", 400),
        ("localhost.evil.example", 400),
        ("127.0.0.1.evil.example:8000", 400),
        ("", 400),
    ],
)
def test_only_known_hosts_are_answered(client: TestClient, host: str, status: int) -> None:
    response = client.get("/", headers={"host": host})
    assert response.status_code == status
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("hosts", "host", "status"),
    [
        (("look.example.org",), "look.example.org:443", 200),
        (("look.example.org",), "localhost", 400),
        (("*.example.org",), "look.example.org", 200),
        (("*.example.org",), "example.org", 400),
        (("*",), "any.where", 200),
        (("*",), "any where", 400),
    ],
)
def test_other_names_are_allowed_by_a_setting(
    hosts: tuple[str, ...], host: str, status: int
) -> None:
    with TestClient(create_app(Settings(lookups=1, hosts=hosts))) as client:
        assert client.get("/style.css", headers={"host": host}).status_code == 200
        assert client.get("/", headers={"host": host}).status_code == status


def test_another_name_is_refused_with_what_to_do(client: TestClient) -> None:
    headers = {"host": "look.example.org:8000"}
    said = "DECONFORM_HOSTS=look.example.org"
    page = client.get("/", headers=headers)
    assert page.headers["content-type"].startswith("text/html")
    assert said in page.text
    assert 'href="style.css"' in page.text
    assert "Look up" not in page.text
    refused = client.get("/api/translate", params={"text": PYTORCH}, headers=headers)
    assert said in refused.json()["error"]["message"]
    assert refused.status_code == 400
    hostile = client.get("/", headers={"host": "<script>alert(1)</script>"})
    assert hostile.status_code == 400
    assert "<script>" not in hostile.text


@pytest.mark.parametrize("path", ["/lookup.html", "/%2e%2e/pyproject.toml", "/__init__.py"])
def test_no_other_file_is_served(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert "There is no such page." in response.text


def test_a_built_dashboard_stands_beside_the_page(tmp_path: Path) -> None:
    folder = tmp_path / "built"
    folder.mkdir()
    (tmp_path / "secret").write_text("secret")
    (folder / "index.html").write_text("the dashboard")
    with TestClient(create_app(Settings(reports=folder)), base_url="http://localhost") as client:
        assert '<a href="reports/"' in client.get("/").text
        assert client.get("/reports/").text == "the dashboard"
        missing = client.get("/reports/%2e%2e/secret")
        assert missing.status_code == 404
        assert "secret" not in missing.text.replace("/secret", "")
        assert 'href="../style.css"' in client.get("/reports/nowhere").text


def test_a_dashboard_beside_the_page_leads_back_to_it(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("the dashboard")
    (tmp_path / "service.css").write_text(".served { display: none; }")
    with TestClient(create_app(Settings(reports=tmp_path)), base_url="http://localhost") as client:
        assert "#ask-fastest" not in client.get("/").text
        assert ".unserved { display: none; }" in client.get("/reports/service.css").text
    (tmp_path / "benchmarks.html").write_text("times")
    with TestClient(create_app(Settings(reports=tmp_path)), base_url="http://localhost") as client:
        assert 'href="reports/#ask-fastest"' in client.get("/").text


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


def test_the_api_names_the_field_that_would_help(client: TestClient) -> None:
    error = client.get("/api/translate", params={"text": KERAS}).json()["error"]
    assert (error["asks"], error["example"]) == ("input", [1, 64, 16, 16])
    assert error["message"].partition("\n")[0] == (
        "line 1, column 1: the text leaves in_channels open: add --input 1,64,16,16 with your "
        "input's shape, (n, c_in, height, width)."
    )
    answer = client.get("/api/translate", params={"text": KERAS, "input": "1,64,16,16"})
    assert answer.status_code == 200


def test_the_api_asks_for_nothing_where_nothing_is_open(client: TestClient) -> None:
    error = client.get("/api/translate", params={"text": "f(1)"}).json()["error"]
    assert (error["asks"], error["example"]) == (None, None)


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


def test_a_folder_without_a_dashboard_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"holds no index\.html: build it with"):
        from_environment({"DECONFORM_REPORTS": str(tmp_path)})


@pytest.mark.parametrize("number", ["0", "x", "257", "-1"])
def test_a_number_of_lookups_is_checked(number: str) -> None:
    with pytest.raises(SettingsError, match="expected a number from 1 to 256"):
        from_environment({"DECONFORM_LOOKUPS": number})


def test_a_mistake_of_ours_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("inside")

    monkeypatch.setattr(view, "cards", broken)
    app = create_app(Settings(lookups=1))
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        response = client.get("/", params={"text": PYTORCH})
    assert response.status_code == 500
    assert "The service has made a mistake" in response.text
    assert "inside" not in response.text
    assert "Traceback" not in response.text
    assert "content-security-policy" in response.headers


def test_links_are_relative_so_that_the_service_may_live_below_any_path(
    client: TestClient,
) -> None:
    page = client.get("/", params={"text": PYTORCH}).text
    for link in re.findall(r'(?:href|src|action)="([^"]*)"', page):
        assert not urlsplit(link).scheme
        assert not link.startswith("/")


@pytest.mark.parametrize(
    ("program", "status", "said"),
    [
        ("print('ready', flush=True)\nwhile True: pass", 504, "took more than 0.05 s"),
        ("print('ready', flush=True)", 500, "ended without an answer"),
        ("", 500, "ended without an answer"),
    ],
)
def test_a_look_up_without_an_answer_is_told(
    monkeypatch: pytest.MonkeyPatch, program: str, status: int, said: str
) -> None:
    monkeypatch.setattr(workers, "_COMMAND", (sys.executable, "-c", program))
    app = create_app(Settings(lookups=1, seconds=0.05))
    with TestClient(app, base_url="http://localhost") as client:
        answered = client.get("/api/translate", params={"text": PYTORCH})
        shown = client.get("/", params={"text": PYTORCH})
    assert (answered.status_code, shown.status_code) == (status, status)
    assert said in answered.json()["error"]["message"]
    assert said in html.unescape(shown.text)


def test_a_visitor_beyond_the_crowd_is_asked_to_come_again() -> None:
    with TestClient(
        create_app(Settings(lookups=1, waiting=-1)), base_url="http://localhost"
    ) as client:
        response = client.get("/api/translate", params={"text": PYTORCH})
    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    assert "Try again in a moment." in response.json()["error"]["message"]
