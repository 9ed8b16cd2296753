"""Whole files and values for names: what the API and the page make of them."""

from __future__ import annotations

import asyncio
import html
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from starlette.requests import Request
from starlette.testclient import TestClient
from starlette.types import Message

from harness.cli.exit_statuses import OK
from harness.cli.main import main
from harness.server import asked, openapi, view, worker
from harness.server.app import create_app
from harness.server.bodies import Room
from harness.server.limits import MAX_BODY, MAX_FILE, MAX_FILE_NAME, MAX_TEXT
from harness.server.refusals import RefusedError
from harness.server.settings import Settings

CODE = """\
class Net(nn.Module):
    def __init__(self):
        self.up1 = nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1)
        self.up2 = nn.ConvTranspose2d(32, 16, 2, stride=2)
        self.same = nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1)
        self.bad = nn.ConvTranspose2d(4, 6, 3, stride=0)
"""
NOTEBOOK = json.dumps(
    {
        "cells": [
            {"cell_type": "markdown", "source": ["# Up"]},
            {
                "cell_type": "code",
                "source": ["%matplotlib inline\n", "up = nn.ConvTranspose2d(c, 3, 2)"],
                "outputs": [{"data": {"image/png": "A" * 5000}}],
            },
        ]
    }
)
SYMBOL = json.dumps(
    {
        "nodes": [
            {"op": "null", "name": "data", "attrs": {"__shape__": "(1, 4, 5)"}, "inputs": []},
            *(
                {
                    "op": "Deconvolution",
                    "name": name,
                    "attrs": {"kernel": f"({size},)", "num_filter": "6"},
                    "inputs": [[0, 0, 0]],
                }
                for name, size in [("up1", 3), ("up2", 0)]
            ),
        ]
    }
)
NO_LAYER = b'{"nodes": [{"op": "null", "name": "data", "inputs": []}]}'
FILES = {
    "net.py": CODE,
    "one.py": "up = nn.ConvTranspose2d(4, 6, 3)\n",
    "net.ipynb": NOTEBOOK,
    "net.md": f"# Net\n\n```python\n{CODE}```\n",
    "net-symbol.json": SYMBOL,
    "net.m": "layers = [transposedConv2dLayer(4, 6, 'NumChannels', 3)];",
}
NAMES = "nn.ConvTranspose1d(c, c // 2, k, stride=u, padding=(k - u) // 2, bias=has_bias)"


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main(["translate", *arguments, "--json"]) == OK
    return json.loads(capsys.readouterr().out)


def answer(client: TestClient, text: str, **fields: str) -> str:
    """The part below the form, as people read it."""
    page = client.post("/answer", data={"text": text, **fields})
    assert page.status_code == 200
    return page.text


def shown(page: str) -> str:
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", page)).split())


def uploaded(client: TestClient, name: str, content: bytes | str, **fields: str) -> str:
    page = client.post("/", files={"file": (name, content)}, data=fields)
    assert page.status_code == 200
    return page.text


@pytest.mark.parametrize("name", FILES)
def test_the_api_answers_a_file_as_translate_does(
    client: TestClient,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_text(FILES[name])
    expected = printed(capsys, name, "--to", "pytorch", "--to", "matlab")
    several = "calls" in expected
    assert several == (name not in {"one.py", "net.ipynb", "net.m"})
    schemas = openapi.document()["components"]
    schema = {"$ref": f"#/components/schemas/LookUp{'s' * several}", "components": schemas}
    for response in (
        client.post(
            "/api/translate",
            files={"file": (name, FILES[name])},
            data={"to": ["pytorch", "matlab"]},
        ),
        client.post(
            "/api/translate", json={"text": FILES[name], "file": name, "to": ["pytorch", "matlab"]}
        ),
    ):
        assert response.status_code == 200
        assert response.json() == expected
        jsonschema.validate(response.json(), schema)


def test_the_api_takes_values_for_names(
    client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"k": 16, "u": 8, "has_bias": False}
    options = ["--set", "k=16", "--set", "u=8", "--set", "has_bias=false", "--to", "wolfram"]
    expected = printed(capsys, NAMES, *options)
    assert expected["operator"]["crop"] == [[4, 4]]
    lines = "k=16\n u = 8 \nhas_bias=False"
    whole: dict[str, Any] = {"text": NAMES, "to": "wolfram"}
    for response in (
        client.post("/api/translate", json=whole | {"to": ["wolfram"], "set": given}),
        client.get("/api/translate", params=whole | {"set": lines}),
        client.get("/api/translate", params=whole | {"set": ["k=16", "u=8", "has_bias=false"]}),
        client.get("/api/translate", params=whole | {f"set.{n}": v for n, v in given.items()}),
    ):
        assert response.json() == expected


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"k": {}}, "'set' is an object"),
        ({"k": [[[1]]]}, "'set' is an object"),
        ({"": 1}, "'set' is an object"),
        ({f"k{n}": 1 for n in range(65)}, "at most 64 names"),
        ({"k": "x" * 201}, "at most 200 characters"),
        ({"k": 10**18}, "'set' is an object"),
        ([], "'set' is an object"),
        ("k", "'set' is an object"),
    ],
)
def test_what_is_no_value_is_refused(client: TestClient, given: Any, part: str) -> None:
    response = client.post("/api/translate", json={"text": NAMES, "set": given})
    assert response.status_code == 422
    assert part in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("line", "part"),
    [("k", "is not a name and its value"), ("k=1\nk=2", "'k' is given two values")],
)
def test_a_line_that_gives_no_value_is_refused(client: TestClient, line: str, part: str) -> None:
    response = client.get("/api/translate", params={"text": NAMES, "set": line})
    assert part in response.json()["error"]["message"]


@pytest.mark.parametrize("name", ["net.py", "net-symbol.json"])
def test_so_many_calls_are_answered_and_the_next_says_so(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(asked, "MAX_CALLS", 1)
    question = {"text": FILES[name], "file": name, "to": ["numpy"]}
    answered = json.loads(worker.answer(question)["body"])
    (rest,) = answered["refused"]
    assert [each.get("line") for each in answered["calls"]] == [3 if name == "net.py" else None]
    assert rest.get("line") == (4 if name == "net.py" else None)
    assert re.match(r"the first 1 (calls|layers) are answered, and [13] are not", rest["error"])
    assert "1 not read" in shown(worker.answer(question | {"for_page": True})["html"])


def test_a_refused_line_of_a_notebook_is_that_of_its_cell(client: TestClient) -> None:
    cells = [
        {"cell_type": "code", "source": each} for each in ("x = 1\n", "\nnn.ConvTranspose2d()")
    ]
    file = {"file": ("net.ipynb", json.dumps({"cells": cells}))}
    error = client.post("/api/translate", files=file).json()["error"]
    assert (error["line"], error["column"]) == (2, 1)
    assert error["message"].startswith("line 2, column 1: cell 2: ")


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("empty.py", b"", "empty.py is empty."),
        ("blank.py", b" \n", "blank.py is empty."),
        ("photo.png", b"\x89PNG\r\n\x1a\n\0\0", "photo.png is an image: give a file of code"),
        ("net.h5", b"\x89HDF\r\n\x1a\n\0", "net.h5 is a file of HDF5, which the service does not"),
        ("net.onnx", b"\x08\x07\x3a\x7f", "net.onnx is no"),
        ("binary.py", b"import\0", "binary.py is no text"),
        ("broken.ipynb", b"{", "broken.ipynb is no notebook"),
        ("deep.ipynb", b"[" * 10**5, "deep.ipynb is no notebook"),
        ("none.py", b"x = 1", "holds no transposed convolution"),
        ("long.py", b"#" * (MAX_TEXT + 1), f"holds {MAX_TEXT + 1} characters of code"),
        ("other.json", b"{}", "holds no transposed convolution"),
        ("none-symbol.json", NO_LAYER, "none-symbol.json is a model without"),
    ],
)
def test_a_file_without_a_call_is_refused_with_its_name(
    client: TestClient, name: str, content: bytes, part: str
) -> None:
    response = client.post("/api/translate", files={"file": (name, content)})
    assert response.status_code == 422
    assert part in response.json()["error"]["message"]
    assert part in shown(uploaded(client, name, content))


@pytest.mark.parametrize(
    ("content_type", "body", "part"),
    [
        ("multipart/form-data", b"--x--", "Missing boundary"),
        ("multipart/form-data; boundary=x", b"nothing of the kind", "multipart/form-data"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\n1\r\n--x--\r\n", "multipart/form-data"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="up"; filename="a.py"\r\n\r\n1\r\n--x--',
            "a file is sent as 'up'",
        ),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\n1\r\n--x--'
            % (b"a" * (MAX_FILE_NAME + 1)),
            f"more than {MAX_FILE_NAME} characters",
        ),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n1\r\n' * 2
            + b"--x--",
            "Too many files",
        ),
    ],
)
def test_a_body_of_wrong_parts_is_refused(
    client: TestClient, content_type: str, body: bytes, part: str
) -> None:
    headers = {"content-type": content_type}
    for path in ("/api/translate", "/", "/answer"):
        response = client.post(path, content=body, headers=headers)
        assert response.status_code == 400
        assert part in html.unescape(response.text)


def test_a_body_that_is_announced_too_large_is_refused_unread() -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        raise AssertionError("read")

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/translate",
        "query_string": b"",
        "headers": [
            (b"host", b"localhost"),
            (b"content-type", b"multipart/form-data; boundary=x"),
            (b"content-length", b"%d" % (MAX_BODY + 1)),
        ],
    }

    async def scene() -> None:
        await create_app(Settings(lookups=1))(scope, receive, send)

    asyncio.run(scene())
    assert sent[0]["status"] == 413
    assert b"16 MiB" in sent[1]["body"]


def test_a_file_that_is_too_large_is_refused(client: TestClient) -> None:
    response = client.post("/api/translate", files={"file": ("a.py", b"#" * (MAX_FILE + 1))})
    assert response.status_code == 413
    assert f"a.py has {MAX_FILE + 1} bytes; 16 MiB are allowed." in response.text


def test_the_page_lists_the_calls_of_a_file_with_links_to_their_answers(
    client: TestClient,
) -> None:
    page = uploaded(client, "net.py", CODE)
    table = page[page.index("<table") : page.index("</table>")]
    assert re.findall(r'href="#(.*?)">(\d+)</a>', table) == [
        ("call-1", "3"), ("call-2", "4"), ("call-1", "5"),
    ]  # fmt: skip
    assert re.findall(r'class="call" id="(.*?)"', page) == ["call-1", "call-2"]
    assert "net.py:3, net.py:5" in shown(page)
    assert "6 not read stride is 0; it must be at least 1." in shown(table)
    assert "4 calls in net.py 1 not read" in shown(page)
    assert 'id="call-2-matlab"' in page
    ids = re.findall(r' id="(.*?)"', page)
    assert len(set(ids)) == len(ids)


def test_the_file_goes_on_as_the_forms_text(client: TestClient) -> None:
    page = uploaded(client, "net.py", CODE, to="matlab", style="function")
    assert f">\n{CODE}</textarea>" in html.unescape(page)
    assert 'name="file" value="net.py"' in page
    assert '<option value="matlab" selected>' in page
    again = client.post("/", data={"text": CODE, "file": "net.py", "to": "matlab"}).text
    assert "net.py:3, net.py:5" in shown(again)


def test_a_notebook_goes_on_without_its_pictures(client: TestClient) -> None:
    page = html.unescape(uploaded(client, "net.ipynb", NOTEBOOK))
    kept = page[page.index("<textarea") : page.index("</textarea>")]
    assert "AAAA" not in page
    text = kept.partition(">\n")[2]
    assert answer(client, text, file="net.ipynb")
    assert "net.ipynb:cell 2:2" in shown(page)
    assert "net.ipynb:cell 2:2" in shown(answer(client, text, file="net.ipynb"))


def test_a_model_lists_its_nodes(client: TestClient) -> None:
    page = uploaded(client, "net-symbol.json", SYMBOL)
    assert re.search(r'href="#call-1">up1</a>', page)
    assert "up2 not read" in shown(page)
    wrong = uploaded(client, "net-symbol.json", SYMBOL, **{"from": "mxnet"})
    assert "net-symbol.json is a model, which says whose it is itself." in shown(wrong)


def test_a_model_of_no_framework_says_what_it_is(client: TestClient) -> None:
    layer = 'layer { name: "up" type: "Deconvolution" convolution_param { num_output: 2 %s } }'
    page = uploaded(client, "net.prototxt", layer % "kernel_size: 3")
    assert "Read as Caffe Deconvolution" in shown(page)


def test_names_have_fields_that_keep_what_is_filled_in(client: TestClient) -> None:
    page = answer(client, NAMES)
    names = re.findall(r'<input name="set\.(.*?)" form="lookup" value="(.*?)"', page)
    assert names == [("k", ""), ("u", ""), ("c", ""), ("has_bias", "")]
    page = answer(client, NAMES, **{"set.k": "16", "set.u": "8", "set.c": ""})
    names = re.findall(r'<input name="set\.(.*?)" form="lookup" value="(.*?)"', page)
    assert names == [("k", "16"), ("u", "8"), ("c", ""), ("has_bias", "")]
    assert "kernel 16, stride 8, crop 4" in shown(page)
    link = html.unescape(page[page.index('data-permalink="') + 16 :].partition('"')[0])
    assert "set.k=16&set.u=8" in link
    assert "kernel 16, stride 8, crop 4" in shown(client.get(f"/{link}").text)


def test_a_question_names_the_fields_and_has_them(client: TestClient) -> None:
    page = answer(client, "nn.ConvTranspose2d(4, 6, k, padding=p)")
    assert 'fill in "Names in the text", such as k = ' in shown(page)
    refused = answer(client, "nn.ConvTranspose2d(4, 6, k, padding=p)", **{"set.k": "'"})
    assert "Not quite yet" in refused
    assert '<input name="set.k" form="lookup" value="&#39;"' in refused


@pytest.mark.parametrize("value", ["16", "[4, 5]", "same", '"16"', "true", "0.5", "a=b"])
def test_a_value_is_the_same_in_its_link(client: TestClient, value: str) -> None:
    page = answer(client, "nn.ConvTranspose2d(4, 6, 3)", **{"set.k": value})
    link = html.unescape(page[page.index('data-permalink="') + 16 :].partition('"')[0])
    again = client.get(f"/{link}").text
    assert re.findall(r'name="set\.k".*?value="(.*?)"', again) == [value.replace('"', "&#34;")]


@pytest.mark.parametrize("name", ["<script>alert(1)</script>.py", '"><img src=x>.py', "a\r\nb.py"])
def test_no_name_becomes_markup(client: TestClient, name: str) -> None:
    code = f"up = nn.ConvTranspose2d(4, 6, k)\n{CODE}"
    hostile = {f"set.{name}": name}
    for page in (
        client.post("/", data={"text": code, "file": name, **hostile}).text,
        answer(client, code, file=name, **hostile),
        answer(client, "f(1)", file=name, **hostile),
        uploaded(client, name, code),
    ):
        assert "<script>alert" not in page
        assert "<img" not in page.replace('<img src="icon.svg"', "")


@pytest.mark.parametrize("about", [about for _, about in view.EXAMPLES])
def test_every_example_is_answered_whole(client: TestClient, about: str) -> None:
    query = next(query for query, text in view.EXAMPLES if text == about)
    page = answer(client, query.text, file=query.file or "")
    assert "not read" not in page
    assert "Not quite yet" not in page or query.input


def asking(size: int | None, kind: str = "application/json") -> Request:
    headers = [(b"content-type", kind.encode())]
    if size is not None:
        headers.append((b"content-length", b"%d" % size))
    return Request({"type": "http", "method": "POST", "headers": headers})


@asynccontextmanager
async def held(room: Room, client: str, size: int = 2**20) -> AsyncIterator[None]:
    async with room.taken(asking(size), client):
        yield


def test_large_bodies_share_room_and_a_client_has_one() -> None:
    async def scene() -> list[str]:
        room, let_in = Room(size=2**22, patience=60.0), list[str]()

        async def send(client: str, size: int, leave: asyncio.Event) -> None:
            async with held(room, client, size):
                let_in.append(client)
                await leave.wait()

        leave = [asyncio.Event() for _ in range(4)]
        clients = ["a", "a", "b", "c"]
        sizes = [2**21, 2**20, 2**21, 2**10]
        tasks = [
            asyncio.create_task(send(*each)) for each in zip(clients, sizes, leave, strict=True)
        ]
        for _ in range(5):
            await asyncio.sleep(0)
        assert let_in == ["a", "b", "c"]  # Small ones need no room.
        leave[0].set()
        for _ in range(5):
            await asyncio.sleep(0)
        for each in leave:
            each.set()
        await asyncio.gather(*tasks)
        async with held(room, "a", 2**22):
            return let_in

    assert asyncio.run(scene()) == ["a", "b", "c", "a"]


def test_a_body_without_room_is_asked_to_come_again() -> None:
    async def scene() -> None:
        room = Room(size=2**20, patience=0.01)
        async with held(room, "a"):
            with pytest.raises(RefusedError, match=r"Try again in a moment\.") as refused:
                async with held(room, "b"):
                    pass
            assert refused.value.status == 503
            async with held(room, "b", 2**10):
                pass
        async with held(room, "b"):
            pass

    asyncio.run(scene())


def test_a_body_that_does_not_say_its_size_takes_the_most() -> None:
    async def scene() -> None:
        room = Room(size=2**22, patience=0.01)
        async with room.taken(asking(None), "a"):
            with pytest.raises(RefusedError, match="Try again"):
                async with held(room, "b"):
                    pass

    asyncio.run(scene())


def test_a_look_up_without_memory_is_refused_with_that_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def spent(_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(worker, "look_up", spent)
    error = worker.answer({"text": CODE})["error"]
    assert error["message"].startswith("the look-up needs more memory than it may have.")


def test_answers_that_are_too_large_are_refused_with_that_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    question = json.dumps({"text": CODE}).encode()
    assert "calls" in json.loads(json.loads(worker.answer_line(question))["body"])
    monkeypatch.setattr(worker, "MAX_ANSWER", 2**20 // 100)
    error = json.loads(worker.answer_line(question))["error"]
    assert "Ask for one framework, or send a part of the text." in error["message"]
