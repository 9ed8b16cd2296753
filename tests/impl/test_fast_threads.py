"""The threads of impl.fast: the same numbers, whichever thread computes them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import numpy as np
import pytest
from calls import Outputs, assert_same, outputs
from examples import slow
from strategies import keywords

from harness.suite.case import case_from_descriptor
from impl import fast, reference, threads
from impl.threads import deal, scratch, thread_count


@pytest.fixture
def three_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with ThreadPoolExecutor(2) as pool:
        monkeypatch.setattr(threads, "thread_count", lambda: 3)
        monkeypatch.setattr(threads, "_pool", lambda: pool)
        yield


@pytest.mark.parametrize("several", [True, False])
@pytest.mark.parametrize("count", [0, 1, 2, 100])
@pytest.mark.usefixtures("three_threads")
def test_every_part_is_done_once(count: int, several: bool) -> None:
    done: list[int] = []
    deal(done.append, range(count), several=several)
    assert sorted(done) == list(range(count))


@pytest.mark.parametrize("wrong", [0, 50, 99])
@pytest.mark.usefixtures("three_threads")
def test_an_error_of_any_part_is_raised(wrong: int) -> None:
    def work(part: int) -> None:
        if part == wrong:
            raise LookupError(part)

    with pytest.raises(LookupError, match=str(wrong)):
        deal(work, range(100), several=True)


@pytest.mark.usefixtures("three_threads")
def test_parts_run_under_the_callers_error_state() -> None:
    states: list[object] = []
    with np.errstate(over="raise", invalid="ignore"):
        expected = np.geterr()
        deal(lambda _: states.append(np.geterr()), range(100), several=True)
    assert states == [expected] * 100


def test_scratch_is_kept_and_grows() -> None:
    kind, dtype = "of this test", np.dtype(np.float32)
    first = scratch(kind, (2, 3), dtype)
    assert np.shares_memory(first, scratch(kind, (3, 2), dtype))
    assert not np.shares_memory(first, scratch(f"{kind}, another", (2, 3), dtype))
    assert scratch(kind, (1000, 1000), dtype).shape == (1000, 1000)
    filled = scratch(kind, (5,), dtype)
    filled[...] = 7
    assert not scratch(kind, (5,), dtype, zeros=True).any()


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"OPENBLAS_NUM_THREADS": "3", "OMP_NUM_THREADS": "2"}, 3),
        ({"OMP_NUM_THREADS": "2,4"}, 2),
        ({"OMP_NUM_THREADS": "1000"}, 8),
        ({"OPENBLAS_NUM_THREADS": "some", "OMP_NUM_THREADS": "1"}, 1),
    ],
)
def test_there_are_as_many_threads_as_blas_has(
    variables: dict[str, str], expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert thread_count.__wrapped__() == expected


DESCRIPTORS = [
    "ic24_oc24_k4x4_s2x2_c1.1x1.1_g24_b_n1_i40x40",
    "ic6_oc6_k3x3_s1x1_g3_n3_i33x35",
    "ic20_oc40_k8_s4_c2.2_g10_b_n2_i500",
]


def results(descriptor: str, module: ModuleType = fast) -> Outputs:
    case = case_from_descriptor(descriptor)
    return outputs(module, case.data(), keywords(case.operator))


@pytest.mark.parametrize("block", [slow(fast.BLOCK), 4096])
@pytest.mark.usefixtures("three_threads")
@pytest.mark.slow
def test_concurrent_calls_do_not_interfere(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast, "BLOCK", block)
    expected = {descriptor: results(descriptor, reference) for descriptor in DESCRIPTORS}
    calls = DESCRIPTORS * 6
    with ThreadPoolExecutor(4) as callers:
        for descriptor, got in zip(calls, callers.map(results, calls), strict=True):
            assert_same(got, expected[descriptor])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="No fork on this system.")
def test_a_forked_child_starts_its_own_threads() -> None:
    code = (
        "import os\n"
        "from impl.threads import deal\n"
        "deal(print, range(50), several=True)\n"
        "child = os.fork()\n"
        "done = []\n"
        "deal(done.append, range(50), several=True)\n"
        "assert sorted(done) == list(range(50))\n"
        "if not child: os._exit(0)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "3"}
    command = [sys.executable, "-W", "ignore", "-c", code]
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)


def test_no_thread_starts_before_it_is_needed() -> None:
    code = (
        "import sys, threading, numpy, impl\n"
        "impl.conv_transpose(numpy.ones((1, 2, 3)), numpy.ones((2, 1, 3)), stride=2)\n"
        "assert threading.active_count() == 1\n"
        "assert 'concurrent.futures.thread' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
