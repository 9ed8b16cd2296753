"""What becomes of a test: each status as pytest shows it, in our words."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import fakes
import pytest
from pytest_runs import SPEC, outcomes, run, write

from harness.suite.limitations import load_limitations

KNOWN = """\
limitations:
  - id: wrong-here
    framework: numpy
    cases: {cases}
    checks: [value, grad_x, grad_w, grad_b]
    reason: It is wrong.
    upstream: https://example.org/1
"""


def run_with(
    pytester: pytest.Pytester, behaviour: str, *args: object, spec: str = SPEC
) -> pytest.RunResult:
    """Run the cases in a fake interpreter; the first runs alone, so that a fault has one place."""
    write(pytester, "mine.deconform.yaml", spec)
    python = fakes.interpreter(pytester.path / "fake", behaviour)
    return run(pytester, f"--deconform-python=numpy={python}", "mine.deconform.yaml", *args)


def known(pytester: pytest.Pytester, cases: str, more: str = "") -> str:
    write(pytester, "known.yaml", KNOWN.format(cases=cases) + more)
    return "--deconform-known=known.yaml"


def test_what_is_right_passes(pytester: pytest.Pytester) -> None:
    assert outcomes(run_with(pytester, "correct")) == {"passed": 4}


def test_a_failure_names_the_mutant_the_place_and_the_command(pytester: pytest.Pytester) -> None:
    result = run_with(pytester, "flips_kernel", "-k", "decoder")
    assert outcomes(result) == {"failed": 2, "deselected": 2}
    result.stdout.fnmatch_lines(
        [
            "*_ decoder[[]numpy-value] _*",
            "FAILED value: y: * elements differ; first y[[]0, 0, *] is *, expected *",
            "equals the mutant: kernel flipped",
            "mine.deconform.yaml:3",
            "deconform reproduce ic2_oc3_k3_s2_b_n1_i5 -f numpy",
            "*_ decoder[[]numpy-gradients] _*",
            "FAILED grad_x, grad_w: dx: *",
            "dw: *",
            "equals the mutant: kernel flipped",
            "FAILED mine.deconform.yaml::decoder[[]numpy-value] - FAILED value: y: *",
        ]
    )
    text = result.stdout.str()
    assert "Traceback" not in text
    assert ".py:" not in text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("always_wrong", "FAILED value: y: 33 of 33 elements differ; *"),
        ("wrong_shape", "FAILED shape, value: y has shape (1, 3, 10), expected (1, 3, 11)"),
        ("raises", "ERRORED shape, value: call raised RuntimeError: no such layer"),
        ("crashes_always", "CRASHED shape, value: *SIGSEGV*"),
        ("cannot_import", "ERRORED shape, value: *libfake.so.1*"),
        pytest.param("hangs_always", "TIMEDOUT *no answer within 0.5 s", marks=pytest.mark.slow),
    ],
)
def test_what_is_bad_fails(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, behaviour: str, words: str
) -> None:
    fakes.let_time_pass_for_hangs_alone(monkeypatch, pytester.path / "fake")
    seconds = 0.5 if behaviour == "hangs_always" else 10
    result = run_with(pytester, behaviour, "-k", "decoder", f"--deconform-timeout={seconds}")
    assert outcomes(result)["failed"] == 2
    result.stdout.fnmatch_lines([words])
    assert "Traceback" not in result.stdout.str()


@pytest.mark.slow
def test_what_proves_little_fails(pytester: pytest.Pytester) -> None:
    spec = """\
        suite: mine
        cases:
          - name: ones
            input: [1, 1, 5]
            out_channels: 1
            kernel: 2
            fill: ones
        """
    result = run_with(pytester, "correct", spec=spec)
    assert outcomes(result) == {"failed": 1, "passed": 1}
    result.stdout.fnmatch_lines(["MISTRUSTED value: with this data the mutant *"])


@pytest.mark.slow
def test_one_lost_process_costs_one_test(pytester: pytest.Pytester) -> None:
    assert outcomes(run_with(pytester, "crashes_at_first")) == {"failed": 1, "passed": 3}


def test_a_known_failure_is_expected_with_its_link(pytester: pytest.Pytester) -> None:
    result = run_with(pytester, "always_wrong", known(pytester, "mine/*"), "-rx")
    assert outcomes(result) == {"xfailed": 4}
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        ["XFAIL mine.deconform.yaml::decoder*value] - https://example.org/1 It is wrong. [[]y: *"]
    )


@pytest.mark.slow
def test_a_known_failure_excuses_no_other(pytester: pytest.Pytester) -> None:
    result = run_with(pytester, "crashes_always", known(pytester, "mine/decoder"), "-k", "decoder")
    assert outcomes(result) == {"failed": 2, "deselected": 2}


def test_a_known_failure_that_passes_fails(pytester: pytest.Pytester) -> None:
    result = run_with(pytester, "correct", known(pytester, "mine/decoder"))
    assert outcomes(result) == {"failed": 2, "passed": 2}
    result.stdout.fnmatch_lines(
        ["[[]XPASS(strict)] limitation 'wrong-here' (known.yaml:2) does not reproduce here*"]
    )


@pytest.mark.slow
def test_one_that_depends_on_the_machine_may_pass(pytester: pytest.Pytester) -> None:
    given = known(pytester, "mine/*", "    depends_on: a processor\n")
    assert outcomes(run_with(pytester, "correct", given)) == {"passed": 4}


@pytest.mark.slow
def test_a_known_failure_of_no_case_is_an_error(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(pytester, "packaged/mine.yaml", SPEC)
    monkeypatch.setattr("harness.plugin.collection.specs_root", lambda: pytester.path / "packaged")
    monkeypatch.setattr(
        "harness.plugin.choice.load_limitations",
        lambda path=None: load_limitations(path) if path else (),
    )
    result = run(pytester, known(pytester, "no/such/*"))
    assert outcomes(result) == {"errors": 1}
    result.stdout.fnmatch_lines(["known.yaml:2: limitation 'wrong-here' matches no case"])


def test_what_is_not_there_is_skipped_with_the_reason(pytester: pytest.Pytester) -> None:
    write(pytester, "mine.deconform.yaml", SPEC)
    python = "--deconform-python=mxnet=/no/such/python"
    result = run(pytester, "mine.deconform.yaml", "-rs", python, frameworks="mxnet")
    assert outcomes(result) == {"skipped": 4}
    result.stdout.fnmatch_lines(["SKIPPED [[]4] *: */no/such/python*"])


def test_an_implementation_is_a_column(pytester: pytest.Pytester) -> None:
    """What it does not claim is skipped, what it claims and refuses fails."""
    write(pytester, "mine.deconform.yaml", SPEC)
    write(pytester, "mine/mine.yaml", "name: mine\npython: kernels:conv\nclaims: {axes: [1]}\n")
    write(
        pytester,
        "mine/kernels.py",
        """\
        def conv(x, w, b, **options):
            raise NotImplementedError("not yet")
        """,
    )
    result = run(pytester, "-rs", "mine.deconform.yaml", frameworks="mine/mine.yaml")
    assert outcomes(result) == {"failed": 1, "skipped": 3}
    result.stdout.fnmatch_lines(
        [
            "FAILED shape, value: claimed, and refused: NotImplementedError: not yet",
            "deconform reproduce ic2_oc3_k3_s2_b_n1_i5 -f mine/mine.yaml",
            "SKIPPED *: not claimed: gradients",
            "SKIPPED *: not claimed: axes: 2",
        ]
    )


@pytest.mark.slow
def test_junit_has_the_checks_as_properties(pytester: pytest.Pytester) -> None:
    run_with(pytester, "flips_kernel", "-k", "decoder and value", "--junitxml=out.xml")
    (test,) = ET.parse(pytester.path / "out.xml").iter("testcase")
    properties = {each.get("name"): each.get("value") for each in test.iter("property")}
    assert test.get("name") == "decoder[numpy-value]"
    assert (properties.pop("deconform_value_reason") or "").startswith("y: ")
    assert properties == {
        "deconform_case": "mine/decoder",
        "deconform_framework": "numpy",
        "deconform_descriptor": "ic2_oc3_k3_s2_b_n1_i5",
        "deconform_support": "native",
        "deconform_reproduce": "deconform reproduce ic2_oc3_k3_s2_b_n1_i5 -f numpy",
        "deconform_shape_status": "PASSED",
        "deconform_value_status": "FAILED",
        "deconform_value_diagnosis": "kernel flipped",
    }


@pytest.mark.slow
@pytest.mark.parametrize("dist", ["load", "loadgroup"])
def test_two_processes_give_what_one_gives(pytester: pytest.Pytester, dist: str) -> None:
    serial = run_with(pytester, "flips_kernel", "--junitxml=one.xml")
    both = run_with(pytester, "flips_kernel", "-n2", f"--dist={dist}", "--junitxml=two.xml")
    assert outcomes(serial) == outcomes(both) == {"failed": 4}
    assert results(pytester.path / "one.xml") == results(pytester.path / "two.xml")


def results(path: Path) -> set[tuple[str, ...]]:
    """Return each test's name, outcome and text."""
    return {
        (
            (test.get("name") or "").partition("@")[0],
            *(f"{child.tag} {child.get('message')} {child.text}" for child in test.iter("failure")),
        )
        for test in ET.parse(path).iter("testcase")
    }
