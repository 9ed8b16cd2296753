"""Hold a program against the protocol of workers, one message after another.

Whatever the program does, each check ends in one finding: what was sent, what came, and what was
expected.  A check that goes wrong costs its process; the next one begins with a new process.
"""

from __future__ import annotations

import json
import math
import os
import textwrap
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.conformance.judge import any_bits, apart
from harness.core.program import Unsupported
from harness.doors.implementation import Claims, Implementation
from harness.doors.rendering import convention_of
from harness.engines import protocol
from harness.engines.channel import Channel, Frame, WorkerEndedError
from harness.engines.executable import executable
from harness.engines.process import thread_counts
from harness.suite.case import Case, case_from_descriptor, lacking_package
from harness.suite.expectations import expect

TIMEOUT: Final = 10.0  # Seconds for each answer
_PATIENCE: Final = 2.0  # Seconds for a late answer
_MOST_TIMEOUTS: Final = 2  # After so many nothing more is tried
_MOST_SHOWN, _MOST_CAME = 300, 500  # Characters of a request, and of what came

Arrays: TypeAlias = Mapping[str, npt.NDArray[Any]]


class Mark(StrEnum):
    """What a finding is."""

    OK = "ok"
    REFUSED = "refused"  # The program says that it does not do this, which is its right
    WRONG = "WRONG"


@dataclass(frozen=True)
class Finding:
    """One thing that was asked of the program: what was sent, what came, what was expected."""

    mark: Mark
    subject: str
    came: str
    sent: str = ""
    expected: str = ""


class _WrongError(Exception):
    """An answer that is a frame, and not the one that was asked for."""


class _RefusedError(Exception):
    """The program does not do this, or the implementation's file does not claim it."""


class _Talk:
    """Requests to the program and its answers, and what was last sent and expected."""

    def __init__(self, implementation: Implementation, timeout: float) -> None:
        self.implementation = implementation
        self.timeout = timeout
        self.sent, self.expected = "", ""
        self.has_computed = False
        self._convention = convention_of(implementation)
        self._environ = {**os.environ, **thread_counts(1)}
        self._channel: Channel | None = None

    @property
    def channel(self) -> Channel:
        """The process, which is started where there is none, but not spoken to."""
        if self._channel is None:
            first, *others = self.implementation.target
            folder = self.implementation.folder
            file = executable(first, folder, self._environ)
            self._channel = Channel([file, *others], self._environ, folder=folder)
        return self._channel

    @property
    def is_running(self) -> bool:
        """Whether a process is there."""
        return self._channel is not None

    def close(self) -> None:
        """End the process."""
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()

    def answers_late(self) -> bool:
        """Whether a program that has not answered does so when its input ends."""
        _, rest = self.channel.finish(min(self.timeout, _PATIENCE))
        return bool(rest)

    def send(self, message: Mapping[str, Any], arrays: Arrays | None = None) -> None:
        """Send a request."""
        arrays = arrays or {}
        line = json.dumps(message)
        shown = line if len(line) <= _MOST_SHOWN else f"{line[:_MOST_SHOWN]}..."
        listed = ", ".join(f"{name} {each.shape} {each.dtype}" for name, each in arrays.items())
        self.sent = f"{shown} with {listed}" if listed else shown
        self.channel.send(message, arrays)

    def receive(self) -> Frame:
        """Wait for the next answer."""
        return self.channel.receive(self.timeout, 2**27)

    def ask(
        self, message: Mapping[str, Any], arrays: Arrays | None = None, *, is_right: bool = True
    ) -> Frame:
        """Send a request and return the answer, which must be the right one if ``is_right``."""
        wanted, *others = protocol.answers_to(message["op"])
        self.expected = wanted if is_right and others else " or ".join(protocol.ANY_TIME)
        self.send(message, arrays)
        answer, outputs = self.receive()
        if is_right and answer["op"] == "refused":
            raise _RefusedError(answer["message"])
        if is_right and answer["op"] != wanted:
            raise _WrongError(_words(answer))
        return answer, outputs

    def start(self) -> str:
        """Send ``start``; return what the program says of itself."""
        answer, _ = self.ask(
            {"op": "start", "protocol": protocol.VERSION, "device": "cpu", "threads": 1}
        )
        about = [answer["version"], answer.get("engine"), answer.get("compiler")]
        return "version " + ", ".join(each for each in about if each)

    def request(self, case: Case, direction: str) -> tuple[dict[str, Any], Arrays, Arrays]:
        """Write a case as a request; return it, its arrays, and the arrays that it must give."""
        for check in case.checks:
            claims = self.implementation.claims
            lacking = claims.lacks(case, check) if check.direction == direction else None
            if lacking and not case.rejected:
                raise _RefusedError(f"not claimed: {lacking}")
        program = self._convention.write(
            case.operator, case.dtype, documented=case.documented, named=case.named
        )
        if isinstance(program, Unsupported):
            raise _RefusedError(program.reason)
        if lacking := lacking_package(case.dtype):
            raise _RefusedError(lacking)
        expected = expect(case, fast=True)
        names = ("y",) if direction == "forward" else ("dx", "dw", "db")
        wanted = {name: expected.outputs[name] for name in names if name in expected.outputs}
        given = {n: a for n, a in expected.data.items() if n != "dy" or direction == "gradient"}
        message = {
            "op": "run",
            "direction": direction,
            "arguments": program.arguments,
            "outputs": list(wanted),
        }
        return message, given, wanted

    def compute(self, case: Case, direction: str = "forward", **extra: Any) -> str:
        """Ask for a case and judge what comes."""
        message, given, wanted = self.request(case, direction)
        self.send({**message, **extra}, given)
        return self.judge(wanted)

    def judge(self, wanted: Arrays) -> str:
        """Wait for a result, and hold it against the one that is right."""
        self.expected = f"result with {_listed(wanted)}"
        answer, outputs = self.receive()
        if answer["op"] == "refused":
            raise _RefusedError(answer["message"])
        if answer["op"] == "raised":
            raise _WrongError(_words(answer))
        for name, want in wanted.items():
            if name not in outputs:
                raise _WrongError(f"result without {name}")
            if reason := _difference(name, outputs[name], want):
                raise _WrongError(reason)
        self.has_computed = True
        return _listed(wanted)


def _words(answer: Mapping[str, Any]) -> str:
    kind = f"{answer['type']}: " if "type" in answer else ""
    return f"{answer['op']}: {kind}{answer['message']}" if "message" in answer else answer["op"]


def _listed(arrays: Arrays) -> str:
    return ", ".join(f"{name} {each.shape} {each.dtype}" for name, each in arrays.items())


@any_bits()
def _difference(name: str, got: npt.NDArray[Any], want: npt.NDArray[Any]) -> str | None:
    """Say how an array differs from the right one, and what may be the cause."""
    if got.shape != want.shape:
        return f"{name} has shape {got.shape}"
    if got.dtype != want.dtype:
        return f"{name} is {got.dtype}"
    if np.array_equal(got, want):
        return None
    if np.array_equal(got.byteswap(), want):
        return f"{name} is big-endian: bytes go out with the lowest first"
    if np.array_equal(got.ravel().reshape(want.shape, order="F"), want):
        return f"{name} is in Fortran's order: the last axis must vary fastest"
    at = tuple(int(i) for i in np.argwhere(got != want)[0])
    count = int(np.count_nonzero(got != want))
    where = ", ".join(map(str, at))
    values = f"{name}[{where}] is {apart(got[at], want[at])}"
    return f"{name} has {count} wrong elements of {want.size}; first {values}"


_WORDS: Final = {"float16": "_f16", "bfloat16": "_bf16", "float32": "", "float64": "_f64"}


@dataclass(frozen=True)
class _Ask:
    """A small case of what is claimed, but for what this says."""

    words: str = ""  # Of a descriptor
    crop: str = ""  # At both ends of each axis
    in_size: tuple[int, int] = (4, 4)
    batch: int = 1
    axes: int = 0
    has_bias: bool = True
    dtype: str = ""

    def case(self, claims: Claims) -> Case:
        """Make the case."""
        axes = self.axes or (2 if 2 in claims.axes else claims.axes[0])
        claimed = "float32" if "float32" in claims.dtypes else claims.dtypes[0]
        words = self.words + ("_c" + "x".join([self.crop] * axes) if self.crop else "")
        sizes = [math.prod(self.in_size)] if axes == 1 else [3, *self.in_size][-axes:]
        size = "x".join(map(str, sizes))
        bias = "_b" if self.has_bias and claims.bias else ""
        kernel = "x".join(["2"] * axes)
        dtype = _WORDS[self.dtype or claimed]
        return case_from_descriptor(f"ic4_oc6_k{kernel}{words}{bias}_n{self.batch}_i{size}{dtype}")


_FORWARD: Final = {
    "run": _Ask(),
    "run, 1 axis": _Ask("_s2", axes=1),
    "run, 2 axes": _Ask("_s2x1", batch=2, axes=2),
    "run, 3 axes": _Ask("_s1x2x1", axes=3),
    "run, no bias": _Ask(has_bias=False),
    "run, stride and dilation": _Ask("_s2_d3"),
    "run, groups": _Ask("_g2"),
    "run, a crop that adds": _Ask(crop="-1.-2"),
    "run, float64": _Ask(dtype="float64"),
    "run, float16": _Ask(dtype="float16"),
    "run, bfloat16": _Ask(dtype="bfloat16"),
    "run, one element": _Ask(in_size=(1, 1)),
    "run, a batch of 0": _Ask(batch=0),
    "run, an empty output": _Ask(crop="1.4"),
}
_GRADIENT: Final = {
    "run, gradient": _Ask("_s2", batch=2),
    "run, gradient, no bias": _Ask(has_bias=False),
    "run, gradient, groups": _Ask("_g2"),
    "run, gradient, a batch of 0": _Ask(batch=0),
}
_LARGE: Final = _Ask(in_size=(300, 100))  # Arrays of more than any pipe holds


def _run(ask: _Ask, direction: str = "forward", **extra: Any) -> Callable[[_Talk], str]:
    return lambda talk: talk.compute(ask.case(talk.implementation.claims), direction, **extra)


def _unknown_request(talk: _Talk) -> str:
    answer, _ = talk.ask({"op": "later", "what": "a request that is not known yet"}, is_right=False)
    return _words(answer)


def _illegal(talk: _Talk) -> str:
    """Send what no operator can be; the answer is free, but one must come."""
    case = _Ask("_g3").case(talk.implementation.claims)
    message, given, _ = talk.request(case, "forward")
    talk.expected = "refused (result and raised are allowed)"
    talk.send(message, given)
    return _words(talk.receive()[0])


def _several(asks: Sequence[_Ask]) -> Callable[[_Talk], str]:
    """Send several requests before an answer is read."""

    def check(talk: _Talk) -> str:
        cases = [ask.case(talk.implementation.claims) for ask in asks]
        requests = [talk.request(case, "forward") for case in cases]
        for message, given, _ in requests:
            talk.send(message, given)
        wanted = [outputs for *_, outputs in requests]
        refusal = None
        for each in wanted:
            try:
                talk.judge(each)
            except _RefusedError as error:  # The other answers are still to be read.
                refusal = error
        if refusal is not None:
            raise refusal
        return f"{len(wanted)} results in order"

    return check


def _timing(talk: _Talk) -> str:
    message, given, _ = talk.request(_Ask().case(talk.implementation.claims), "forward")
    talk.ask({**message, "op": "hold", "key": "forward"}, given)
    answer, _ = talk.ask({"op": "time", "key": "forward", "calls": 3})
    talk.ask({"op": "drop", "key": "forward"})
    return f"3 calls in {answer['seconds']:g} s"


def _dropped(talk: _Talk) -> str:
    """Ask for what is not held any more: an error, but no end."""
    talk.ask({"op": "drop", "key": "forward"})
    answer, _ = talk.ask({"op": "time", "key": "forward", "calls": 1}, is_right=False)
    if answer["op"] not in protocol.ANY_TIME:
        raise _WrongError(_words(answer))
    return _words(answer)


def _end(talk: _Talk) -> str:
    """Close the program's input."""
    talk.sent = "the end of its input"
    talk.expected = "an end with exit status 0, and nothing more on its output"
    status, rest = talk.channel.finish(talk.timeout)
    talk.close()
    if rest:
        raise _WrongError(f"{len(rest)} more bytes: {rest[:60]!r}")
    if status is None:
        raise _WrongError(f"it still ran after {talk.timeout:g} s")
    if status:
        raise _WrongError(f"exit status {status}")
    return "it ended"


def _end_at_once(talk: _Talk) -> str:
    talk.close()
    return _end(talk)


_CHECKS: Final[Mapping[str, Callable[[_Talk], str]]] = {
    "start, a second time": _Talk.start,
    **{subject: _run(ask) for subject, ask in _FORWARD.items()},
    "run, a field that is not known": _run(_Ask(), later="a field that is not known yet"),
    "a request that is not known": _unknown_request,
    "run, an illegal configuration": _illegal,
    "run, after that": _run(_Ask()),
    "run, large arrays": _run(_LARGE),
    "4 requests at once": _several([_Ask(in_size=(size, 4)) for size in range(1, 5)]),
    "3 requests at once, large": _several([_LARGE] * 3),
    **{subject: _run(ask, "gradient") for subject, ask in _GRADIENT.items()},
    "hold, time and drop": _timing,
    "time, after drop": _dropped,
    "run, last": _run(_Ask()),
    "the end of its input": _end,
    "the end of its input, before any request": _end_at_once,
}


def check_worker(
    implementation: Implementation, timeout: float = TIMEOUT
) -> Generator[Finding, None, None]:
    """Hold a program against the protocol; yield a finding for each message or group of them.

    Raises
    ------
    EngineUnavailableError
        If there is no such program.
    """
    timeouts = 0
    with closing(_Talk(implementation, timeout)) as talk:
        talk.channel  # noqa: B018 -- a command that cannot be started is no finding
        first = _finding(talk, "start", _Talk.start)
        yield first
        if first.mark != Mark.OK:
            return
        for subject, check in _CHECKS.items():
            if not talk.is_running and not subject.startswith("the end of its input,"):
                again = _finding(talk, "start, in a new process", _Talk.start)
                if again.mark != Mark.OK:
                    yield again
                    return
            finding = _finding(talk, subject, check)
            yield finding
            timeouts += finding.came.startswith("no answer in")
            if timeouts == _MOST_TIMEOUTS:
                yield replace(finding, subject="the rest", sent="", came="not tried any more")
                return
        if not talk.has_computed:
            yield Finding(
                Mark.WRONG, "all", "no configuration was computed", expected="one result at least"
            )


def _finding(talk: _Talk, subject: str, check: Callable[[_Talk], str]) -> Finding:
    """Make one check; end the process where it went wrong, for its pipes may hold the rest."""
    talk.sent, talk.expected = "", ""
    try:
        return Finding(Mark.OK, subject, _short(check(talk)))
    except _RefusedError as refusal:
        mark = Mark.REFUSED if subject != "start" else Mark.WRONG
        return Finding(mark, subject, _short(str(refusal)), talk.sent, talk.expected)
    except (WorkerEndedError, TimeoutError, _WrongError) as error:
        came = f"{error}"
        if isinstance(error, TimeoutError) and talk.answers_late():
            came += (
                ", but one when its input ended: it must flush each answer, and not wait for more"
            )
        talk.close()
        return Finding(Mark.WRONG, subject, _short(came), talk.sent, talk.expected)


def _short(text: str) -> str:
    """Write what a program says in one line."""
    return textwrap.shorten(text, _MOST_CAME, placeholder=" ...")
