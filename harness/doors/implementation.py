"""An implementation under test: the file that says how it is reached, and what it claims."""

from __future__ import annotations

import keyword
import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, TypeAlias

from harness.convention.registry import convention, framework_names, that_is_run
from harness.core.suggestion import did_you_mean, nearest
from harness.records.check import Check
from harness.suite.case import CLAIMED_DTYPES, Case
from harness.suite.keys import CLAIMS, IMPLEMENTATION
from harness.suite.limitations import Limitation, load_known
from harness.suite.yaml_fields import Fields, document, shown

Door: TypeAlias = Literal["python", "library", "command", "onnx"]
DOORS: Final[tuple[Door, ...]] = ("python", "library", "command", "onnx")
CANONICAL: Final = "canonical"


@dataclass(frozen=True)
class Claims:
    """What an implementation promises."""

    axes: tuple[int, ...] = (1, 2, 3)
    dtypes: tuple[str, ...] = CLAIMED_DTYPES
    stride: bool = True
    dilation: bool = True
    groups: bool = True
    bias: bool = True
    crop: str = "any"
    gradients: bool = True
    rejects: bool = False

    def lacks(self, case: Case, check: Check) -> str | None:
        """Return what a check needs and nobody claims, such as ``dilation``.

        >>> from harness.suite.case import case_from_descriptor
        >>> case = case_from_descriptor("ic2_oc4_k3_s2_b_n1_i5")
        >>> Claims(stride=False).lacks(case, Check.VALUE)
        'stride'
        """
        return next(self._lacking(case, check), None)

    def _lacking(self, case: Case, check: Check) -> Iterator[str]:
        if check == Check.REFUSAL:
            yield from () if self.rejects else ("rejects",)
            return
        operator = case.operator
        if operator.rank not in self.axes:
            yield f"axes: {operator.rank}"
        if case.dtype not in self.dtypes:
            yield f"dtypes: {case.dtype}"
        if not self.stride and max(operator.stride) > 1:
            yield "stride"
        if not self.dilation and max(operator.dilation) > 1:
            yield "dilation"
        if not self.groups and operator.groups > 1:
            yield "groups"
        if not self.bias and operator.bias:
            yield "bias"
        if not self._crops(operator.crop):
            yield f"crop: {self.crop} only"
        if not self.gradients and check.direction != "forward":
            yield "gradients"

    def _crops(self, crop: tuple[tuple[int, int], ...]) -> bool:
        least = min(map(min, crop))
        return {
            "any": True,
            "positive": least >= 0,
            "symmetric": least >= 0 and all(begin == end for begin, end in crop),
            "none": not any(map(any, crop)),
        }[self.crop]


@dataclass(frozen=True)
class Implementation:
    """Somebody's own code under test.

    Attributes
    ----------
    name : str
        The column's name.
    file : str
        The file that says all this, as people name it.
    folder : Path
        Where that file is: what its paths are relative to.
    door : {"python", "library", "command", "onnx"}
    target : tuple of str
        ``module:function``; the library's path; or the words of a command.
    interpreter : Path
        The Python that runs it, of every door but ``command``.
    gradient : str
        ``module:function`` or a library's symbol; empty where there is none.
    speaks : str
        ``canonical``, or the framework in whose words it is called.
    claims : Claims
    weights : {"inputs", "initializers"}
        How an ONNX model gets them.
    known : tuple of Limitation
    """

    name: str
    file: str
    folder: Path
    door: Door
    target: tuple[str, ...]
    interpreter: Path
    gradient: str
    speaks: str
    claims: Claims
    weights: str = "inputs"
    known: tuple[Limitation, ...] = ()

    @property
    def module(self) -> str:
        """The Python module of a function or class; empty where the target is something else."""
        module, colon, _ = self.target[0].partition(":")
        return module if colon and len(self.target) == 1 and self.door != "library" else ""

    @property
    def program(self) -> Path | None:
        """The file that is executed where that is no module: of a command, the first of its own."""
        if self.module:
            return None
        files = (self.folder / word for word in self.target)
        # Unlike Path.is_file it answers for a word that is too long for a name.
        here = next(filter(os.path.isfile, files), None)
        found = here or shutil.which(self.target[0])
        return Path(found) if found else None


def is_file(name: str) -> bool:
    """Whether a column's name is that of an implementation's file.

    >>> is_file("mine.yaml"), is_file("./mine"), is_file("pytorch")
    (True, True, False)
    """
    return name.endswith((".yaml", ".yml")) or "/" in name


def name_of(subject: str | Implementation) -> str:
    """Return the name of a framework's or an implementation's column."""
    return subject.name if isinstance(subject, Implementation) else subject


def subject_of(name: str) -> str | Implementation:
    """Return what a column's name stands for: a framework, or the implementation of a file.

    Raises
    ------
    UnknownFrameworkError, SpecError
    """
    return load_implementation(name) if is_file(name) else that_is_run(name).name


def load_implementation(path: str | Path) -> Implementation:
    """Read the file of an implementation.

    Raises
    ------
    SpecError
        If the file is wrong; the message begins with ``file:line``.
    """
    file = Path(path)
    fields = Fields.of(document(file), shown(file), IMPLEMENTATION)
    values = fields.values()
    named = [door for door in DOORS if door in fields]
    if len(named) != 1:
        given = " and ".join(named) or "none of them"
        raise fields.error(f"exactly one of {', '.join(DOORS)} is needed, found {given}.")
    (door,) = named
    folder = file.absolute().parent
    return Implementation(
        name=values["name"],
        file=shown(file),
        folder=folder,
        door=door,
        target=_target(fields, door, folder),
        interpreter=_interpreter(fields, folder),
        gradient=_gradient(fields, door),
        speaks=_speaks(fields, door),
        claims=_claims(fields),
        weights=_weights(fields, door),
        known=load_known(folder / values["known"], values["name"]) if values["known"] else (),
    )


_NAME: Final = r"[A-Za-z_]\w*"
_FUNCTION: Final = re.compile(rf"({_NAME}(?:\.{_NAME})*):({_NAME})", re.ASCII)


def _function(fields: Fields, key: str, text: str) -> str:
    """Return ``module:function``, which becomes the text of an import."""
    match = _FUNCTION.fullmatch(text)
    if match is None or any(map(keyword.iskeyword, re.split("[.:]", text))):
        raise fields.error(
            f"{key} must be module:function, such as mypackage.kernels:conv_transpose, "
            f"found {text!r}.",
            key,
        )
    return text


def _target(fields: Fields, door: Door, folder: Path) -> tuple[str, ...]:
    value = fields.value(door)
    if door == "python":
        return (_function(fields, door, value),)
    if door == "library":
        return (str(folder / value),)
    words: tuple[str, ...] = value
    return _model_runner(fields, words) if door == "onnx" else words


def _model_runner(fields: Fields, words: tuple[str, ...]) -> tuple[str, ...]:
    if len(words) == 1 and ":" in words[0]:
        return (_function(fields, "onnx", words[0]),)
    lacking = [name for name in ("{model}", "{outputs}") if not any(name in w for w in words[1:])]
    if lacking:
        raise fields.error(
            'onnx must be module:name, or a list of words such as [./run, "{model}", "{inputs}", '
            f'"{{outputs}}"]: {" and ".join(lacking)} is lacking.',
            "onnx",
        )
    return words


def _interpreter(fields: Fields, folder: Path) -> Path:
    text = fields.value("interpreter")
    if not text:
        return Path(sys.executable)
    if fields.value("command"):
        raise fields.error(
            "'interpreter' is for the other doors: 'command' names it.", "interpreter"
        )
    path: Path = folder / os.path.expanduser(text)  # noqa: PTH111 -- leaves ~nobody as it is
    if "/" not in text and (program := shutil.which(text)):
        path = Path(program)
    if not path.is_file():
        raise fields.error(f"interpreter: {path} is no file.", "interpreter")
    return path


def _gradient(fields: Fields, door: Door) -> str:
    text: str = fields.value("gradient")
    if not text or door == "library":
        return text
    if door == "onnx":
        raise fields.error("ONNX has no gradients: leave 'gradient' out.", "gradient")
    return _function(fields, "gradient", text) if door == "python" else text


def _speaks(fields: Fields, door: Door) -> str:
    text: str = fields.value("speaks")
    if text in (CANONICAL, ""):
        return CANONICAL
    if door in ("library", "onnx"):
        raise fields.error(f"the door {door!r} has words of its own: leave 'speaks' out.", "speaks")
    known = [CANONICAL, *(name for name in framework_names() if convention(name).spoken)]
    if text not in known:
        hint = did_you_mean(nearest(text, known))
        raise fields.error(f"speaks {text!r}.{hint} Known: {', '.join(known)}.", "speaks")
    return text


def _weights(fields: Fields, door: Door) -> str:
    if "weights" in fields and door != "onnx":
        raise fields.error("'weights' is for the door 'onnx': leave it out.", "weights")
    text: str = fields.value("weights")
    return text


def _claims(fields: Fields) -> Claims:
    """Read the claims; gradients are claimed where there is a function for them.

    A program is asked for gradients as it is asked for outputs, so there they are claimed in words.
    """
    node = fields.value("claims")
    if node is None:
        return Claims(gradients=bool(fields.value("gradient")))
    entry = Fields.of(node, fields.file, CLAIMS)
    claims = Claims(**entry.values())
    if fields.value("command"):
        return replace(claims, gradients=claims.gradients and "gradients" in entry)
    if claims.gradients and "gradients" in entry and not fields.value("gradient"):
        raise entry.error("gradients are claimed, but 'gradient' names none.", "gradients")
    return replace(claims, gradients=claims.gradients and bool(fields.value("gradient")))
