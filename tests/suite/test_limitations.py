"""Declared limitations are read as written; a wrong one is refused at its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from suites import LIMITATIONS, limitations

from harness.suite.limitations import Limitation, load_limitations
from harness.suite.yaml_fields import SpecError

pytestmark = pytest.mark.usefixtures("in_an_empty_folder")


def test_limitations_are_read() -> None:
    first, second = limitations(LIMITATIONS)
    assert first == Limitation(
        id="first",
        framework="mxnet",
        cases=("edge/*", "rejects/groups/zero-1d"),
        checks=("shape", "value"),
        status="CRASHED",
        reason="It dies.",
        upstream="https://example.org/1",
        depends_on="a processor",
        file="limitations.yaml",
        line=2,
    )
    assert (second.cases, second.checks, second.status) == (("grid/one",), (), "FAILED")
    assert (second.upstream, second.depends_on, second.line) == ("", "", 10)


@pytest.mark.parametrize(
    ("line", "device"), [("", "any"), ("device: cpu", "cpu"), ("device: cuda", "cuda")]
)
def test_a_limitation_names_its_device(line: str, device: str) -> None:
    first, second = limitations(LIMITATIONS + f"    {line}\n")
    assert (first.device, second.device) == ("any", device)


def test_a_missing_file_of_limitations_means_none() -> None:
    assert load_limitations(Path("no-such.yaml")) == ()


@pytest.mark.parametrize(
    ("case_id", "framework", "check", "concerned"),
    [
        ("edge/sizes/batch-0", "mxnet", "shape", True),
        ("edge/sizes/batch-0", "mxnet", "grad_x", False),
        ("edge/sizes/batch-0", "chainer", "shape", False),
        ("rejects/groups/zero-1d", "mxnet", "value", True),
        ("rejects/groups/zero-2d", "mxnet", "value", False),
        ("more/edge/x", "mxnet", "value", False),
        ("EDGE/x", "mxnet", "value", False),
    ],
)
def test_a_limitation_concerns_its_framework_cases_and_checks(
    case_id: str, framework: str, check: str, *, concerned: bool
) -> None:
    first, _ = limitations(LIMITATIONS)
    assert first.concerns(case_id, framework, check) is concerned


def test_a_limitation_without_checks_concerns_all() -> None:
    _, second = limitations(LIMITATIONS)
    assert all(second.concerns("grid/one", "chainer", check) for check in ("shape", "refusal"))
    assert not second.concerns("grid/one/more", "chainer", "shape")


WRONG_LIMITATIONS: dict[str, tuple[str, str, str]] = {
    "unknown key": (
        *("    status: CRASHED", "    statuss: CRASHED"),
        "limitations.yaml:6: unknown key 'statuss'. Did you mean 'status'? Known: cases, checks,",
    ),
    "status unknown": (
        *("CRASHED", "BROKEN"),
        "limitations.yaml:6: status 'BROKEN' must be one of FAILED, ERRORED, CRASHED, TIMEDOUT.",
    ),
    "device unknown": (
        *("    status: CRASHED", "    device: gpu"),
        "limitations.yaml:6: device 'gpu' must be one of any, cpu, cuda.",
    ),
    "framework mistyped": (
        *("framework: mxnet", "framework: mxnt"),
        "limitations.yaml:3: unknown framework 'mxnt'. Did you mean 'mxnet'? Known: numpy, chainer",
    ),
    "framework of nobody": (
        *("framework: chainer", "framework: theano"),
        "limitations.yaml:11: unknown framework 'theano'. Known: numpy, chainer",
    ),
    "framework's key mistyped": (
        *("framework: chainer", "framwork: chainer"),
        "limitations.yaml:11: 'framework' is missing. Did you mean 'framework' by 'framwork'?",
    ),
    "no reason": ("    reason: It dies.\n", "", "limitations.yaml:2: 'reason' is missing."),
    "cases of numbers": (
        *("cases: grid/one", "cases: [3]"),
        "limitations.yaml:12: 'cases' must be text or a list of texts, found [3].",
    ),
    "checks a number": (
        *("[shape, value]", "3"),
        "limitations.yaml:5: 'checks' must be text or a list of texts, found 3.",
    ),
    "framework a list": (
        *("framework: mxnet", "framework: [mxnet]"),
        "limitations.yaml:3: 'framework' must be text, found ['mxnet'].",
    ),
    "an alias": (
        *("cases: grid/one", "cases: *first"),
        "limitations.yaml:12: alias *first is not allowed; write it out.",
    ),
    "no list": (
        *(LIMITATIONS, "limitations: {}"),
        "limitations.yaml:1: 'limitations' must be a list, found a mapping.",
    ),
    "another list": (
        *("limitations:", "note: n\nlimitation:"),
        "limitations.yaml:3: 'limitations' is missing. Did you mean 'limitations' by 'limitation'?",
    ),
    "another key": (
        *("limitations:", "note: n\nlimitations:"),
        "limitations.yaml:1: unknown key 'note'. Known: limitations.",
    ),
    "empty": (LIMITATIONS, "", "limitations.yaml:1: the file is empty."),
}


@pytest.mark.parametrize(
    ("old", "new", "message"), WRONG_LIMITATIONS.values(), ids=WRONG_LIMITATIONS
)
def test_a_wrong_limitation_is_refused_at_its_line(old: str, new: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        limitations(LIMITATIONS.replace(old, new, 1))
    assert str(caught.value).startswith(message)
