"""What the guard notes of an implementation, in a worker of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

import dishonest
import numpy as np
import pytest
from examples import slow

from harness.core.program import Section
from harness.engines.job import Arrays, Held, Job, Outcome, Raised, Timing
from harness.engines.lent_memory import LEAST
from harness.engines.process import Engine

ROOT = Path(__file__).parent.parent.parent
GUARD = ROOT / "harness" / "doors" / "guard.py"
OPTIONS = "stride=(2,), dilation=(1,), crop=((1, 0),), groups=1"
DATA = {
    "x": np.arange(1, 9, dtype="f4").reshape(1, 2, 4),
    "w": np.arange(1, 13, dtype="f4").reshape(2, 2, 3),
    "b": np.array([1, 2], "f4"),
}
RIGHT = dishonest.honest(**DATA, stride=(2,), dilation=(1,), crop=((1, 0),), groups=1)

Call: TypeAlias = Callable[..., Outcome]


def guarded(**packages: Path) -> Engine:
    return Engine(
        [sys.executable],
        next(iter(packages)),
        "",
        timeout=60,
        language=GUARD,
        packages={name: str(path) for name, path in packages.items()},
    )


def call_in(engine: Engine, like: Mapping[str, Any] | None = None) -> Call:
    def call(text: str, setup: str = "import dishonest", **data: Any) -> Outcome:
        text = f"y = dishonest.{text}(x, w, b, {OPTIONS})" if text.isidentifier() else text
        job = Job(
            0, setup, Section("", text, ""), {**DATA, **data}, ("y",), ("value",), like=like or {}
        )
        ((_, outcome),) = engine.run([job])
        return outcome

    return call


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with closing(guarded(dishonest=Path(dishonest.__file__))) as engine:
        engine.start()
        yield engine


@pytest.fixture(scope="module", params=["expected", "unknown"])
def call(engine: Engine, request: pytest.FixtureRequest) -> Call:
    """Call something whose output has the dtype and shape that were expected, or nobody knew."""
    return call_in(engine, {"y": RIGHT} if request.param == "expected" else {})


@pytest.fixture
def alone() -> Iterator[Call]:
    """A worker that need not be fit for anything else afterwards."""
    with closing(guarded(dishonest=Path(dishonest.__file__))) as engine:
        engine.start()
        yield call_in(engine)


def fact(outcome: Outcome) -> str:
    if isinstance(outcome, Arrays):
        return outcome.misbehaviour
    assert isinstance(outcome, Raised), outcome
    assert (outcome.section, outcome.kind) == ("call", "Misbehaviour")
    return outcome.message


def test_what_is_honest_is_not_noticed(call: Call) -> None:
    outcome = call("honest")
    assert isinstance(outcome, Arrays)
    assert np.array_equal(outcome.outputs["y"], RIGHT)
    assert not outcome.misbehaviour
    assert outcome.seconds.keys() == {"setup", "to_native", "call", "from_native"}


@pytest.mark.parametrize(
    ("cheat", "expected"),
    [
        ("beyond", "writes beyond x"),
        ("before", "writes before w"),
        ("changes_x", "changes x"),
        ("changes_w", "changes w"),
        ("changes_b", "changes b"),
    ],
)
def test_writing_to_what_is_not_ones_own(call: Call, cheat: str, expected: str) -> None:
    assert fact(call(cheat)) == expected
    assert isinstance(call("honest"), Arrays)


@pytest.mark.parametrize("size", [1, 3, 4096, 5000, LEAST, LEAST + 1])
@pytest.mark.parametrize("name", ["x", "w", "b"])
def test_the_first_byte_on_either_side_of_every_input(call: Call, name: str, size: int) -> None:
    data = {key: np.ones(size if key == name else 7, "i1") for key in DATA}
    at = f"{name}.__array_interface__['data'][0]"
    write = f"import ctypes; ctypes.memset({at} {{}}, 1, 1); y = 0 * x"
    assert fact(call(write.format(f"+ {size}"), **data)) == f"writes beyond {name}"
    assert fact(call(write.format("- 1"), **data)) == f"writes before {name}"


@pytest.mark.parametrize("name", ["x", "w", "b"])
def test_changing_an_input_that_came_in_memory_of_ours(call: Call, name: str) -> None:
    """The pages that are written to are its own: neither we nor the next job see them."""
    data = {key: np.ones(LEAST, "i1") for key in DATA}
    assert fact(call(f"{name}[5] = 2; y = 0 * x", **data)) == f"changes {name}"
    outcome = call(f"y = {name}[:9] + 0", **data)
    assert isinstance(outcome, Arrays)
    assert outcome.outputs["y"].tolist() == [1] * 9
    assert all(array.min() == array.max() == 1 for array in data.values())


def test_what_a_large_input_keeps_is_compared_where_the_system_tells_nothing(alone: Call) -> None:
    """As where there is no ``/proc``: of its pages, whether they were written to."""
    data = {key: np.ones(LEAST, "i1") for key in DATA}
    text = "import sys, pathlib; sys._getframe(1).f_globals['_PAGEMAP'] = pathlib.Path('/none')"
    assert fact(alone(f"{text}; y = 0 * x", **data)) == ""
    assert fact(alone("w[5] = 2; y = 0 * x", **data)) == "changes w"


def test_an_input_that_is_written_to_and_is_as_before_is_not_changed(call: Call) -> None:
    data = {key: np.ones(LEAST, "i1") for key in DATA}
    assert fact(call("x[5] = 1; x[-1] += 1; x[-1] -= 1; y = 0 * x", **data)) == ""


def test_memory_that_is_shared_with_an_input(call: Call) -> None:
    assert fact(call("y = x[:, :, ::2]")) == "returns a view of x"
    assert fact(call("y = memoryview(w)")) == "returns a view of w"
    assert fact(call("x += 1; y = x")) == "changes x and returns a view of x"
    assert isinstance(call("y = x[:0]"), Arrays)


@pytest.mark.parametrize(
    ("text", "dtype"),
    [
        ("y = [[1, 2], [3, 4]]", "float32"),
        ("import array; y = array.array('d', [1, 2])", "float64"),
        ("import ctypes; y = (ctypes.c_int * 2)(1, 2)", "int32"),
        ("y = x.astype('>f4')", "float32"),
        ("import numpy as np; y = np.ma.masked_array(x.copy())", "float32"),
        ("import numpy as np; y = np.float16(3)", "float16"),
        ("y = 2.5", "float64"),
        ("class Y: __array__ = lambda self, dtype=None, copy=None: x * 2\ny = Y()", "float32"),
        (
            "z = x * 2\nclass Y:\n    __dlpack__ = lambda self, **_: z.__dlpack__()\n"
            "    __dlpack_device__ = lambda self: z.__dlpack_device__()\ny = Y()",
            "float32",
        ),
    ],
)
def test_whatever_numpy_can_read_is_read(call: Call, text: str, dtype: str) -> None:
    outcome = call(text)
    assert isinstance(outcome, Arrays), outcome
    assert outcome.outputs["y"].dtype == dtype


@pytest.mark.parametrize(
    ("text", "after"),
    [("y = Y(x)", "y = y[:, :, 1:]"), ("y = [Y(x), Y(x)]", "y = y[0][:, :, 1:] * (len(y) / 2)")],
)
def test_lines_after_the_call_work_on_what_was_read(engine: Engine, text: str, after: str) -> None:
    """Of one call or of several, whose arrays only DLPack can read."""
    setup = (
        "class Y:\n    def __init__(self, x): self.own, self.shape = x * 2, x.shape\n"
        "    def __dlpack__(self, **_): return self.own.__dlpack__()\n"
        "    def __dlpack_device__(self): return self.own.__dlpack_device__()"
    )
    job = Job(0, setup, Section("", text, after), DATA, ("y",), ("value",))
    ((_, outcome),) = engine.run([job])
    assert isinstance(outcome, Arrays), outcome
    assert np.array_equal(outcome.outputs["y"], DATA["x"][:, :, 1:] * 2)


def test_an_array_api_without_any_other_protocol_is_read(call: Call) -> None:
    text = """
import numpy
class Names:
    float32 = "float32"
    def reshape(self, value, shape): return Y(value.own.reshape(shape))
class Y:
    dtype = "float32"
    def __init__(self, own): self.own, self.shape = own, own.shape
    def __array_namespace__(self): return Names()
    def __getitem__(self, index): return self.own[index]
y = Y(x * 2)"""
    outcome = call(text)
    assert isinstance(outcome, Arrays), outcome
    assert np.array_equal(outcome.outputs["y"], DATA["x"] * 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("y = None", "returns NoneType as y, no array of numbers"),
        ("y = x * 2, w * 2", "returns tuple as y, no array of numbers"),
        ("y = 'y'", "returns str as y, no array of numbers"),
        ("y = object()", "returns object as y, no array of numbers"),
        (
            "y = x.astype('c8')",
            "returns numpy.ndarray as y, no array of numbers: its elements are complex64",
        ),
        (
            "y = x > 0",
            "returns numpy.ndarray as y, no array of numbers: its elements are bool",
        ),
    ],
)
def test_what_is_no_array_is_named_in_one_sentence(call: Call, text: str, expected: str) -> None:
    assert fact(call(text)) == expected


def test_a_ragged_list_is_no_array(call: Call) -> None:
    assert fact(call("y = [[1], [2, 3]]")).startswith("returns list as y, no array of numbers: ")


def test_an_exception_is_the_implementations_own(call: Call) -> None:
    outcome = call("raise KeyError('dilation')")
    assert isinstance(outcome, Raised)
    assert (outcome.section, outcome.kind, outcome.message) == ("call", "KeyError", "'dilation'")


def test_memory_that_nobody_wrote_is_all_ones(call: Call) -> None:
    call("honest")
    outcome = call("uninitialised")
    assert isinstance(outcome, Arrays)
    assert np.all(outcome.outputs["y"].view("u4") == 2**32 - 1)


@pytest.mark.parametrize(
    "text",
    [
        "import impl; y = impl.conv_transpose(x, w)",
        "import sys; import impl.reference as r; y = r.conv_transpose(x, w)\n"
        "for name in [n for n in sys.modules if n.startswith('impl')]: del sys.modules[name]",
    ],
)
def test_the_reference_inside(alone: Call, text: str) -> None:
    found = f"import sys; sys.path.insert(0, {str(ROOT)!r})"
    assert fact(alone(text, found)) == "calls the reference inside: impl"
    assert fact(alone("honest")) == "calls the reference inside: impl"


def test_the_reference_read_as_text(alone: Call) -> None:
    suite = next((ROOT / "specs").rglob("*.yaml"))
    assert fact(alone(f"open({str(suite)!r}).close(); y = x * 2")).startswith("reads specs/")


def test_the_memory_of_another_process(alone: Call) -> None:
    opened = "open('/proc/%d/mem' % os.getppid()).close()"
    text = f"import os\ntry: {opened}\nexcept OSError: pass\ny = x * 2"
    assert fact(alone(text)) == "reads the memory of another process"


def test_the_doors_own_target_may_be_ours() -> None:
    with closing(guarded(impl=ROOT / "impl" / "__init__.py")) as engine:
        engine.start()
        outcome = call_in(engine)(f"y = impl.conv_transpose(x, w, b, {OPTIONS})", "import impl")
        assert isinstance(outcome, Arrays), outcome
        assert np.array_equal(outcome.outputs["y"], RIGHT)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import time; time.perf_counter = lambda: 0.0", "patches the clock: time.perf_counter"),
        slow(
            "import timeit; timeit.default_timer = float", "patches the clock: timeit.default_timer"
        ),
        slow(
            "import timeit; timeit.Timer.timeit = lambda *_: 1e-9",
            "patches the clock: Timer.timeit",
        ),
        slow("import sys; sys.modules['time'] = sys", "patches the clock: time"),
        (
            "import sys; sys.modules['__main__'].take_time = None",
            "replaces deconform's own take_time",
        ),
    ],
)
def test_the_clock(alone: Call, text: str, expected: str) -> None:
    assert fact(alone(f"{text}; y = x * 2")) == expected


def test_what_is_replaced_in_numpy_hides_nothing(alone: Call) -> None:
    names = ("flatnonzero", "may_share_memory", "allclose", "any", "asarray", "copyto")
    text = "".join(f"np.{name} = lambda *a, **k: np.zeros(0, int)\n" for name in names)
    expected = "changes w and returns a view of x"
    assert fact(alone(f"import numpy as np\n{text}w += 1; y = x")) == expected


def test_a_timed_program_is_watched_too(engine: Engine) -> None:
    def hold(text: str) -> Any:
        held = Held("forward", [("setup", "import dishonest\nseen = []")], text, DATA)
        return engine.hold(held)

    assert not isinstance(hold(f"y = dishonest.honest(x, w, b, {OPTIONS})"), Raised)
    assert isinstance(engine.time("forward", 3), Timing)
    assert fact(hold("w[...] += 1")) == "changes w"
    assert fact(hold("y = None")) == "returns NoneType as y, no array of numbers"
    # Between turns the data changes, so that an answer is not that of the turn before.
    hold(
        "if float(x.sum()) not in seen: seen.append(float(x.sum()))\nif len(seen) > 2: w[...] += 1"
    )
    assert [isinstance(engine.time("forward", 2), Timing) for _ in range(3)] == [True, False, False]


def test_no_bytecode_is_written_among_the_sources(call: Call) -> None:
    """It would be taken for current after an edit in the same second, too."""
    outcome = call("y = 0 * x if __import__('sys').dont_write_bytecode else x")
    assert isinstance(outcome, Arrays)
    assert not outcome.misbehaviour  # No view of x
