"""Look-ups: one call in, the equal call of every framework out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from harness.convention.reading import Reading
from harness.convention.registry import Convention, convention, distinct_conventions, render
from harness.convention.signature import Style
from harness.core.errors import Ask, Words, asked, named, worded
from harness.core.named_number import Named, plain
from harness.core.operators import (
    Operator,
    OperatorError,
    Sizes,
    axis_name,
    operator_from_words,
    sizes,
)
from harness.core.program import Program, Unsupported
from harness.core.training import SILENT
from harness.lookup import BENCHDNN, is_benchdnn
from harness.lookup.reading import read
from harness.weights.layouts import CANONICAL, LayoutChange

if TYPE_CHECKING:
    from harness.lookup import benchdnn

_DESCRIPTOR: Final = re.compile(r"ic\d+_oc\d+_k\S+")
_SIZE: Final = re.compile(r"n\d{1,18}|i\d{1,18}(x\d{1,18})*", re.ASCII)
# Words of a case's descriptor that say nothing of its operator.
_OF_CASES: Final = {
    *("f16", "bf16", "f32", "f64", "integer", "random", "ones", "documented", "named"),
}
_EXAMPLE_SIZE: Final = 8


@dataclass(frozen=True)
class Translation:
    """The answer for one framework."""

    framework: str
    title: str
    answer: Program | Unsupported
    weights: LayoutChange  # From the layout of the text's framework
    from_canonical: LayoutChange  # From ours
    notes: tuple[str, ...]
    has_bias: bool  # Whether there is a bias, whose shape may change
    is_run: bool = True  # Whether the framework is more than text

    def bias_code(self, change: LayoutChange) -> str | None:
        """Return the code for the bias, where its shape changes."""
        code = change.bias_code()
        return code if self.has_bias and code != "b" else None

    def worded(self, words: Words) -> Translation:
        """Return the answer with what it asks for in the words of a face."""
        if not isinstance(self.answer, Unsupported):
            return self
        return replace(self, answer=replace(self.answer, reason=worded(self.answer.reason, words)))

    def to_json(self) -> dict[str, Any]:
        """The object of one framework's answer as JSON."""
        answer = self.answer
        program = answer if isinstance(answer, Program) else None
        canonical, source = self.from_canonical, self.weights
        return {
            "support": answer.support,
            "reason": answer.reason,
            "call": program.call if program else None,
            "program": program.text if program else None,
            "gradient": program.gradient_text or None if program else None,
            "training": program.training or None if program else None,
            "weights": {
                "from": canonical.before,
                "to": canonical.after,
                "code": canonical.code(),
                "bias_code": self.bias_code(canonical),
                "source": {
                    "from": source.before,
                    "code": source.code(),
                    "bias_code": self.bias_code(source),
                },
            },
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class LookUp:
    """The meaning of a text, and how each framework writes it."""

    reading: Reading
    translations: tuple[Translation, ...]
    problem: str | Unsupported | None = None  # The line for benchdnn, where it is requested
    names: tuple[str, ...] = ()  # Of the text, which the answer has in the place of numbers
    unnamed: tuple[str, ...] = ()  # Those of them that the text does not even name
    truth: str = ""  # What says that there is a bias, if that is open: the answer is for one
    without_bias: tuple[Translation, ...] = ()

    @property
    def output(self) -> Sizes | None:
        """Shape of the output, where that of the input is known."""
        operator, shape = self.reading.operator, self.reading.input
        if shape is None:
            return None
        return (shape[0], operator.out_channels, *operator.out_size(shape[2:]))

    @property
    def descriptor(self) -> str:
        """The operator as a word; with the input, what ``deconform reproduce`` takes.

        It is empty where there are names.
        """
        operator, shape = self.reading.operator, self.reading.input
        if self.names:
            return ""
        if shape is None:
            return operator.descriptor
        return f"{operator.descriptor}_n{shape[0]}_i{sizes(shape[2:])}"

    @property
    def example(self) -> str:
        """The descriptor with an input, a small one where none is known: a case to run.

        It is empty where there are names.
        """
        if self.names:
            return ""
        if self.reading.input is not None:
            return self.descriptor
        return f"{self.descriptor}_n1_i{sizes(_example_size(self.reading.operator))}"

    @property
    def can_run(self) -> bool:
        """Whether any of the answers is a framework's that is run."""
        return not self.translations or any(each.is_run for each in self.translations)

    def worded(self, words: Words) -> LookUp:
        """Return the look-up with every sentence in the words of a face."""
        notes = tuple(worded(note, words) for note in self.reading.notes)
        problem = self.problem
        if isinstance(problem, Unsupported):
            problem = replace(problem, reason=worded(problem.reason, words))
        return replace(
            self,
            reading=replace(self.reading, notes=notes),
            problem=problem,
            translations=tuple(each.worded(words) for each in self.translations),
            without_bias=tuple(each.worded(words) for each in self.without_bias),
        )

    def to_json(self) -> dict[str, Any]:
        """The object that a look-up is as JSON."""
        shape, output = self.reading.input, self.output
        answers = {each.framework: each.to_json() for each in self.translations}
        for other in self.without_bias:
            answers[other.framework]["without_bias"] = other.to_json()
        problem = {} if self.problem is None else {BENCHDNN: _problem_to_json(self.problem)}
        whole = {
            "operator": self.reading.operator.to_json(),
            "descriptor": self.descriptor or None,
            "input": None if shape is None else list(shape),
            "output": None if output is None else list(output),
            "framework": self.reading.framework or None,
            "form": self.reading.form,
            "notes": list(self.reading.notes),
            "translations": answers,
            **problem,
        }
        if not self.names:
            return whole
        from harness.syntax.written_names import named  # noqa: PLC0415

        for name, each in answers.items():
            answers[name] = named(each, convention(name).language)
        in_names: dict[str, Any] = named(whole | {"operator": plain(vars(self.reading.operator))})
        return in_names


def _problem_to_json(problem: str | Unsupported) -> dict[str, str | None]:
    if isinstance(problem, Unsupported):
        return {"support": problem.support, "reason": problem.reason, "problem": None}
    return {"support": "native", "reason": None, "problem": problem}


def look_up(
    text: str,
    framework: str | None = None,
    to: Sequence[str] = (),
    *,
    input: Sequence[int] | None = None,  # noqa: A002 -- the contract's word
    weight: Sequence[int] | None = None,
    style: Style = "function",
) -> LookUp:
    """Read a call and write it for other frameworks.

    Parameters
    ----------
    text : str
        A call, an operator's descriptor, or a problem of oneDNN's benchdnn.
    framework : str, optional
        Whose call it is, or ``benchdnn``; recognised where it is ``None``.
    to : sequence of str
        Frameworks to write it for, and ``benchdnn``; where it is empty all other
        frameworks that are run and whose call is their own.
    input, weight : sequence of int, optional
        Canonical shapes, for what the text leaves open.
    style : {"function", "layer"}
        What to write, where a framework has both.

    Raises
    ------
    InputError
        Where the text cannot be read, or a framework's name is unknown.

    Examples
    --------
    >>> answers = look_up("F.deconvolution_2d(x, W, b, stride=2, pad=1)", weight=(8, 4, 3, 3))
    >>> [each.answer.call for each in answers.translations if each.framework == "pytorch"]
    ['y_ = F.conv_transpose2d(x_, w_, b_, stride=2, padding=1)']
    """
    for name in to:
        targets_of("", [name])  # An unknown name is refused before anything is read.
    reading, problem = _read(text, framework, input, weight)
    return answered(reading, to, style, problem)


def answered(
    reading: Reading,
    to: Sequence[str] = (),
    style: Style = "function",
    problem: benchdnn.Problem | None = None,
) -> LookUp:
    """Write what was read for other frameworks; the problem of benchdnn is where it came from."""
    if style == "function" and reading.training != SILENT:
        style_layer = named(Ask.STYLE, "layer")
        note = "The text says how the layer is trained: " + style_layer + " writes that too."
        reading = replace(reading, notes=(*reading.notes, note))
    targets = targets_of(reading.framework, to)
    translations = tuple(translation(reading, target, style) for target in targets)
    asked = BENCHDNN in to
    return LookUp(reading, translations, _in_benchdnn(reading, problem) if asked else None)


def targets_of(source: str, to: Sequence[str]) -> list[Convention]:
    """Return the frameworks to write for: those that are named, or all others that are run."""
    if to:
        return [convention(name) for name in to if name != BENCHDNN]
    return [each for each in distinct_conventions() if each.name != source]


def read_text(
    text: str,
    framework: str | None = None,
    *,
    input: Sequence[int] | None = None,  # noqa: A002 -- the contract's word
    weight: Sequence[int] | None = None,
) -> Reading:
    """Read what :func:`look_up` reads, and no more.

    >>> read_text("ic4_oc6_k3_s2_b_n1_i5").input
    (1, 4, 5)
    """
    return _read(text, framework, input, weight)[0]


def _read(
    text: str,
    framework: str | None,
    shape: Sequence[int] | None,
    weight: Sequence[int] | None,
) -> tuple[Reading, benchdnn.Problem | None]:
    """Read a text of any kind; return the problem of benchdnn, too, where it is one."""
    if framework == BENCHDNN or (framework is None and is_benchdnn(text)):
        from harness.lookup import benchdnn  # noqa: PLC0415 -- most look-ups do without

        problem = benchdnn.read_problem(text)
        return _from_problem(problem, shape), problem
    if is_descriptor(text):
        return _from_descriptor(text.strip(), shape), None
    return read(text, framework, shape, weight), None


def is_descriptor(text: str) -> bool:
    """Whether a text is an operator's descriptor."""
    return _DESCRIPTOR.fullmatch(text.strip()) is not None


def _from_problem(problem: benchdnn.Problem, shape: Sequence[int] | None) -> Reading:
    operator = problem.operator
    if shape is None:
        shape = (problem.batch, operator.in_channels, *problem.in_size)
    # The order of the primitive's own axes; a problem leaves the layout in memory open.
    # https://uxlfoundation.github.io/oneDNN/dev_guide_deconvolution.html
    layout = "OIHW" if operator.groups == 1 else "GOIHW"
    fitting = _fitting(operator, shape)
    return Reading(BENCHDNN, operator, fitting, notes=problem.notes, weights=layout)


def _in_benchdnn(reading: Reading, source: benchdnn.Problem | None) -> str | Unsupported:
    """Write the line for benchdnn; type, name and direction of a problem stay."""
    if reading.input is None:
        return Unsupported(
            "a problem holds the sizes: "
            + asked(Ask.INPUT_SHAPE)
            + " with your input's shape, channels first.",
        )
    from harness.lookup import benchdnn  # noqa: PLC0415

    batch, _, *size = reading.input
    if source is None:
        problem = benchdnn.Problem.of(reading.operator, batch, tuple(size))
    else:
        problem = replace(source, batch=batch, in_size=tuple(size))
    try:
        return benchdnn.write_problem(problem)
    except benchdnn.BenchdnnError as error:
        return Unsupported(str(error))


def _from_descriptor(text: str, shape: Sequence[int] | None) -> Reading:
    """Read a descriptor, with the batch and the input's size where it has them."""
    words = text.split("_")
    size = {word[0]: word[1:] for word in words if _SIZE.fullmatch(word)}
    operator = operator_from_words(
        [word for word in words if not _SIZE.fullmatch(word) and word not in _OF_CASES]
    )
    if shape is None and "i" in size:
        axes = [int(number) for number in size["i"].split("x")]
        shape = (int(size.get("n", "1")), operator.in_channels, *axes)
    return Reading("descriptor", operator, None if shape is None else _fitting(operator, shape))


def _fitting(operator: Operator, shape: Sequence[int]) -> Sizes:
    """Refuse an input that the operator does not take."""
    if len(shape) != operator.rank + 2 or shape[1] != operator.in_channels:
        raise OperatorError(
            f"input {list(shape)} does not fit {operator.rank} spatial axes and "
            f"{operator.in_channels} input channels."
        )
    if fact := operator.explain(tuple(shape[2:])):
        raise OperatorError(fact)
    return tuple(shape)


def translation(reading: Reading, framework: Convention, style: Style) -> Translation:
    """Write what was read for a framework."""
    own = reading.weights or reading.framework or CANONICAL
    rank, groups = reading.operator.rank, reading.operator.groups
    answer = render(reading.operator, framework.name, style=style, training=reading.training)
    return Translation(
        framework.name,
        framework.title,
        answer,
        LayoutChange(own, framework.name, rank, groups),
        LayoutChange(CANONICAL, framework.name, rank, groups),
        _notes(framework, answer),
        # A function takes a vector, whatever the layer takes.
        reading.operator.bias and not (style == "function" and framework.layer_bias_has_ones),
        is_run=not framework.is_text_only,
    )


def _notes(framework: Convention, answer: Program | Unsupported) -> tuple[str, ...]:
    """What a reader should know: first of all whether anything here runs what is written."""
    if isinstance(answer, Unsupported):
        return ()
    only = f"Text only: deconform does not run {framework.title}."
    return (*[only] * framework.is_text_only, *answer.notes)


# The answer for people: lines of (style, text) pieces, coloured on a terminal only.

Line = list[tuple[str, str]]


def answer(looked_up: LookUp, programs: bool = False) -> Iterator[Line]:  # noqa: FBT002
    """Write a look-up for people, with whole programs or their calls alone.

    A line is a list of pairs of a style of ``rich`` and a text.
    """
    lines = _answer(looked_up, programs)
    if not looked_up.names:
        yield from lines
        return
    from harness.core.named_number import in_names  # noqa: PLC0415

    for line in lines:
        yield [(style, in_names(text)) for style, text in line]


def _answer(looked_up: LookUp, programs: bool) -> Iterator[Line]:
    reading = looked_up.reading
    yield [("bold", in_words(reading.operator)), ("dim", _origin(reading))]
    yield [("dim", "size     "), ("", size_line(looked_up))]
    if looked_up.descriptor:
        yield [("dim", "operator "), ("", looked_up.descriptor)]
    for note in reading.notes:
        yield [("dim", "note     "), ("", note)]
    without_bias = {each.framework: each for each in looked_up.without_bias}
    for translation in looked_up.translations:
        yield []
        yield from _block(translation, programs, looked_up.names)
        other = without_bias.get(translation.framework)
        if other is not None and other.to_json() != translation.to_json():
            yield [("dim", f"  without bias, {_unless(looked_up.truth)}:")]
            yield from _block(other, programs, looked_up.names, headed=False)
    if looked_up.problem is not None:
        yield []
        yield from _problem_block(looked_up.problem)
    if looked_up.descriptor and looked_up.can_run:
        yield []
        example = f"deconform reproduce {looked_up.example} -f NAME"
        yield [("dim", f"run any of them and compare: {example}")]


def _unless(truth: str) -> str:
    negated = re.fullmatch(r"not ([\w.]+)", truth)
    return f"if {negated[1]}" if negated else f"unless {truth}"


def _block(
    translation: Translation, programs: bool, names: Sequence[str], *, headed: bool = True
) -> Iterator[Line]:
    result = translation.answer
    if names and isinstance(result, Program):
        from harness.syntax.written_names import named as in_its_words  # noqa: PLC0415

        result = in_its_words(result, result.language)
    colours = {"native": "green", "rewritten": "yellow", "unsupported": "red"}
    if headed:
        title = ("bold cyan", translation.title)
        yield [title, ("", "  "), (colours[result.support], result.support)]
    if result.reason:
        yield [("dim", f"  {result.reason}")]
    if isinstance(result, Unsupported):
        return
    text = result.text if programs else result.call
    for line in text.rstrip("\n").splitlines():
        yield [("", f"    {line}")]
    change = translation.weights
    if change.before == change.after:
        yield [("dim", "  weights  "), ("", f"{change.after}, as they are")]
    else:
        yield [("dim", "  weights  "), ("", f"{change.pattern}: {change.code()}")]
    if bias_code := translation.bias_code(change):
        yield [("dim", "  bias     "), ("", bias_code)]
    for line in result.training.splitlines():
        yield [("dim", "  training "), ("", line)]
    for note in translation.notes:
        yield [("dim", "  note     "), ("", note)]


def _problem_block(problem: str | Unsupported) -> Iterator[Line]:
    from harness.lookup.benchdnn import TITLE  # noqa: PLC0415

    if isinstance(problem, Unsupported):
        yield [("bold cyan", TITLE), ("", "  "), ("red", problem.support)]
        yield [("dim", f"  {problem.reason}")]
    else:
        yield [("bold cyan", TITLE), ("", "  "), ("green", "native")]
        yield [("", f"    {problem}")]


def in_words(operator: Operator) -> str:
    """Describe an operator: channels, kernel, and whatever is not a default."""
    parts = [
        f"{operator.in_channels} -> {operator.out_channels} channels",
        f"kernel {_extent(operator.kernel)}",
        f"stride {_short(operator.stride)}",
    ]
    if set(operator.dilation) != {1}:
        parts.append(f"dilation {_short(operator.dilation)}")
    if any(side for pair in operator.crop for side in pair):
        parts.append(f"crop {_short_crop(operator.crop)}")
    if operator.groups != 1:
        parts.append(f"{operator.groups} groups")
    parts.append("bias" if operator.bias else "no bias")
    return ", ".join(parts)


def _extent(values: Sequence[int]) -> str:
    """Write a kernel's sizes, names with spaces between them."""
    has_names = any(isinstance(each, Named) for each in values)
    return " x ".join(map(str, values)) if has_names else sizes(values)


def _short(values: Sequence[int]) -> str:
    return str(values[0]) if len({*map(str, values)}) == 1 else sizes(values)


def _short_crop(crop: Sequence[tuple[int, int]]) -> str:
    """Write crops as briefly as they allow: ``1``, or (begin, end) of each axis."""
    # As they are written: two numbers in names may be equal by chance.
    if len({str(side) for pair in crop for side in pair}) == 1:
        return str(crop[0][0])
    written = [*map(str, crop)]
    return written[0] if len({*written}) == 1 else " ".join(written)


def _origin(reading: Reading) -> str:
    if not reading.framework:
        return f"   {reading.form}" if reading.name else ""  # A model's, or a descriptor
    return f"   {convention(reading.framework).title} {reading.form}"


def size_line(looked_up: LookUp) -> str:
    """Shapes where the input is known, and the rule."""
    operator = looked_up.reading.operator
    rules = [
        _size_rule(stride, effective - stride - sum(crop))
        for stride, effective, crop in zip(
            operator.stride, operator.effective_kernel, operator.crop, strict=True
        )
    ]
    if len(set(rules)) == 1:
        rule = f"out = {rules[0]}"
    else:
        names = [axis_name(axis, operator.rank) for axis in range(operator.rank)]
        rule = ", ".join(f"{name} {rule}" for name, rule in zip(names, rules, strict=True))
    if looked_up.output is None:
        return rule
    assert looked_up.reading.input is not None
    return f"{looked_up.reading.input} -> {looked_up.output}; {rule}"


def _size_rule(stride: int, constant: int) -> str:
    """Write ``stride*in + constant``.

    >>> _size_rule(2, -1), _size_rule(1, 0), _size_rule(3, 2)
    ('2*in - 1', 'in', '3*in + 2')
    """
    slope = "in" if stride == 1 else f"{stride}*in"
    if isinstance(constant, Named):
        return f"{slope} + {constant}"
    if not constant:
        return slope
    return f"{slope} {'+' if constant > 0 else '-'} {abs(constant)}"


def _example_size(operator: Operator) -> Sizes:
    """An input large enough for an output, for a line that can be copied and run."""
    size = (_EXAMPLE_SIZE,) * operator.rank
    while min(operator.out_size(size)) < 1:
        size = tuple(2 * extent for extent in size)
    return size
