"""What ``pytest --deconform`` collects, and how its tests are called."""

from __future__ import annotations

import shutil

import pytest
from pytest_runs import SPEC, STRICT, node_ids, outcomes, run, write

from harness.convention.registry import framework_names
from harness.plugin import collection
from harness.suite.specs import load_cases, specs_root

COLLECT = ("--collect-only", "-q")


def test_nothing_is_collected_unless_asked_for(pytester: pytest.Pytester) -> None:
    write(pytester, "mine.deconform.yaml", SPEC)
    result = pytester.runpytest_inprocess(*STRICT, *COLLECT)
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_a_file_gives_one_test_for_each_case_group_and_column(pytester: pytest.Pytester) -> None:
    write(pytester, "specs/mine.deconform.yaml", SPEC)
    result = run(pytester, *COLLECT, "specs", frameworks="numpy pytorch")
    assert node_ids(result) == [
        f"specs/mine.deconform.yaml::{case}[{column}-{group}]"
        for case in ("decoder", "grouped")
        for column in ("numpy", "pytorch")
        for group in ("value", "gradients")
    ]


def test_other_yaml_is_left_alone(pytester: pytest.Pytester) -> None:
    write(pytester, "mine.yaml", SPEC)
    write(pytester, "tests/config.yaml", "nothing: of ours")
    assert node_ids(run(pytester, *COLLECT, ".")) == []


@pytest.fixture
def small_suite(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the packaged suite be a small one."""
    folder = tmp_path_factory.mktemp("packaged")
    shutil.copytree(specs_root() / "models", folder / "models")
    monkeypatch.setattr(collection, "specs_root", lambda: folder)


@pytest.mark.usefixtures("small_suite")
@pytest.mark.parametrize("named", ["more", "more/mine.yaml"])
def test_the_configuration_names_more_specs_each_collected_once(
    pytester: pytest.Pytester, named: str
) -> None:
    write(pytester, "more/mine.yaml", SPEC)
    write(pytester, "mine.deconform.yaml", SPEC.replace("mine", "other"))
    pytester.makeini(f"[pytest]\ndeconform_specs =\n    {named}\n    mine.deconform.yaml")
    ids = node_ids(run(pytester, *COLLECT, "--deconform-select=decoder"))
    assert [one for one in ids if not one.startswith("deconform/")] == [
        f"{file}::decoder[numpy-{group}]"
        for file in ("mine.deconform.yaml", "more/mine.yaml")
        for group in ("value", "gradients")
    ]


def test_a_path_on_the_command_line_leaves_the_packaged_suite_out(
    pytester: pytest.Pytester,
) -> None:
    write(pytester, "mine.deconform.yaml", SPEC)
    result = run(pytester, *COLLECT, "mine.deconform.yaml::decoder[numpy-value]")
    assert node_ids(result) == ["mine.deconform.yaml::decoder[numpy-value]"]


@pytest.mark.slow
def test_the_packaged_suite_is_collected_whole(pytester: pytest.Pytester) -> None:
    """Every check of every case is in one test of each column."""
    pytester.makepyfile("def test_other(): pass")
    ids = node_ids(run(pytester, *COLLECT, frameworks=" ".join(framework_names())))
    tests = [one.partition("::")[2] for one in ids if one.startswith("deconform/")]
    groups = {
        (case.id.removeprefix(f"{case.suite}/"), name, group)
        for case in load_cases()
        for name in framework_names()
        for group in (["refusal"] if case.rejected else ["value", "gradients"])
    }
    assert {f"{case}[{name}-{group}]" for case, name, group in groups} == set(tests)
    assert (
        len(set(ids))
        == len(ids)
        == 1 + len(framework_names()) * sum(1 if case.rejected else 2 for case in load_cases())
    )


@pytest.mark.parametrize(
    ("arg", "files"),
    [
        ("deconform/models/dcgan.yaml", {"deconform/models/dcgan.yaml"}),
        ("deconform/edge", {"deconform/edge/channels.yaml", "deconform/edge/sizes.yaml"}),
        ("deconform/bench/segmentation.yaml", {"deconform/bench/segmentation.yaml"}),
    ],
)
def test_a_part_of_the_packaged_suite_is_named_as_its_ids_begin(
    pytester: pytest.Pytester, arg: str, files: set[str]
) -> None:
    ids = node_ids(run(pytester, *COLLECT, arg))
    assert {one.partition("::")[0] for one in ids} == files


def test_an_id_that_was_printed_runs_that_test(pytester: pytest.Pytester) -> None:
    wanted = "deconform/models/dcgan.yaml::up-8-to-16[numpy-gradients]"
    result = run(pytester, wanted, "-v")
    assert outcomes(result) == {"passed": 1}
    result.stdout.fnmatch_lines([f"{wanted.replace('[', '[[]')} *PASSED*"])


@pytest.mark.usefixtures("small_suite")
@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["deconform/no/such.yaml"], "not found: deconform/no/such.yaml"),
        (["deconform/models/dcgan.yaml::no"], "not found: deconform/models/dcgan.yaml::no"),
        (["--deconform-select=nosuch", "--deconform-select=dcgan"], "no case matches*'nosuch'"),
    ],
)
def test_what_is_not_there_is_an_error(
    pytester: pytest.Pytester, args: list[str], words: str
) -> None:
    result = run(pytester, *args)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines([f"*{words}*"])
    assert "Traceback" not in result.stdout.str()


def test_what_selects_cases_for_a_fixture_needs_no_spec_that_it_selects(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(test_mine="def test_mine(deconform_case): pass")
    ids = node_ids(run(pytester, *COLLECT, "test_mine.py", "--deconform-select=dcgan/up-8-to-16"))
    assert ids == ["test_mine.py::test_mine[models/dcgan/up-8-to-16]"]


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--deconform-framework=pytorhc", "*pytorhc*Did you mean 'pytorch'*"),
        ("--deconform-framework=no.yaml", "*no.yaml*"),
        ("--deconform-timeout=soon", "*deconform_timeout is 'soon'*"),
        ("--deconform-device=tpu", "*deconform_device is 'tpu'*cpu, cuda*"),
        ("--deconform-python=numpy", "*NAME=PATH*"),
        ("--deconform-known=no.yaml", "*no.yaml: there is no such file*"),
        ("--deconform-specs=no.yaml", "*no.yaml: there is no such spec*"),
    ],
)
def test_an_option_that_cannot_be_used_is_a_usage_error(
    pytester: pytest.Pytester, option: str, words: str
) -> None:
    result = pytester.runpytest_inprocess("--deconform", *STRICT, option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([words])
    assert "Traceback" not in result.stderr.str()


def test_a_wrong_file_is_an_error_that_names_its_line(pytester: pytest.Pytester) -> None:
    write(pytester, "mine.deconform.yaml", SPEC.replace("stride: 2", "strides: 2"))
    result = run(pytester, "mine.deconform.yaml")
    assert outcomes(result) == {"errors": 1}
    result.stdout.fnmatch_lines(["mine.deconform.yaml:7: *'strides'*"])
    assert "Traceback" not in result.stdout.str()


def test_the_options_stand_in_a_group_with_keys_of_the_same_names(
    pytester: pytest.Pytester,
) -> None:
    text = pytester.runpytest_inprocess(*STRICT, "--help").stdout.str()
    names = {"framework", "select", "specs", "known", "python", "timeout", "device", "math"}
    assert "deconform: transposed convolutions" in text
    assert {name for name in names if f"--deconform-{name}" not in text} == set()
    assert {name for name in names if f"deconform_{name} (" not in text} == set()


def test_the_configuration_chooses_as_the_options_do(pytester: pytest.Pytester) -> None:
    write(pytester, "mine.deconform.yaml", SPEC)
    pytester.makeini(
        "[pytest]\naddopts = --deconform\ndeconform_framework = chainer\ndeconform_select =\n"
        "    mine/dec*\n    der\n"
    )
    result = pytester.runpytest_inprocess(*STRICT, *COLLECT, "mine.deconform.yaml")
    assert [one.partition("::")[2] for one in node_ids(result)] == [
        "decoder[chainer-value]",
        "decoder[chainer-gradients]",
    ]
