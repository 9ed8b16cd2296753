"""Files that hold code: notebooks, live scripts, and what is none of them."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pytest

from harness.core.errors import InputError
from harness.syntax.documents import Document, read_document
from harness.syntax.tree import MAX_TEXT

_WORDS = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def _read(folder: Path, name: str, content: str | bytes) -> Document:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_document(path, name)


def _packed(document: str | bytes, member: str = "matlab/document.xml") -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, document)
    return whole.getvalue()


def _paragraph(style: str, text: str) -> str:
    return (
        f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr>'
        f"<w:r><w:t><![CDATA[{text}]]></w:t></w:r></w:p>"
    )


def _live_script(*paragraphs: tuple[str, str]) -> bytes:
    body = "".join(_paragraph(*each) for each in paragraphs)
    return _packed(f'<w:document xmlns:w="{_WORDS}"><w:body>{body}</w:body></w:document>')


def test_a_live_script_is_its_code_without_its_prose(tmp_path: Path) -> None:
    script = _live_script(
        ("title", "a <= b"), ("code", "k = 4;\nn = k;"), ("text", "x"), ("code", "y")
    )
    document = _read(tmp_path, "gan.mlx", script)
    assert document == Document("gan.mlx", "k = 4;\nn = k;\ny")
    assert document.place(3) == "gan.mlx:3"


_ENTITIES = (
    f'<!DOCTYPE d [<!ENTITY e "{"x" * 999}">]><w:document xmlns:w="{_WORDS}">&e;</w:document>'
)

LIVE_SCRIPTS = {
    "no zip": (b"PK\3\4 and more", "it is not what MATLAB's Live Editor saves"),
    "another zip": (_packed("x", "word/document.xml"), "it is not what MATLAB's Live Editor saves"),
    "no XML": (_packed("<a>"), "its text is no XML: no element found"),
    "entities": (_packed(_ENTITIES), "it declares a document type of its own"),
    "deep": (_packed("<a>" * 200 + "</a>" * 200), "its text is nested more than 100 deep"),
    "a bomb": (_packed(b" " * (2**24 + 1)), "its text has more than 16 MiB"),
}


@pytest.mark.parametrize("name", LIVE_SCRIPTS)
def test_what_is_no_live_script_is_refused(name: str, tmp_path: Path) -> None:
    content, why = LIVE_SCRIPTS[name]
    with pytest.raises(InputError, match=f"^gan.mlx is not read as a live script: {why}"):
        _read(tmp_path, "gan.mlx", content)


_CHAIN = r"""(* Content-type: application/vnd.wolfram.mathematica *)
Notebook[{
Cell[CellGroupData[{
Cell["Nets", "Title"],
Cell[BoxData[{
 RowBox[{"k", "=", FractionBox["8", "2"]}], "\[IndentingNewLine]",
 RowBox[{"up", "=", RowBox[{"DeconvolutionLayer", "[", RowBox[{
  SuperscriptBox["2", "5"], ",", "k", ",", RowBox[{"\"\<Str\
ide\>\"", "\[Rule]", StyleBox["3", FontColor->Red]}]}], "]"}]}]}], "Input",
 CellLabel->"In[1]:=",ExpressionUUID->"a"],
Cell[BoxData[GraphicsBox[{{1., 2.}, DeconvolutionLayer}]], "Output"]
}, Open]],
Cell["NetInitialize[up]", "Code"],
Cell[BoxData[RowBox[{"f", "[", TemplateBox[{"x"}, "Y"], "]"}]], "Input"]
}, FrontEndVersion->"13"]
(* End of Notebook Content *)"""


def test_a_notebook_of_wolfram_is_the_input_in_its_cells(tmp_path: Path) -> None:
    document = _read(tmp_path, "nets.nb", _CHAIN)
    first = 'k=((8)/(2))\nup=DeconvolutionLayer[2^(5),k,"Stride"->3]'
    assert document.text == f"\n{first}\n\nNetInitialize[up]\nf[$Box]"
    assert document.place(3) == "nets.nb:cell 2:2"
    assert document.place(5) == "nets.nb:cell 4:1"


NOTEBOOKS = {
    "code": ("f[x]", r"it holds no Notebook\[...\]"),
    "open": ('Notebook[{Cell["f[x]", "Input"]}', "is never closed"),
    "deep": ("Notebook[" * 999, "nested too deeply"),
}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_what_is_no_notebook_is_refused(name: str, tmp_path: Path) -> None:
    content, why = NOTEBOOKS[name]
    with pytest.raises(InputError, match=f"^a.nb is not read as a notebook: .*{why}"):
        _read(tmp_path, "a.nb", content)


OTHERS = {
    "paper.pdf": (b"%PDF-1.7 ...", "a PDF document"),
    "notes.docx": (_packed("x", "word/document.xml"), "a Word document"),
    "model.zip": (_packed("x", "data.pkl"), r"a packed folder \(ZIP\)"),
    "net.png": (b"\x89PNG\r\n\x1a\n", "an image"),
    "layers.py": (b"x = 1\0", "no text"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_file_that_is_no_text_is_named_in_words(name: str, tmp_path: Path) -> None:
    content, kind = OTHERS[name]
    with pytest.raises(InputError, match=f"^{name} is {kind}: give a file of code, or paste"):
        _read(tmp_path, name, content)


TABS = {
    "in the first lines": (
        "```python\n#@tab mxnet, pytorch\na\n```\n```{.python .input}\n%%tab pytorch\nb\n```\n"
        "```python\n#@tab all\nc\n```\n```python\n#@tab tensorflow\nd\n```\n",
        ["a c", "a b c", "c d"],
    ),
    "of MkDocs": (
        '=== "Keras"\n\n    ```python\n    a\n    ```\n\n=== "PyTorch"\n\n    Words\n\n'
        "    ```\n    b\n    ```\n    ```\n    c\n    ```\nWords\n```python\nd\n```\n",
        ["a d", "b c d"],
    ),
    "of MDX": (
        '<Tabs>\n<TabItem value="k" label="x">\n```py\na\n```\n</TabItem>\n'
        "<TabItem value='t'>\n```py\nb\n```\n</TabItem>\n</Tabs>\n```py\nc\n```",
        ["a c", "b c"],
    ),
    "one alone": ("```py\n#@tab mxnet\na\n```\n```py\nb\n```\n", ["a b"]),
    "in a block": ('```py\na\n=== "K"\n```\n```py\nb\n```\n', ['a === "K" b']),
    "too many": (
        "".join(f"```py\n#@tab t{n}\nx{n}\n```\n" for n in range(9)),
        [" ".join(f"x{n}" for n in range(9))],
    ),
    "in two languages": (
        "```py\n#@tab k\na\n```\n```py\n#@tab t\nb\n```\n```matlab\nc\n```\n",
        ["a", "b", "c"],
    ),
}


@pytest.mark.parametrize("name", TABS)
def test_each_tab_is_read_with_what_is_in_all(name: str, tmp_path: Path) -> None:
    content, expected = TABS[name]
    document = _read(tmp_path, "net.md", content)
    texts = [" ".join(re.sub(r"#@tab.*", "", each).split()) for each in document.texts]
    assert texts == expected
    assert {each.count("\n") for each in document.texts} == {content.count("\n")}


def test_tabs_are_not_split_where_they_would_take_long(tmp_path: Path) -> None:
    content = "```py\n#@tab a\nf()\n```\n```py\n#@tab b\ng()\n```\n"
    assert len(_read(tmp_path, "net.md", content + "x" * (MAX_TEXT // 2)).texts) == 1
    assert len(_read(tmp_path, "net.md", content + "x" * (MAX_TEXT // 3)).texts) == 2
