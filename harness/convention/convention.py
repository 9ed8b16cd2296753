"""What a convention is, and the pieces of text that several conventions write alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

from harness.convention.device import NO_GPU, Cuda, Device, Math
from harness.core.operators import Operator
from harness.core.program import Program, Unsupported
from harness.core.training import SILENT, Training

if TYPE_CHECKING:
    from harness.convention.forms import Form

Renderer: TypeAlias = Callable[[Operator, str, bool, Device], Program | Unsupported]
Crops: TypeAlias = Sequence[tuple[int, int]]
LayerRenderer: TypeAlias = Callable[[Operator, str, Training], Program | Unsupported]


@dataclass(frozen=True)
class Convention:
    """One framework: where it lives and how it writes an operator.

    Attributes
    ----------
    name : str
        The framework's name everywhere, and of its environment in ``tox.ini``.
    title : str
        What people call it.
    language : str
        Which kind of engine runs its programs.
    distribution, module : str
        What is installed and what is imported.
    weights : str
        Layout of the weights in the framework's own call, groups aside; ours is ``IOHW``.
    render : callable
        ``(operator, dtype, documented, device) -> Program | Unsupported``; see
        ``conventions.render``.
    layer : callable, optional
        ``(operator, dtype, training) -> Program | Unsupported``: the same as a layer of a network,
        where the framework has one.
    calls : str
        A regular expression for the names of the calls that are read, without their modules.
    remarks : tuple of str
        What the reference page says about the framework: versions, traps, documents.
    environ : mapping
        Environment variables of its processes: one thread, no chatter, full precision.
    cpu : bool
        Whether it computes on a CPU.
    cuda : Cuda, optional
        How it computes on an NVIDIA GPU, where it can.
    packages : tuple of str
        Packages of ours that its programs import, whatever its interpreter has installed.
    same_call_as : str
        The framework whose call this is, too: a look-up answers with that one, and with this one
        only where it is asked for.
    """

    name: str
    title: str
    distribution: str
    module: str
    weights: str
    render: Renderer
    language: str = "python"
    layer: LayerRenderer | None = None
    calls: str = ""
    remarks: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    cpu: bool = True
    cuda: Cuda | None = None
    packages: tuple[str, ...] = ()
    same_call_as: str = ""

    def device(self, asked: Device) -> Device:
        """Where it computes: where it is asked to, unless it can do so elsewhere only."""
        if asked == "cpu":
            return "cpu" if self.cpu else "cuda"
        return "cuda" if self.cuda else "cpu"

    def environment(self, device: Device, math: Math = "ieee") -> dict[str, str]:
        """Give the environment variables of its processes on a device that it computes on."""
        if device == "cpu":
            return {**NO_GPU, **self.environ}
        assert self.cuda is not None
        return {**self.environ, **self.cuda.environment(math)}

    def wait(self, device: Device) -> str:
        """Give the text that waits for what its programs have begun on a device."""
        return self.cuda.wait if self.cuda and self.device(device) == "cuda" else ""

    def device_check(self, device: Device, math: Math = "ieee") -> str:
        """Give the text that finds a device that it computes on; the CPU needs no looking for."""
        if device == "cpu":
            return ""
        assert self.cuda is not None
        return self.cuda.check_text(math)

    @property
    def forms(self) -> tuple[Form, ...]:
        """The calls that are read; a look-up loads those of the frameworks that its text names."""
        if not self.calls:
            return ()
        found: tuple[Form, ...] = import_module(f"harness.frameworks.{self.name}.calls").FORMS
        return found

    def forms_by_table(self) -> list[Form]:
        """The forms, those with one table of parameters next to each other."""
        tables = [id(form.parameters) for form in self.forms]
        return sorted(
            self.forms, key=lambda form: (tables.index(id(form.parameters)), form.rank or 0)
        )


def arguments(**values: str | None) -> str:
    """Write keyword arguments, leaving out those at their default.

    >>> arguments(stride="2", padding=None)
    ', stride=2'
    """
    return "".join(f", {name}={value}" for name, value in values.items() if value is not None)


def per_axis(values: Sequence[int], default: int | None = None) -> str | None:
    """Write one value per axis, as one int where all are equal, not at all at the default.

    >>> per_axis((2, 3)), per_axis((2, 2)), per_axis((1, 1), default=1)
    ('(2, 3)', '2', None)
    """
    if all(value == default for value in values):
        return None
    if len(set(values)) == 1:
        return str(values[0])
    return tuple_of(values)


def tuple_of(values: Sequence[object]) -> str:
    """Write a Python tuple; of one element too.

    >>> tuple_of([3])
    '(3,)'
    """
    return "(" + ", ".join(map(str, values)) + ("," if len(values) == 1 else "") + ")"


def full_size_of(array: str, operator: Operator, first_axis: int, end: Sequence[int]) -> list[str]:
    """Write each axis' full size, less ``end``, in terms of ``array.shape``.

    >>> full_size_of("x", Operator.of(1, 1, (3,), stride=2), 2, [1])
    ['(x.shape[2] - 1) * 2 + 2']
    """
    return [
        f"({array}.shape[{first_axis + axis}] - 1) * {stride} + {effective - removed}"
        for axis, (stride, effective, removed) in enumerate(
            zip(operator.stride, operator.effective_kernel, end, strict=True)
        )
    ]


def kept(crop: Sequence[tuple[int, int]], first_axis: int) -> str:
    """Write the index that removes ``crop``, after what it extends has been put on.

    In that order, because a crop may take more from one end than there is before the other end
    has been extended.

    >>> kept(((1, 0), (0, 2), (-1, 0)), 2)
    '[:, :, 1:, :-2, :]'
    """
    spans = [f"{begin if begin > 0 else ''}:{-end if end > 0 else ''}" for begin, end in crop]
    return "[" + ", ".join([":"] * first_axis + spans) + "]"


def extended(crop: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Give what a crop adds at each end: its negative part.

    >>> extended(((1, -2), (-3, 0)))
    [(0, 2), (3, 0)]
    """
    return [(max(0, -begin), max(0, -end)) for begin, end in crop]


def removes(crop: Sequence[tuple[int, int]]) -> bool:
    """Whether any end of any axis is cut."""
    return any(side > 0 for pair in crop for side in pair)


def extends(crop: Sequence[tuple[int, int]]) -> bool:
    """Whether any end of any axis is extended."""
    return any(side < 0 for pair in crop for side in pair)


def symmetric_part(operator: Operator) -> tuple[tuple[int, ...], tuple[tuple[int, int], ...]]:
    """Split a crop into a symmetric one for the call and the rest, for slices and pads.

    >>> symmetric_part(Operator.of(1, 1, (3, 3), crop=((2, 1), (-1, 1))))
    ((1, 0), ((1, 0), (-1, 1)))
    """
    common = tuple(max(0, min(pair)) for pair in operator.crop)
    rest = tuple(
        (begin - c, end - c) for (begin, end), c in zip(operator.crop, common, strict=True)
    )
    return common, rest


def undilated(operator: Operator) -> Operator:
    """The same operator with the zeros that dilation means written into the kernel."""
    return replace(operator, kernel=operator.effective_kernel, dilation=(1,) * operator.rank)


def zero_inserted(operator: Operator) -> str:
    """Write NumPy text that makes ``w_dilated`` for :func:`undilated`."""
    return (
        f"w_dilated = np.zeros(w.shape[:2] + {tuple_of(operator.effective_kernel)}, w.dtype)\n"
        f"w_dilated{_taps(operator)} = w"
    )


def zeros_removed(operator: Operator, gradient: str) -> str:
    """Write NumPy text that takes from a gradient what belongs to the kernel's own elements."""
    return f"{gradient}{_taps(operator)}"


def zeros_learn(training: Training, *, in_kernel: bool) -> tuple[str, ...]:
    """Note what a layer does to zeros that the text writes into its kernel."""
    if not in_kernel or training == SILENT:
        return ()
    return ("The zeros written into the kernel learn too: set them to 0 again after each step.",)


def _taps(operator: Operator) -> str:
    steps = ", ".join(f"::{step}" if step > 1 else ":" for step in operator.dilation)
    return f"[:, :, {steps}]"


def scaled(factor: float | None, base: str) -> str:
    """Write a factor of what the person's own program calls ``base``; nothing said is 1.

    >>> scaled(0.5, "l2"), scaled(None, "l2")
    ('0.5 * l2', 'l2')
    """
    return base if factor is None else f"{factor!r} * {base}"


def lines(*parts: str | None) -> str:
    """Join the lines that are there."""
    return "\n".join(part for part in parts if part)


def indented(text: str) -> str:
    """Put ``text`` inside a ``with`` block."""
    return "\n".join("    " + line for line in text.splitlines())


def because(*reasons: str | None) -> tuple[str, ...]:
    """Keep the reasons that apply."""
    return tuple(reason for reason in reasons if reason)
