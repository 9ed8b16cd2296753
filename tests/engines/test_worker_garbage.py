"""What a worker's garbage collections leave alone, and what they do not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest

from harness.core.program import Section
from harness.engines.job import Arrays, Job
from harness.engines.process import Engine

SETUP = """
import gc, json, sys, types, weakref
import numpy as np
class Own:
    def __init__(self, y): self.own, self.y = self, y
seen = json.__dict__.setdefault("seen", [])
"""
# Arrays in circles, from which nothing but a collection removes them
LEAVE = "own = Own(x + 1); seen.append(weakref.ref(own)); del own"
COUNT = f"{LEAVE}; y = np.array([sum(each() is not None for each in seen)])"
IMPORT = "sys.modules.update(('late%d' % n, types.ModuleType('late')) for n in range({count}))"


@pytest.fixture
def engine() -> Iterator[Engine]:
    with closing(Engine([sys.executable], "json", timeout=60)) as engine:
        engine.start()
        yield engine


def results(engine: Engine, *texts: str, elements: int = 1) -> list[int]:
    x = np.ones(elements, "i1")
    jobs = [Job(0, SETUP, Section("", text, ""), {"x": x}, ("y",), ()) for text in texts]
    outcomes = [outcome for _, outcome in engine.run(jobs)]
    assert all(isinstance(outcome, Arrays) for outcome in outcomes), outcomes
    return [int(each.outputs["y"][0]) for each in outcomes if isinstance(each, Arrays)]


def test_large_arrays_that_circles_hold_are_freed_soon(engine: Engine) -> None:
    alive = results(engine, *[COUNT] * 12, elements=1 << 24)
    assert max(alive) <= 5
    assert alive[0] == 1


def test_small_ones_are_not_looked_for_after_each_call(engine: Engine) -> None:
    assert results(engine, *[COUNT] * 12) == [*range(1, 13)]


@pytest.mark.parametrize(("count", "is_kept"), [(10, False), (60, True)])
def test_modules_that_a_call_imports_are_kept_out_of_collections(
    engine: Engine, count: int, is_kept: bool
) -> None:
    frozen = "y = np.array([gc.get_freeze_count()])"
    imports = f"{IMPORT.format(count=count)}; y = x"
    before, _, after = results(engine, frozen, imports, frozen)
    assert (after > before + count) == is_kept
    assert before > 1000
