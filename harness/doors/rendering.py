"""The programs of an implementation: text that calls it, in the words that it speaks."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from typing import Any, Final

from harness.convention.device import Cuda, Device
from harness.convention.registry import Convention, convention
from harness.convention.spoken import Spoken
from harness.convention.text import lines
from harness.core.operators import Operator
from harness.core.program import NO_GRADIENT, Program, Section, Unsupported
from harness.doors.implementation import CANONICAL, Implementation
from harness.doors.onnx_model import Form

# Nobody but the implementation knows what it computes on.
_GPU: Final = Cuda("name = 'as the implementation chooses'")


def convention_of(implementation: Implementation) -> Convention:
    """Return how an implementation spells an operator.

    Its weights are in the canonical layout where it is called in canonical words.
    """

    def render(
        operator: Operator, dtype: str, _documented: bool, _device: Device
    ) -> Program | Unsupported:
        if implementation.speaks == CANONICAL:
            return _with_type(_BY_DOOR[implementation.door](implementation, operator), dtype)
        speaker = convention(implementation.speaks).spoken
        assert speaker is not None
        spoken = speaker(operator, dtype)
        if isinstance(spoken, Unsupported):
            return spoken
        return _with_type(_SPOKEN_BY_DOOR[implementation.door](implementation, spoken), dtype)

    root = implementation.module.partition(".")[0]
    # What is next to the file is imported first, whatever is installed under its name.
    places = (implementation.folder / name for name in (root, f"{root}.py"))
    is_here = any(map(os.path.exists, places))  # Path.exists raises for a name that is too long.
    return Convention(
        name=implementation.name,
        title=implementation.name,
        distribution="" if is_here else root,
        module=implementation.module,
        weights="IOHW",
        render=render,
        no_bfloat16="",  # Its claims say that
        cuda=_GPU,
    )


def _with_type(program: Program | Unsupported, dtype: str) -> Program | Unsupported:
    """Import what adds a dtype to NumPy, without which a function of arrays cannot be called."""
    if dtype != "bfloat16" or isinstance(program, Unsupported) or program.arguments is not None:
        return program
    return replace(program, setup=lines("import ml_dtypes", program.setup))


def setup_of(implementation: Implementation) -> str:
    """Return the first lines of every program, such as its imports; none of a program's own."""
    if implementation.door == "command":
        return ""
    if implementation.door == "python":
        return _names(implementation)[0]
    return _BY_DOOR[implementation.door](implementation, Operator.of(1, 1, (1,))).setup


def _names(implementation: Implementation) -> tuple[str, str, str]:
    """Return the lines that import a Python implementation, and the names of its functions.

    They are renamed where their own names mean something else in the text.
    """
    targets = {"function": implementation.target[0], "gradient": implementation.gradient}
    imports, names = [], []
    for role, target in targets.items():
        module, _, name = target.partition(":")
        is_taken = name and (name in names or re.fullmatch("np|part|d?[xywb]?_?", name))
        names.append(f"{name}_{role}" if is_taken else name)
        if name:
            imports.append(
                f"from {module} import {name}" + (f" as {names[-1]}" if is_taken else "")
            )
    return "\n".join(imports), names[0], names[1]


def _spoken_python(implementation: Implementation, spoken: Spoken) -> Program:
    imports, function, gradient = _names(implementation)
    program = spoken.program(function, gradient or None)
    return replace(program, setup=lines(program.setup, imports))


def _spoken_command(implementation: Implementation, spoken: Spoken) -> Program | Unsupported:
    """Write the words that a program is sent; nothing of ours can stand after its answer."""
    arguments = spoken.sent()
    if isinstance(arguments, Unsupported):
        words = f"a program is sent {implementation.speaks}'s words alone"
        return Unsupported(f"{words}: {arguments.reason}")
    section = Section("", json.dumps(arguments), "")
    return Program(section, section, arguments=arguments, gradient_alone=True)


_SPOKEN_BY_DOOR: Final = {"python": _spoken_python, "command": _spoken_command}


def _python(implementation: Implementation, operator: Operator) -> Program:
    given = _keywords(operator)
    imports, function, gradient = _names(implementation)
    return Program(
        setup=imports,
        forward=Section("", f"y = {function}(x, w, {_bias(operator)}{given})", ""),
        gradient=Section("", f"dx, dw, {_db(operator)} = {gradient}(dy, x, w{given})", "")
        if gradient
        else NO_GRADIENT,
        gradient_alone=True,
    )


def _library(implementation: Implementation, operator: Operator) -> Program:
    given = _keywords(operator)
    (path,) = implementation.target
    symbol = f", {implementation.gradient!r}" if implementation.gradient else ""
    return Program(
        setup=f"from deconform_library import Library\nlibrary = Library({path!r}{symbol})",
        forward=Section(
            f"problem = library.problem(x, w, {_bias(operator)}{given})",
            "problem.run()",
            "y = problem.output()",
        ),
        gradient=Section(
            f"problem = library.gradient_problem(dy, x, w, {operator.bias}{given})",
            "problem.run()",
            f"dx, dw, {_db(operator)} = problem.outputs()",
        )
        if implementation.gradient
        else NO_GRADIENT,
        gradient_alone=True,
    )


def _onnx(implementation: Implementation, operator: Operator) -> Program:
    target = implementation.target
    words = repr(target[0] if implementation.module else list(target))
    held = ", initializers=True" if implementation.weights == "initializers" else ""
    made = f"Runner({words}, {str(implementation.folder)!r}{held})"
    return Program(
        setup=f"from deconform_onnx import Runner\nrunner = {made}",
        forward=Section(
            f"model = runner.model(x, w, {_bias(operator)}{_keywords(operator)})",
            "model.run()",
            "y = model.output()",
        ),
        gradient=NO_GRADIENT,
        reason=Form(operator.stride, operator.crop).reason,
    )


def _command(_implementation: Implementation, operator: Operator) -> Program:
    """Write what the program is sent, in place of text that is executed."""
    arguments = canonical_arguments(operator)
    section = Section("", json.dumps(arguments), "")
    return Program(section, section, arguments=arguments, gradient_alone=True)


_BY_DOOR: Final = {"python": _python, "library": _library, "onnx": _onnx, "command": _command}


def canonical_arguments(operator: Operator) -> dict[str, Any]:
    """Return what ``conv_transpose`` is given besides its arrays, one value per axis.

    >>> canonical_arguments(Operator.of(1, 1, (3,), stride=2, crop=1))
    {'stride': (2,), 'dilation': (1,), 'crop': ((1, 1),), 'groups': 1}
    """
    return {
        "stride": operator.stride,
        "dilation": operator.dilation,
        "crop": operator.crop,
        "groups": operator.groups,
    }


def _keywords(operator: Operator) -> str:
    return "".join(f", {name}={value}" for name, value in canonical_arguments(operator).items())


def _bias(operator: Operator) -> str:
    return "b" if operator.bias else "None"


def _db(operator: Operator) -> str:
    return "db" if operator.bias else "_"
