"""The static dashboard: what it shows is what the reports hold, whatever they hold."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

pytest.importorskip("jinja2", reason="no Jinja2 here: pip install jinja2")

from dashboards import (
    DCGAN,
    ILLEGAL,
    STRIDED,
    Page,
    case,
    conformance,
    record,
    timed,
    unpacked,
    usual,
)
from hypothesis import given
from hypothesis import strategies as st
from made_benchmarks import measurement
from made_benchmarks import report as benchmark
from saved_runs import written

from harness import translate
from harness.cli.exit_statuses import USAGE
from harness.cli.main import main
from harness.core.column_info import ColumnInfo
from harness.core.errors import InputError
from harness.core.program import Program
from harness.dashboard import build, case_pages, frame
from harness.dashboard.benchmarks import fastest
from harness.dashboard.building import in_short
from harness.dashboard.cases import Result, by_case
from harness.dashboard.frame import file_name
from harness.dashboard.parameters import PARAMETERS, kinds
from harness.records.report_file import Report
from harness.records.status import Status
from harness.suite.case import case_from_descriptor

HOSTILE = (
    "../../../escaped",
    "..\\..\\escaped",
    "/etc/passwd",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    "'); alert(1); ('",
    "javascript:alert(1)",
    "Con.txt",
    "con.txt",
    "\ud800 half a character",
    "a" * 5000,
    "\n\t\0",
    "https://example.org/?q=1#x",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("made") / "dashboard"
    build([usual(), timed()], made)
    return made


def pages(folder: Path) -> dict[Path, Page]:
    return {file: Page(file) for file in sorted(folder.rglob("*.html"))}


def test_every_link_leads_somewhere(folder: Path) -> None:
    every = pages(folder)
    for file, page in every.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme in {"http", "https"} or link.startswith(page.root + "../"):
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            assert target.is_relative_to(folder)
            assert target.is_file(), f"{file}: {link}"
            # What scripts make is tested in a browser.
            if parts.fragment and not parts.fragment.startswith("in-"):
                assert parts.fragment in every[target].ids, f"{file}: {link}"


def test_every_page_leads_to_the_look_up_where_there_is_one(folder: Path) -> None:
    for file, page in pages(folder).items():
        up = [a for tag, a in page.elements if tag == "a" and a.get("href") == f"{page.root}../"]
        assert up
        assert {link["class"] for link in up} == {"served"}
        assert (file.parent / page.root / "service.css").resolve() == folder / "service.css"
        assert f"{page.root}service.css" in page.links
    assert ".served { display: none; }" in (folder / "service.css").read_text()


def test_nothing_is_loaded_from_elsewhere(folder: Path) -> None:
    for page in pages(folder).values():
        loaded = [
            attributes.get("src", attributes.get("href", ""))
            for tag, attributes in page.elements
            if tag in {"script", "link", "img", "iframe"}
        ]
        assert not [address for address in loaded if urlsplit(address).scheme]


def test_every_page_says_what_it_was_made_from(folder: Path) -> None:
    start = folder / "index.html"
    for file, page in pages(folder).items():
        if file != start:
            assert "Conformance of 2026-01-02, commit c0ffee, and 1 more report." in page.text
            assert f"{page.root}index.html#origin" in page.links
    told = Page(start)
    assert "origin" in told.ids
    assert "conformance of 2026-01-02T03:04:05+00:00, deconform 0.1.0, commit c0ffee" in told.text
    assert "benchmark of 2026-01-02T03:04:05+00:00, deconform 0.2.0" in told.text
    assert "Fast 9000, 2 cores" in told.text


@pytest.mark.parametrize(
    ("reports", "said"),
    [
        ([usual()], "Conformance of 2026-01-02, commit c0ffee."),
        ([timed()], "Benchmark of 2026-01-02, commit 0123abc."),
        (
            [timed(), timed(), usual()],
            "Conformance of 2026-01-02, commit c0ffee, and 2 more reports.",
        ),
    ],
)
def test_a_foot_names_one_report(reports: list[Report], said: str) -> None:
    assert in_short(reports) == said


# A disk gives a file whole blocks, mostly of so many bytes: of thousands of pages, each that is
# longer than one costs a second one.
BLOCK = 4096


def test_an_ordinary_case_takes_one_block_of_a_disk(tmp_path: Path) -> None:
    frameworks = ["numpy", "cupy", "matlab", "mxnet", "chainer", "pytorch", "tensorflow", "wolfram"]
    descriptor = "ic64_oc128_k4x4x4_s2x2x2_d1x2x2_c1.1x1.1x1.1_g2_b_n1_i16x16x16"
    name = "models/volumetric-unet/decoder-3-of-5-up"
    tried = conformance(
        one for framework in frameworks for one in case(name, descriptor, framework)
    )
    build([tried, timed()], tmp_path / "made")
    (file,) = (tmp_path / "made/cases").iterdir()
    page = Page(file)
    assert page.text.count("native ✓ passed all 5") == len(frameworks)
    assert file.stat().st_size < BLOCK


@pytest.mark.parametrize("framework", ["pytorch", "tensorflow"])
@pytest.mark.parametrize("descriptor", [STRIDED, DCGAN])
def test_a_case_shows_the_text_that_is_run(folder: Path, descriptor: str, framework: str) -> None:
    ids = {STRIDED: "grid/strided", DCGAN: "models/dcgan/up"}
    found = unpacked(folder / "data/programs-0.js")["cases"][ids[descriptor]]
    program = translate(case_from_descriptor(descriptor), framework)
    assert isinstance(program, Program)
    assert found["programs"][framework]["forward"] == program.text
    assert found["programs"][framework]["gradient"] == program.gradient_text
    assert found["picture"].startswith("<svg")
    assert [address.partition("?")[0] for _, address in found["more"]] == ["parameters.html"] * 2


def test_a_case_says_what_became_of_it(folder: Path) -> None:
    text = Page(folder / "cases/models_dcgan_up.html").text
    assert "16 -> 8 channels, kernel 4x4, stride 2, crop 1, bias" in text
    assert "y: 3 of 9 elements differ" in text
    assert "Equals the mutant: kernel flipped" in text
    assert f"deconform reproduce {DCGAN} -f tensorflow" in text
    assert "specs/made.yaml:7" in text


def test_an_illegal_case_has_no_picture_but_programs(folder: Path) -> None:
    found = unpacked(folder / "data/programs-0.js")["cases"]["rejects/stride/zero"]
    assert found["picture"] is None
    assert "stride=0" in found["programs"]["pytorch"]["forward"]
    assert found["programs"]["pytorch"]["gradient"] is None
    page = Page(folder / "cases/rejects_stride_zero.html")
    assert "picture" not in page.ids
    assert "PyTorch ⊘ rejected" in page.text
    assert "TensorFlow ! accepted" in page.text
    assert found["more"] == []


def test_the_matrix_counts_checks(folder: Path) -> None:
    text = Page(folder / "conformance.html").text
    assert "grid 3 ✓ 15 ✓ 10 K 5" in text
    assert "models/dcgan 1 ✓ 5 F 5" in text
    assert "all 5 ✓ 21 ✓ 10 K 6 F 5" in text


def test_the_legality_map_counts_cases(folder: Path) -> None:
    text = Page(folder / "parameters.html").text
    assert "dilation 1 1 ● 1 ● 1 dilation 2 3 ● 3 ● 2 ◐ 1" in text
    assert "groups 1 3 ● 3 ● 3 groups 2 1 ● 1 ◐ 1" in text
    assert "illegal stride 1 ⊘ 1 ! 1" in text


def test_scripts_find_cases_by_their_parameters(folder: Path) -> None:
    index = unpacked(folder / "data/index.js")
    found = {one["i"]: one for one in index["cases"]}
    values = [
        index["parameters"][name][number]
        for name, number in zip(index["parameterNames"], found["grid/grouped"]["p"], strict=True)
    ]
    assert values == ["2-D", "2", "2", "2", "none", "taps overlap", "with bias", "float32"]
    assert {name: one["r"] for name, one in found.items()} == {
        "grid/strided": "n✓n✓",
        "grid/grouped": "n✓r✓",
        "grid/float64": "n✓nK",
        "models/dcgan/up": "n✓nF",
        "rejects/stride/zero": "y✓aK",
    }
    assert found["grid/float64"]["k"] == {"1": "tensorflow-float64-dilation"}
    assert found["rejects/stride/zero"]["p"] is None


def test_layers_are_found_in_the_words_of_a_framework(folder: Path) -> None:
    index = unpacked(folder / "data/layers.js")
    texts = unpacked(folder / f"data/layers-{index['frameworks'].index('pytorch')}.js")
    (at,) = [n for n, made in enumerate(texts) if "nn.ConvTranspose2d(16, 8, 4," in made["t"]]
    assert [index["cases"][n][0] for n in index["layers"][at]["i"]] == ["models/dcgan/up"]
    # Of an operator in two types there is one layer.
    assert len(index["layers"]) == 3


def test_a_layer_is_written_in_frameworks_that_did_not_run(folder: Path) -> None:
    index = unpacked(folder / "data/layers.js")
    assert set(index["frameworks"]) >= {"pytorch", "tensorflow", "matlab", "wolfram", "chainer"}
    at = index["frameworks"].index("matlab")
    texts = [made["t"] or "" for made in unpacked(folder / f"data/layers-{at}.js")]
    assert [text for text in texts if "transposedConv2dLayer(4, 8, 'Stride', 2," in text]
    # A case's page has nothing to lead to.
    assert index["anchors"][at] == ""
    assert index["anchors"][index["frameworks"].index("pytorch")] == "in-pytorch"


@pytest.mark.parametrize(
    ("statuses", "state"),
    [
        ((Status.KNOWN,), "K live"),
        ((Status.FIXED,), "X fixed"),
        ((Status.KNOWN, Status.FIXED), "X partly fixed"),
        ((), "- not run"),
    ],
)
def test_a_limitation_is_live_or_fixed(
    statuses: tuple[Status, ...], state: str, tmp_path: Path
) -> None:
    name = "pytorch-empty-output"
    records = [
        record("edge/a", STRIDED, "pytorch", check, status=status, limitation=name, reason="so")
        for check, status in zip(("shape", "value"), statuses, strict=False)
    ]
    report = conformance([*records, record("edge/a", STRIDED, "pytorch", "grad_x")])
    build([report], tmp_path / "made")
    page = Page(tmp_path / "made/limitations.html")
    assert f"PyTorch {state} {name}" in page.text
    assert "https://github.com/pytorch/pytorch/issues/88647" in page.links


def test_a_case_without_gradients_ends_as_its_outputs_do() -> None:
    forward = [record("edge/a", STRIDED, "litert", check) for check in ("shape", "value")]
    missing = record("edge/a", STRIDED, "litert", "grad_x", status=Status.UNSUPPORTED)
    assert Result((*forward, missing)).status == Status.PASSED
    assert Result((replace(forward[0], status=Status.FAILED), missing)).status == Status.FAILED
    assert Result((missing,)).status == Status.UNSUPPORTED


def hostile_report() -> Report:
    records = []
    for number, text in enumerate(HOSTILE):
        about: dict[str, Any] = {"reason": text, "file": text, "line": 3, "reproduce": text}
        bad = {"status": Status.FAILED, "diagnosis": text, "suite": text}
        records.append(record(text, text, "pytorch", text, **about, **bad))
        known = {"status": Status.KNOWN, "limitation": text, "suite": f"{number}/{text}"}
        records.append(record(f"{number}/{text}", STRIDED, "pytorch", "value", **about, **known))
    text = HOSTILE[3]
    engines = {"pytorch": ColumnInfo(text, text, text, device=text)}
    made = conformance(records, engines)
    return replace(made, header=replace(made.header, deconform=HOSTILE[4], commit=HOSTILE[3]))


def test_hostile_texts_stay_texts_and_inside_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "inside" / "made"
    bad = measurement("pytorch", (1.0, 1.1, 1.2), case=HOSTILE[3], suite=HOSTILE[3])
    build([hostile_report(), benchmark([bad])], folder)
    outside = {file for file in tmp_path.rglob("*") if file.is_file()} - set(folder.rglob("*"))
    assert outside == set()
    assert len(list((folder / "cases").iterdir())) == 2 * len(HOSTILE)
    shown = ""
    for page in pages(folder).values():
        shown += page.text
        for tag, attributes in page.elements:
            assert not [name for name in attributes if name.startswith("on")]
            assert tag not in {"iframe", "object", "base", "style"}
            if tag == "script":
                assert attributes["src"].endswith(".js")
                assert ".." not in attributes["src"].removeprefix("../")
        assert not [link for link in page.links if link.startswith("javascript")]
    assert "<script>alert(1)</script>" in shown
    assert "{{ 7 * 7 }}" in shown


@given(st.text(), st.text())
@pytest.mark.slow
def test_names_of_files_are_safe_and_each_has_its_own(one: str, other: str) -> None:
    name = file_name(one)
    assert name.isascii()
    assert not set(name) & set("/\\:*?\"<>|'&%#\0 ")
    assert 0 < len(name) < 120
    assert name.strip(".-") == name
    # File systems may take capitals and small letters for the same.
    assert one == other or name.lower() != file_name(other).lower()
    # Nor can a name be written for the file that another one has got.
    assert one == name or file_name(name) != name


@pytest.mark.parametrize("text", ["rm -rf ~", "deconform reproduce 'x; rm -rf ~' -f pytorch", "'"])
def test_no_other_command_is_offered_than_ours(text: str) -> None:
    made = conformance([record("grid/a", STRIDED, "pytorch", "value", reproduce=text)])
    (found,) = by_case(made)
    assert found.results["pytorch"].reproduce == f"deconform reproduce {STRIDED} -f pytorch"


def test_a_case_with_data_of_its_own_is_reproduced_by_its_id() -> None:
    command = "deconform reproduce documents/chainer/example -f pytorch"
    made = record("documents/chainer/example", STRIDED, "pytorch", "value", reproduce=command)
    (found,) = by_case(conformance([made]))
    assert found.results["pytorch"].reproduce == command


@pytest.mark.parametrize(
    ("descriptor", "parameter", "value"),
    [
        ("ic4_oc4_k3_g4_n1_i4", "groups", "depthwise"),
        ("ic4_oc6_k3_g2_n1_i4", "groups", "2"),
        ("ic1_oc1_k3_n1_i4", "groups", "1"),
        ("ic1_oc1_k3x3_s1x2_n1_i4x4", "stride", "differs by axis"),
        ("ic1_oc1_k3_s9_n1_i4", "stride", "4 or more"),
        ("ic1_oc1_k3_c-1.2_n1_i4", "crop", "negative"),
        ("ic1_oc1_k3_c3.0_n1_i4", "crop", "beyond the kernel"),
        ("ic1_oc1_k3_c2.0_n1_i4", "crop", "ends differ"),
        ("ic1_oc1_k3_c1.1_n1_i4", "crop", "same at both ends"),
        ("ic1_oc1_k3_s4_n1_i4", "overlap", "gaps"),
        ("ic1_oc1_k3_s3_n1_i4", "overlap", "taps meet"),
        ("ic1_oc1_k2_d3_s3_n1_i4", "overlap", "taps overlap"),
        ("ic1_oc1_k3_n1_i4_f16", "dtype", "float16"),
        ("ic1_oc1_k3_n1_i4_bf16", "dtype", "bfloat16"),
    ],
)
def test_parameters_are_told_apart(descriptor: str, parameter: str, value: str) -> None:
    found = kinds(case_from_descriptor(descriptor))
    assert found[parameter] == value
    assert all(found[name] in values for name, values in PARAMETERS.items())


def test_an_earlier_dashboard_is_replaced(tmp_path: Path) -> None:
    build([conformance(case("grid/old", STRIDED, "pytorch")), timed()], tmp_path / "made")
    build([conformance(case("grid/new", STRIDED, "pytorch"))], tmp_path / "made")
    assert [file.name for file in (tmp_path / "made/cases").iterdir()] == ["grid_new.html"]
    assert not (tmp_path / "made/benchmarks.html").exists()


def test_a_dashboard_that_is_refused_leaves_the_earlier_one(tmp_path: Path) -> None:
    def files() -> dict[Path, bytes]:
        return {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}

    build([usual()], tmp_path)
    old = files()
    info = next(iter(usual().header.frameworks.values()))
    with pytest.raises(InputError, match="can name no file"):
        build([conformance([], {"a/b": info})], tmp_path)
    assert files() == old


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match="holds something else than a dashboard"):
        build([usual()], tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.slow
def test_several_processes_write_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case_pages, "_CHUNK", 5)  # As many chunks of as many cases are slow.
    sizes = range(3, 48)
    report = conformance(
        one
        for size in sizes
        for one in case(f"grid/s{size % 9}/{size}", f"ic1_oc2_k3_b_n1_i{size}", "pytorch")
    )
    build([report], tmp_path / "one")
    build([report], tmp_path / "two", processes=2)
    alone, shared = (
        {
            file.relative_to(tmp_path / name): file.read_bytes()
            for file in (tmp_path / name).rglob("*")
            if file.is_file()
        }
        for name in ("one", "two")
    )
    assert alone == shared
    assert len([file for file in alone if file.parts[0] == "cases"]) == len(sizes)


def test_the_fastest_is_named_where_rounds_can_tell() -> None:
    texts = [row["text"] for row in fastest(timed(), "benchmarks.html")]
    assert all(text.startswith("PyTorch in ") for text in texts)
    assert all("next is TensorFlow" in text for text in texts)


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        ({"pytorch": (1.0, 1.0), "tensorflow": (1.1, 1.1)}, "PyTorch in about 1.00 s, but"),
        ({"pytorch": (1.0, 1.0)}, "only PyTorch was measured"),
    ],
)
def test_nobody_is_the_fastest_by_chance(samples: dict[str, tuple[float, ...]], said: str) -> None:
    made = benchmark([measurement(name, times) for name, times in samples.items()])
    (found,) = fastest(made, "benchmarks.html")
    assert said in found["text"]
    assert found["where"] == "Measured 2026-01-02 on Fast 9000, 2 cores."


@pytest.mark.parametrize(
    ("slower", "said"),
    [((1.1, 1.1), "PyTorch or 1 other"), (tuple(3.0 + n / 100 for n in range(40)), "PyTorch")],
)
def test_the_table_of_times_names_the_fastest_in_few_words(
    slower: tuple[float, ...], said: str, tmp_path: Path
) -> None:
    quick = tuple(1.0 + n / 100 for n in range(len(slower)))
    made = benchmark([measurement("pytorch", quick), measurement("tensorflow", slower)])
    build([made], tmp_path / "made")
    assert f" forward {said} " in Page(tmp_path / "made/benchmarks.html").text


def test_an_unreadable_descriptor_costs_its_programs_alone(tmp_path: Path) -> None:
    build([conformance(case("grid/a", "of_another_version", "pytorch"))], tmp_path / "made")
    text = Page(tmp_path / "made/cases/grid_a.html").text
    assert "The descriptor cannot be read" in text
    assert "✓ passed all 5" in text


@pytest.mark.parametrize(("library", "reports"), [("jinja2", [usual()]), ("plotly", [timed()])])
def test_a_missing_library_is_named(
    library: str, reports: list[Report], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame._templates.cache_clear()
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(InputError, match=rf'need {library}: pip install "deconform\[dashboard\]"'):
        build(reports, tmp_path / "made")


def test_report_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, bench = (
        written(tmp_path / name, each) for name, each in (("run", usual()), ("bench", timed()))
    )
    main(["report", str(run), str(bench), "--html", str(tmp_path / "made")])
    assert f"open {tmp_path / 'made' / 'index.html'}" in capsys.readouterr().out
    start = Page(tmp_path / "made/index.html")
    assert (
        "option",
        {"value": "bench/segmentation/fcn32s-upscore", "selected": ""},
    ) in start.elements
    assert ("optgroup", {"label": "bench/segmentation"}) in start.elements
    assert "Which framework is fastest for FCN-32s here?" in start.text
    assert main(["report", str(run), str(run), "--html", str(tmp_path / "other")]) == USAGE
    assert main(["report", str(run), "--database", "sqlite:///h.sqlite"]) == USAGE


def test_what_is_not_there_is_left_out(tmp_path: Path) -> None:
    build([timed()], tmp_path / "times")
    assert not (tmp_path / "times/conformance.html").exists()
    assert "Conformance" not in Page(tmp_path / "times/index.html").text
    build([usual()], tmp_path / "verdicts")
    assert not (tmp_path / "verdicts/plotly.min.js").exists()
    assert ILLEGAL in Page(tmp_path / "verdicts/suites/rejects_stride.html").text


KILLED = """
import multiprocessing, os, signal
from concurrent.futures import ProcessPoolExecutor
from harness.dashboard import building
spawn = multiprocessing.get_context("spawn")
pool = ProcessPoolExecutor(1, spawn, building.end_with_parent)
print(pool.submit(os.getpid).result(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_no_process_outlives_the_one_that_builds() -> None:
    command = [sys.executable, "-c", KILLED]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, timeout=60)
    state = Path(f"/proc/{int(done.stdout)}/stat")
    for _ in range(100):
        if not state.exists() or " Z " in state.read_text():
            return
        time.sleep(0.05)
    pytest.fail(f"process {done.stdout} goes on")
