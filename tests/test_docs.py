"""The documents say what is true: commands, examples and outputs are run."""

from __future__ import annotations

import doctest
import json
import re
import shlex
import statistics
from pathlib import Path

import pytest
from pytest_runs import STRICT
from reference_pages import FOLDER, frameworks, pages

from harness.bench.intervals import paired_ratio
from harness.cli.exit_statuses import OK, USAGE
from harness.cli.main import main
from harness.execution import gpus
from harness.records.check import DIRECTIONS
from harness.records.report_file import Report
from harness.suite.case import CLAIMED_DTYPES
from harness.suite.specs import load_cases

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PUBLISHED = ROOT / "reports" / "published" / "bench.jsonl.gz"


def blocks(language: str, text: str = README) -> list[str]:
    whole = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [block for name, block in whole if name == language]


def test_python_examples_of_the_readme_do_what_they_show() -> None:
    (example,) = blocks("python")
    test = doctest.DocTestParser().get_doctest(example, {}, "README.md", "README.md", 0)
    assert doctest.DocTestRunner(verbose=False).run(test).failed == 0


def test_case_of_the_readme_is_a_case(tmp_path: Path) -> None:
    (example,) = (block for block in blocks("yaml") if block.startswith("suite:"))
    path = tmp_path / "mine.yaml"
    path.write_text(example)
    assert [case.id for case in load_cases(path)] == [
        "mine/decoder",
        "mine/in-a-frameworks-own-words",
    ]


def test_matrix_of_the_readme_is_the_published_one() -> None:
    (row,) = re.findall(r"^\| \*\*all\*\*.*$", README, re.MULTILINE)
    assert row in (ROOT / "reports" / "published" / "README.md").read_text().splitlines()


def test_times_of_the_readme_are_the_published_ones(capsys: pytest.CaptureFixture[str]) -> None:
    command, *lines = next(one for one in blocks("") if "deconform report" in one).splitlines()
    assert main(shlex.split(command.removeprefix("$ deconform "))) == OK
    printed = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line != "..." and line not in printed] == []


def test_ratios_of_the_readme_are_the_published_ones() -> None:
    report = Report.read(PUBLISHED)
    samples = {(one.case, one.direction, one.framework): one.samples for one in report.measurements}
    told = re.findall(r"^\| (\w+) [\d.]+.*\| ([\d.]+) \| ([\d.]+) \|$", README, re.MULTILINE)
    assert [name.lower() for name, *_ in told] == ["pytorch", "tensorflow", "chainer", "mxnet"]
    for name, *means in told:
        for direction, mean in zip(DIRECTIONS, means, strict=True):
            ratios = [
                paired_ratio(samples[case, direction, "numpy"], theirs).value
                for (case, way, framework), theirs in samples.items()
                if (way, framework) == (direction, name.lower())
            ]
            assert f"{statistics.geometric_mean(ratios):.2f}" == mean, (name, direction)


def test_continuous_integration_runs_the_readmes_test_command() -> None:
    commands = re.findall(r"^    (python -m pip install tox.*)$", README, re.MULTILINE)
    assert commands == [
        "python -m pip install tox && tox run -e conformance",
        "python -m pip install tox && tox run",
    ]
    script = (ROOT / ".ci" / "run").read_text()
    assert commands[1].replace("pip install", "pip install --quiet") in script


OUTPUTS = dict(
    re.findall(r"<!-- output of: deconform (.*?) -->\n```\n(.*?)\n```", README, re.DOTALL)
)


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(command, marks=[pytest.mark.frameworks] * command.startswith("run"))
        for command in OUTPUTS
    ],
)
def test_output_in_the_readme_is_what_the_command_prints(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The document was written where there is no GPU.
    monkeypatch.setattr(gpus, "missing", lambda: "no NVIDIA driver here (libcuda.so.1)")
    status = main(shlex.split(command))

    def lasting(text: str) -> list[str]:
        """Leave out the order in which columns end, the seconds, and our own Python's version."""
        lines = [line.rstrip() for line in text.splitlines()]
        if command.startswith("run"):
            lines = sorted(re.sub(r"\(.*\)|[\d.]+ s\b", "", line) for line in lines)
        return lines

    printed = capsys.readouterr()
    assert lasting(printed.out + printed.err) == lasting(OUTPUTS[command])
    assert status == (USAGE if printed.err.startswith("error:") else OK)


@pytest.mark.slow
def test_what_the_readme_shows_in_an_empty_folder_is_what_happens_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (session,) = re.findall(r"<!-- in an empty folder -->\n```\n(.*?)```", README, re.DOTALL)
    monkeypatch.chdir(tmp_path)

    def lasting(text: str) -> list[str]:
        lines = [re.sub(r"\(.*\)|[\d.]+ s\b", "", line).rstrip() for line in text.splitlines()]
        return [line for line in lines if line != "..."]

    for step in session.split("$ deconform ")[1:]:
        command, _, output = step.partition("\n")
        assert main(shlex.split(command)) == OK
        printed = lasting(capsys.readouterr().out)
        assert [line for line in lasting(output) if line not in printed] == []


@pytest.mark.slow
def test_a_test_of_the_readme_fails_in_the_words_it_shows(pytester: pytest.Pytester) -> None:
    """The kernels that it imports run the kernel backwards."""
    (text, command, output) = re.findall(
        r"((?:^    .*\n|^\n)+)<!-- output of: pytest (.*?) -->\n```\n((?:.*\n)*?)```",
        README,
        re.MULTILINE,
    )[0]
    pytester.makepyfile(
        test_mine=text,
        mykernels="""
        import impl

        def conv_transpose(x, w, b, **options):
            return impl.conv_transpose(x, w[..., ::-1, ::-1], b, **options)
        """,
    )
    result = pytester.runpytest_inprocess(*STRICT, *shlex.split(command))
    assert result.parseoutcomes() == {"failed": 1}
    assert [line for line in output.splitlines() if line not in result.outlines] == []


def test_the_readme_counts_the_legal_cases_there_are() -> None:
    given = [case for case in load_cases() if case.dtype in CLAIMED_DTYPES]
    assert f"{sum(not case.rejected for case in given)} legal cases" in README


def test_the_page_on_pytest_lists_every_option(pytester: pytest.Pytester) -> None:
    helped = pytester.runpytest_inprocess(*STRICT, "--help").stdout.str()
    options = set(re.findall(r"--deconform-[a-z]+", helped))
    assert set(re.findall(r"`(--deconform-[a-z]+)", (ROOT / "docs" / "pytest.md").read_text())) == (
        options
    )


def test_the_table_of_frameworks_is_what_the_conventions_say() -> None:
    assert "\n".join(frameworks("docs/conventions/")) in README


def test_the_reference_pages_are_what_the_conventions_say() -> None:
    committed = {file.name: file.read_text() for file in FOLDER.iterdir()}
    assert committed == pages(), "write them again: python tools/reference_pages.py"


def test_contributing_lists_every_key_of_a_case() -> None:
    schema = json.loads((ROOT / "specs" / "schema.json").read_text())
    keys = set(schema["$defs"]["case"]["properties"])
    documented = (ROOT / "CONTRIBUTING.md").read_text()
    assert {key for key in keys if f"`{key}`" not in documented} == set()


def test_changelog_counts_the_cases_there_are() -> None:
    count = sum(1 for _ in load_cases())
    assert f"Run {count} cases" in (ROOT / "CHANGELOG.md").read_text()


def test_every_promise_names_a_test_that_there_is() -> None:
    promises = (ROOT / "docs" / "robustness.md").read_text()
    named = set(re.findall(r"`(tests/[\w/]+\.py)`", promises))
    assert len(named) > 10
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []


def test_the_audit_of_its_page_is_what_the_command_prints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "docs" / "audit.md").read_text()
    monkeypatch.chdir(tmp_path)
    Path("decoder.py").write_text(blocks("python", text)[0])
    ((command, output),) = re.findall(
        r"<!-- output of: deconform (.*?) -->\n```\n(.*?)```", text, re.DOTALL
    )
    assert main(shlex.split(command)) == OK
    assert capsys.readouterr().out == output
    (shown,) = map(json.loads, blocks("json", text))
    assert main(["audit", "decoder.py", "--to", "wolfram", "--json"]) == OK
    assert shown["layers"][0] == json.loads(capsys.readouterr().out)["layers"][3]
