"""deconform: say a transposed convolution in every framework, and prove it.

``parse`` reads a framework's call, ``translate`` writes a program, ``load_cases`` reads suites,
``run`` executes them in the real frameworks, ``Report`` reads what a run wrote, and
``assert_conforms`` holds an implementation's outputs against the definition.  What each needs is
imported when it is first used, so that a look-up does not wait for what only a run needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from harness.convention.signature import Style
    from harness.core.operators import Crop, Operator, PerAxis
    from harness.core.program import Program, Unsupported
    from harness.records.record import Record
    from harness.records.report_file import Report
    from harness.suite.case import Case

__all__ = ["Report", "assert_conforms", "load_cases", "parse", "run", "translate"]


def __getattr__(name: str) -> Any:
    if name == "Report":
        from harness.records.report_file import Report  # noqa: PLC0415 -- see the docstring

        return Report
    raise AttributeError(f"module 'harness' has no attribute {name!r}")


def load_cases(
    path: str | Path | None = None, select: str | Sequence[str] | None = None
) -> Iterator[Case]:
    """Read suites of cases; see :func:`harness.suite.specs.load_cases`."""
    from harness.suite.specs import load_cases as load  # noqa: PLC0415

    return load(path, select)


def parse(
    text: str,
    framework: str | None = None,
    input: Sequence[int] | None = None,  # noqa: A002 -- the contract's word
    weight: Sequence[int] | None = None,
) -> Operator:
    """Read a framework's call as an operator.

    Parameters
    ----------
    text : str
        The call as it stands in code; nothing in it is evaluated.
    framework : str, optional
        Whose call it is; recognised where it is ``None``.
    input : sequence of int, optional
        Shape of the input, ``(n, c_in, *size)``, where the text leaves the channels open or asks
        for an output size.
    weight : sequence of int, optional
        Shape of the weights, ``(c_in, c_out // groups, *kernel)``, where the text has none.

    Returns
    -------
    Operator

    Raises
    ------
    SnippetError
        With line and column, what is wrong and what to do about it.

    Examples
    --------
    >>> parse("self.up = nn.ConvTranspose2d(8 * 8, 32, 4, 2, 1),  # to 32x32").descriptor
    'ic64_oc32_k4x4_s2x2_c1.1x1.1_b'
    """
    from harness.lookup.answer import read_text  # noqa: PLC0415

    return read_text(text, framework, input=input, weight=weight).operator


def translate(
    operator_or_case: Operator | Case, framework: str, style: Style = "function"
) -> Program | Unsupported:
    """Write an operator, or a case, as a program of a framework.

    Parameters
    ----------
    operator_or_case : Operator or Case
        A case brings its dtype, for which some frameworks need another text; an operator is
        translated for float32.
    framework : str
        One of ``harness.convention.registry.framework_names()``.
    style : {"function", "layer"}
        What is executed by ``run``, or what people put in a network, where a framework has both.

    Returns
    -------
    Program or Unsupported
        ``.text`` is the whole program; an ``Unsupported`` has the ``.reason``.

    Raises
    ------
    UnknownFrameworkError
        If no convention has that name.

    Examples
    --------
    >>> from harness.core.operators import Operator
    >>> print(translate(Operator.of(4, 6, (3, 3), stride=2, crop=((1, 0), (1, 0))), "pytorch").call)
    y_ = F.conv_transpose2d(x_, w_, b_, stride=2, padding=1, output_padding=1)
    >>> print(translate(Operator.of(4, 6, (3, 3), stride=2, bias=False), "pytorch", "layer").call)
    layer = nn.ConvTranspose2d(4, 6, 3, stride=2, bias=False)
    layer.weight = nn.Parameter(torch.from_numpy(w))
    y_ = layer(x_)
    """
    from harness.convention.registry import render  # noqa: PLC0415
    from harness.core.operators import Operator  # noqa: PLC0415

    if isinstance(operator_or_case, Operator):
        return render(operator_or_case, framework, style=style)
    case = operator_or_case
    return render(
        case.operator,
        framework,
        case.dtype,
        documented=case.documented,
        named=case.named,
        style=style,
    )


def run(cases: Iterable[Case], frameworks: Sequence[str] | None = None) -> Iterator[Record]:
    """Run cases through the real frameworks; yield one record per case, framework and check.

    Parameters
    ----------
    cases : iterable of Case
    frameworks : sequence of str, optional
        Names of frameworks, or files of implementations such as ``"mine.yaml"``.  All frameworks
        where it is ``None``; one whose environment is missing gives SKIPPED records.
    """
    from contextlib import closing  # noqa: PLC0415

    from harness.conformance.pipeline import execute  # noqa: PLC0415
    from harness.convention.registry import framework_names  # noqa: PLC0415
    from harness.doors.implementation import subject_of  # noqa: PLC0415
    from harness.execution.column import Conditions  # noqa: PLC0415
    from harness.records.record import Record  # noqa: PLC0415
    from harness.suite.limitations import load_limitations  # noqa: PLC0415

    conditions = Conditions(limitations=load_limitations())
    subjects = [subject_of(n) for n in (framework_names() if frameworks is None else frameworks)]
    with closing(execute(list(cases), subjects, conditions)) as events:
        yield from (event for event in events if isinstance(event, Record))


def assert_conforms(
    got: Any,
    x: Any,
    w: Any,
    b: Any = None,
    *,
    stride: PerAxis = 1,
    dilation: PerAxis = 1,
    crop: Crop = 0,
    groups: int = 1,
    dy: Any = None,
    accumulate: str | None = None,
) -> None:
    """Hold what an implementation computed against the definition, by the rule of ``run``.

    Integers whose sums are exact must give equal results; on other data the error is bounded by
    the number of terms and the precision (the TOSA rule).  No tolerance is to be chosen.

    Parameters
    ----------
    got : array or mapping of str to array
        ``y``, or any of ``y``, ``dx``, ``dw`` and ``db`` by name.
    x, w, b : array
        What it was computed from: ``(n, c_in, *in_size)``, ``(c_in, c_out // groups, *kernel)``
        and ``(c_out,)``.  Arrays of any library, of ``float16``, ``bfloat16``, ``float32`` or
        ``float64``; outputs have the same type.
    stride, dilation, crop, groups
        As ``impl.conv_transpose`` takes them.
    dy : array, optional
        The cotangent of ``y``, for gradients.
    accumulate : str, optional
        The type of sums: by default ``float32``, or the arrays' own if it is wider.  It is stricter
        where half precision is accumulated in single than where it is in half.

    Raises
    ------
    AssertionError
        With the first difference, and the mistake that gives the same numbers.
    ValueError
        If the arguments make no operator.

    Examples
    --------
    >>> import numpy as np
    >>> x, w = np.array([[[1, 10]]], "float32"), np.array([[[1, 2, 3]]], "float32")
    >>> assert_conforms(np.array([[[1, 2, 13, 20, 30]]], "float32"), x, w, stride=2)
    >>> assert_conforms(np.array([[[3, 2, 31, 20, 10]]], "float32"), x, w, stride=2)
    Traceback (most recent call last):
    AssertionError: y: 3 of 5 elements differ; first y[0, 0, 0] is 3, expected 1
    equals the mutant: kernel flipped
    ic1_oc1_k3_s2, x (1, 1, 2), float32
    """
    from harness.conformance.assertion import assert_conforms as hold  # noqa: PLC0415

    __tracebackhide__ = True
    hold(
        got,
        x,
        w,
        b,
        stride=stride,
        dilation=dilation,
        crop=crop,
        groups=groups,
        dy=dy,
        accumulate=accumulate,
    )
