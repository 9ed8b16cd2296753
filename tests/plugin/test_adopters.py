"""The fixture ``deconform_case`` in an adopter's own tests."""

from __future__ import annotations

import pytest
from pytest_runs import STRICT, outcomes, write

from harness.suite.case import CLAIMED_DTYPES
from harness.suite.specs import load_cases

FEW = "--deconform-select=models/unet/"
LEGAL = sum(1 for case in load_cases(select="models/unet/") if not case.rejected)


def run(pytester: pytest.Pytester, text: str, *args: str) -> pytest.RunResult:
    """Run tests that ask for the fixture, which does not take --deconform."""
    write(pytester, "test_mine.py", text)
    return pytester.runpytest_inprocess(*STRICT, *args)


def test_a_test_runs_with_every_selected_case(pytester: pytest.Pytester) -> None:
    text = """
        import impl

        def test_mine(deconform_case):
            deconform_case.check(impl.conv_transpose(**deconform_case.arguments))

        def test_other():
            pass
        """
    result = run(pytester, text, FEW, "-v")
    assert outcomes(result) == {"passed": LEGAL + 1}
    result.stdout.fnmatch_lines(["test_mine.py::test_mine[[]models/unet/up-52-to-104] PASSED *"])


def test_without_a_choice_every_legal_case_is_run(pytester: pytest.Pytester) -> None:
    result = run(pytester, "def test_mine(deconform_case): pass", "--collect-only", "-q")
    ids = [line for line in result.outlines if "::" in line]
    given = [case for case in load_cases() if case.dtype in CLAIMED_DTYPES]
    legal = [case.id for case in given if not case.rejected]
    assert ids == [f"test_mine.py::test_mine[{case_id}]" for case_id in legal]


def test_bfloat16_is_given_where_it_is_asked_for_by_name(pytester: pytest.Pytester) -> None:
    pytest.importorskip("ml_dtypes")
    text = """
        import impl
        import pytest

        @pytest.mark.deconform(select=["grid/bfloat16/to-nearest", "grid/*16/three-axes/c0-g1"])
        def test_mine(deconform_case):
            deconform_case.check(impl.conv_transpose(**deconform_case.arguments))
        """
    result = run(pytester, text, "-v")
    assert outcomes(result) == {"passed": 2}
    names = [line.split()[0] for line in result.outlines if "::test_mine[" in line]
    assert names == [
        "test_mine.py::test_mine[grid/bfloat16/to-nearest]",
        "test_mine.py::test_mine[grid/float16/three-axes/c0-g1]",
    ]
    text = (
        "def test_mine(deconform_case): assert str(deconform_case.arguments['x'].dtype)[0] == 'b'"
    )
    assert outcomes(run(pytester, text, "--deconform-select=grid/bfloat16/same")) == {"passed": 4}


def test_a_wrong_result_fails_in_our_words(pytester: pytest.Pytester) -> None:
    text = """
        import impl
        import pytest

        @pytest.mark.deconform(select="models/dcgan/up-8-to-16")
        def test_mine(deconform_case):
            arguments = deconform_case.arguments
            flipped = arguments["w"][..., ::-1, ::-1]
            deconform_case.check(impl.conv_transpose(**{**arguments, "w": flipped}))
        """
    result = run(pytester, text)
    assert outcomes(result) == {"failed": 1}
    result.stdout.fnmatch_lines(
        [
            "E * AssertionError: y: * elements differ; first y[[]0, 0, 0, 0] is *, expected *",
            "E * equals the mutant: kernel flipped",
        ]
    )
    assert "adopters.py" not in result.stdout.str()


def test_changed_arguments_fail(pytester: pytest.Pytester) -> None:
    text = """
        import impl

        def test_mine(deconform_case):
            got = impl.conv_transpose(**deconform_case.arguments)
            deconform_case.arguments["w"][...] = 0
            deconform_case.check(got)
        """
    result = run(pytester, text, FEW)
    assert outcomes(result) == {"failed": LEGAL}
    result.stdout.fnmatch_lines(["E * AssertionError: changes w"])


def test_gradients_are_checked_where_they_are_promised(pytester: pytest.Pytester) -> None:
    text = """
        import impl
        import pytest

        @pytest.mark.deconform(select=["models/unet/*"], checks="gradients")
        class TestMine:
            def test_right(self, deconform_case):
                gradients = impl.conv_transpose_vjp(**deconform_case.gradient_arguments)
                deconform_case.check(dict(zip(("dx", "dw", "db"), gradients)))

            def test_forgotten(self, deconform_case):
                deconform_case.check(impl.conv_transpose(**deconform_case.arguments))

            def test_one_of_them_wrong(self, deconform_case):
                dx, dw, db = impl.conv_transpose_vjp(**deconform_case.gradient_arguments)
                deconform_case.check({"dx": dx, "dw": dw + 1, "db": db})
        """
    result = run(pytester, text)
    assert outcomes(result) == {"passed": LEGAL, "failed": 2 * LEGAL}
    result.stdout.fnmatch_lines(["E * AssertionError: dx is missing", "E * AssertionError: dw: *"])


def test_the_specs_of_the_configuration_count_too(pytester: pytest.Pytester) -> None:
    write(pytester, "specs/mine.yaml", MINE)
    pytester.makeini("[pytest]\ndeconform_specs = specs")
    text = """
        import pytest

        @pytest.mark.deconform(select="mine/")
        def test_mine(deconform_case):
            assert deconform_case.operator.groups == 1
        """
    assert outcomes(run(pytester, text)) == {"passed": 1}


MINE = """\
suite: mine
cases:
  - {name: legal, input: [1, 2, 5], out_channels: 3, kernel: 3}
  - {name: illegal, input: [1, 2, 5], out_channels: 3, kernel: 3, stride: 0, rejected: true}
"""


@pytest.mark.parametrize(
    ("marker", "words"),
    [
        ("select='nosuch'", "no legal case matches 'nosuch'"),
        ("checks='grad'", "the marker deconform takes no 'grad'"),
        ("selct='edge'", "the marker deconform takes no 'selct'"),
    ],
)
def test_a_marker_that_cannot_be_used_is_an_error(
    pytester: pytest.Pytester, marker: str, words: str
) -> None:
    text = f"""
        import pytest

        @pytest.mark.deconform({marker})
        def test_mine(deconform_case):
            pass
        """
    result = run(pytester, text)
    assert outcomes(result) == {"errors": 1}
    result.stdout.fnmatch_lines([f"{words}*"])
    assert "Traceback" not in result.stdout.str()


@pytest.mark.slow
def test_two_processes_run_the_same_tests(pytester: pytest.Pytester) -> None:
    text = """
        import impl

        def test_mine(deconform_case):
            deconform_case.check(impl.conv_transpose(**deconform_case.arguments))
        """
    assert outcomes(run(pytester, text, FEW, "-n2")) == {"passed": LEGAL}
