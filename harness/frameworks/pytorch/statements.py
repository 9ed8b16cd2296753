"""What PyTorch text does to a layer behind its call: first weights, rates and weight decay.

https://docs.pytorch.org/docs/stable/nn.init.html
https://docs.pytorch.org/docs/stable/optim.html#per-parameter-options
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from harness.convention.arguments import Arguments
from harness.convention.initializers import Signatures, number, read_initializer
from harness.convention.values import shown
from harness.core.training import LARGEST_DEVIATION, TRUNCATED_DEVIATION, Fan, Initializer, Training
from harness.syntax.tree import Argument, Call, Name, Statement, Value, calls

_INITIALIZERS: Final[Signatures] = {
    "zeros_": {},
    "ones_": {},
    "constant_": {"val": None},
    "uniform_": {"a": 0.0, "b": 1.0},
    "normal_": {"mean": 0.0, "std": 1.0},
    "trunc_normal_": {"mean": 0.0, "std": 1.0, "a": -2.0, "b": 2.0},
    **{f"xavier_{kind}_": {"gain": 1.0} for kind in ("uniform", "normal")},
    **{
        f"kaiming_{kind}_": {"a": 0, "mode": "fan_in", "nonlinearity": "leaky_relu"}
        for kind in ("uniform", "normal")
    },
}
_METHODS: Final[Signatures] = {
    "zero_": {},
    "fill_": {"value": None},
    "normal_": {"mean": 0.0, "std": 1.0},
    "uniform_": {"from": 0.0, "to": 1.0},
}
_OTHER_INITIALIZERS: Final = {"dirac_", "orthogonal_", "eye_", "sparse_"}
# Its fans are those of the convolution whose transpose this is.
_FANS: Final[dict[str, Fan]] = {"fan_in": "out", "fan_out": "in"}
_KEEP_THE_LAYER: Final = {
    *("cuda", "cpu", "to", "half", "float", "double", "bfloat16", "train", "eval", "type"),
    "requires_grad_",
}
# Beyond as many deviations a normal distribution has nothing to cut off.
_NOTHING_BEYOND: Final = 8


@dataclass(frozen=True)
class _Act:
    """What a statement does to a module's parameters.

    ``part`` is ``weight``, ``bias`` or, for both, empty; ``of_init`` tells ``nn.init``'s functions
    from a tensor's methods.
    """

    owner: str
    part: str
    verb: str
    arguments: tuple[Argument, ...]
    of_init: bool = False

    @property
    def written(self) -> str:
        """The act as people would write it."""
        parameter = ".".join(part for part in (self.owner, self.part) if part)
        inner = ", ".join(
            f"{each.name}={shown(each.value)}" if each.name else shown(each.value)
            for each in self.arguments
        )
        if self.of_init:
            return f"init.{self.verb}({', '.join(part for part in (parameter, inner) if part)})"
        if self.verb == "requires_grad":
            return f"{parameter}.requires_grad = {inner}"
        return f"{parameter}.{self.verb}({inner})"


def read_training(given: Arguments, *, bias: bool) -> tuple[Training, list[str]]:
    """Read what is done to a layer by its name, with notes on what stays unread.

    Parameters
    ----------
    given : Arguments
    bias : bool
        Whether the layer has one.
    """
    places = [
        place
        for place, statement in enumerate(given.statements)
        if any(call is given.call for call in calls(statement.value))
    ]
    if not places:
        return Training(), []
    made, later = given.statements[places[0]], given.statements[places[0] + 1 :]
    story = _Story(made, given.call, {each.target for each in given.statements})
    story.begin()
    for statement in later:
        if made.target is not None and statement.target == made.target:
            if not _keeps(statement.value, made.target):
                break  # The name is another layer's from here.
            continue
        story.go_on(statement)
    training = Training(**story.said)
    return training if bias else training.without_bias(), list(dict.fromkeys(story.notes))


class _Story:
    """What the statements say, one after the other: what comes later holds."""

    def __init__(self, made: Statement, layer: Call, targets: set[str | None]) -> None:
        self.said: dict[str, Any] = {}
        self.notes: list[str] = []
        self._made, self._targets = made, targets
        # Where the layer is a part of something else, that has the name.
        self._is_layer = _receiver(made.value) is layer

    def begin(self) -> None:
        """Read ``up = nn.ConvTranspose2d(...).requires_grad_(False)``."""
        for verb, call in _methods(self._made.value) if self._is_layer else ():
            if verb == "requires_grad_":
                self._do(_Act("", "", verb, call.arguments[1:]), self._made)
                break

    def go_on(self, statement: Statement) -> None:
        for act in _acts(statement):
            if self._is_about(act.owner):
                self._do(act, statement)
            elif self._may_be_about(act.owner):
                self.notes.append(
                    f"{act.written} is not read here: where {act.owner} is this layer, or holds "
                    "it, keep it."
                )
        for call in calls(statement.value):
            self._optimize(call, statement)

    def _is_about(self, owner: str) -> bool:
        return self._is_layer and owner == self._made.target

    def _may_be_about(self, owner: str) -> bool:
        """A function's parameter, a loop's variable, or what the layer is a part of."""
        whole = self._made.target
        part_of = whole is not None and re.match(rf"{re.escape(whole)}(\W|$)", owner)
        unknown = owner.isidentifier() and owner not in self._targets
        return unknown or (bool(part_of) and not self._is_layer)

    def _is_certain(self, statement: Statement) -> bool:
        """Whether it is carried out wherever the layer is made."""
        block = statement.block
        return block == self._made.block[: len(block)]

    def _do(self, act: _Act, statement: Statement) -> None:
        if act.verb == "requires_grad" and not act.part:
            self.notes.append(f"{act.written} has no effect: the parameters have requires_grad.")
            return
        found = _meaning(act) if self._is_certain(statement) else None
        if found is None:
            self.notes.append(f"{act.written} is not read here: keep what it does.")
        # What it did before does not hold any longer, whether this is understood or not.
        fields = _changed(act)
        self.said |= dict.fromkeys(fields) if found is None else found

    def _optimize(self, call: Call, statement: Statement) -> None:
        """``SGD([{"params": up.weight, "lr": 2 * lr}, ...], lr=lr)``."""
        default, name = _defaults(call), str(self._made.target)
        for group in _groups(call):
            fields = _fields_of_group(group["params"], name) if self._is_layer else []
            if not fields and not _mentions(group["params"], name):
                continue
            for option, kind in (("lr", "rate"), ("weight_decay", "decay")):
                if option not in group or group[option] == default[option]:
                    continue
                factor = _factor(group[option], default[option])
                if factor is None or not fields or not self._is_certain(statement):
                    self.notes.append(
                        f"{option} {shown(group[option])} of a parameter group is no factor that "
                        "is read here: keep it."
                    )
                else:
                    self._take_factor([f"{field}_{kind}" for field in fields], factor)

    def _take_factor(self, fields: list[str], factor: float) -> None:
        for field in fields:
            # A parameter without a gradient stays as it is, whatever its rate.
            if not (field.endswith("_rate") and self.said.get(field) == 0):
                self.said[field] = factor


# What statements do.


def _acts(statement: Statement) -> Iterator[_Act]:
    if statement.target is not None:
        yield from _assigned(statement.target, statement.value)
    for call in calls(statement.value):
        if isinstance(call.function, Name):
            yield from _called(call.function.text, call, statement.assigned)


def _assigned(target: str, value: Value) -> Iterator[_Act]:
    if match := re.fullmatch(r"(.+?)(?:\.(weight|bias))?\.requires_grad", target):
        argument = Argument(None, value, 0)
        yield _Act(match[1], match[2] or "", "requires_grad", (argument,))
    elif match := re.fullmatch(r"(.+)\.(weight|bias)(?:\.data)?", target):
        yield _Act(match[1], match[2], "given", ())


def _called(function: str, call: Call, assigned: Mapping[str, Value]) -> Iterator[_Act]:
    owner, _, verb = function.rpartition(".")
    first = call.arguments[0].value if call.arguments else None
    # Before PyTorch 0.4 their names had no underline.
    known = verb if verb.endswith("_") else f"{verb}_"
    if known in {*_INITIALIZERS, *_OTHER_INITIALIZERS} and owner.split(".")[-1] in {"", "init"}:
        if isinstance(first, Name):
            yield _Act(*_drawn(first, assigned), known, call.arguments[1:], of_init=True)
    elif verb.endswith("_") and (parameter := _parameter(owner)):
        yield _Act(*parameter, verb, call.arguments)
    elif verb in {"requires_grad_", "apply"} and owner:
        yield _Act(owner, "", verb, call.arguments)


def _drawn(name: Name, assigned: Mapping[str, Value]) -> tuple[str, str]:
    """Whose parameter is drawn, also by another name: ``w = up.weight``."""
    other = assigned.get(name.text)
    meant = other.text if isinstance(other, Name) else ""
    return _parameter(name.text) or _parameter(meant) or (name.text, "")


def _parameter(text: str) -> tuple[str, str] | None:
    match = re.fullmatch(r"(.+)\.(weight|bias)(?:\.data)?", text)
    return (match[1], match[2]) if match else None


def _methods(value: Value) -> Iterator[tuple[str, Call]]:
    """The methods of ``nn.ConvTranspose2d(...).cuda().requires_grad_(False)``, the last first."""
    while isinstance(value, Call) and isinstance(value.function, Name) and value.arguments:
        if value.function.text not in _KEEP_THE_LAYER:
            break
        yield value.function.text, value
        value = value.arguments[0].value


def _receiver(value: Value) -> Value:
    """The layer whose methods are called."""
    for _, call in _methods(value):
        value = call.arguments[0].value
    return value


def _keeps(value: Value, layer: str) -> bool:
    """Whether ``up = up.cuda()`` leaves a name what it was."""
    function = value.function if isinstance(value, Call) else None
    owner, _, verb = function.text.rpartition(".") if isinstance(function, Name) else ("", "", "")
    return owner == layer and verb in _KEEP_THE_LAYER


# What they mean.


def _changed(act: _Act) -> list[str]:
    """The fields of the training that an act is about."""
    fields = {"weight": ["weights"], "bias": ["bias"]}.get(act.part, ["weights", "bias"])
    is_rate = act.verb in {"requires_grad", "requires_grad_"}
    return [f"{field}_rate" for field in fields] if is_rate else fields


def _meaning(act: _Act) -> dict[str, Any] | None:
    """What an act says of the training; ``None`` where it is not read."""
    fields = _changed(act)
    if act.verb == "given":
        return dict.fromkeys(fields)
    if act.verb in {"requires_grad", "requires_grad_"}:
        learns = act.arguments[0].value if act.arguments else True
        return dict.fromkeys(fields, None if learns else 0.0) if type(learns) is bool else None
    signatures = _INITIALIZERS if act.of_init else _METHODS
    call = Call(Name(act.verb, 0), tuple(map(_computed, act.arguments)), 0)
    drawn = read_initializer(call, signatures, _distribution)
    if drawn is None or (drawn.fan and act.part == "bias"):
        return None  # PyTorch refuses a fan of a vector.
    return dict.fromkeys(fields, drawn)


def _computed(argument: Argument) -> Argument:
    """Compute ``nn.init.calculate_gain("relu")``."""
    value = argument.value
    if not isinstance(value, Call) or not isinstance(value.function, Name):
        return argument
    if value.function.text.split(".")[-1] != "calculate_gain":
        return argument
    given = [each.value for each in value.arguments]
    try:
        gain = math.sqrt(_gain(str(given[0]), number(given[1]) if len(given) > 1 else 0.01))
    except (IndexError, KeyError, TypeError):
        return argument
    return replace(argument, value=gain)


def _gain(nonlinearity: str, slope: float) -> float:
    """The square of the gain; https://docs.pytorch.org/docs/stable/nn.init.html."""
    if nonlinearity == "leaky_relu":
        return 2 / (1 + slope**2)
    linear = ("linear", "sigmoid", *(f"conv{t}{n}d" for t in ("", "_transpose") for n in (1, 2, 3)))
    return {**dict.fromkeys(linear, 1.0), "tanh": 25 / 9, "relu": 2.0, "selu": 9 / 16}[nonlinearity]


def _distribution(name: str, given: Mapping[str, Value]) -> Initializer | None:
    match name:
        case "zeros_" | "zero_" | "ones_":
            return Initializer("constant", float(name == "ones_"))
        case "constant_" | "fill_":
            return Initializer("constant", number(given["val" if "val" in given else "value"]))
        case "uniform_":
            low, high = (number(value) for value in given.values())
            return Initializer("uniform", high**2 / 3) if low == -high <= 0 else None
        case "normal_" | "trunc_normal_" if given["mean"] != 0 or number(given["std"]) < 0:
            return None
        case "normal_":
            return Initializer("normal", number(given["std"]) ** 2)
        case "trunc_normal_":
            return _cut_off(*(number(given[name]) for name in ("std", "a", "b")))
    kind: Any = "uniform" if "uniform" in name else "normal"
    if name.startswith("xavier"):
        return Initializer(kind, round(number(given["gain"]) ** 2, 12), "average")
    scale = _gain(str(given["nonlinearity"]), number(given["a"]))
    return Initializer(kind, scale, _FANS[str(given["mode"])])


def _cut_off(deviation: float, low: float, high: float) -> Initializer | None:
    """Read where a normal distribution is cut off: at numbers, not at deviations."""
    if low != -high or deviation <= 0:
        return None
    if math.isclose(high, 2 * deviation):
        return Initializer("truncated_normal", (deviation * TRUNCATED_DEVIATION) ** 2)
    return Initializer("normal", deviation**2) if high >= _NOTHING_BEYOND * deviation else None


# Parameter groups.


def _groups(call: Call) -> Iterator[dict[str | None, Value]]:
    first = next((each.value for each in call.arguments if each.name in {None, "params"}), None)
    for group in first if isinstance(first, tuple) else ():
        if isinstance(group, Call) and group.function == Name("dict", group.column):
            named = {each.name: each.value for each in group.arguments}
            if "params" in named:
                yield named


def _defaults(call: Call) -> dict[str | None, Value]:
    """What an optimizer does with groups that say nothing; its learning rate comes second."""
    named = {each.name: each.value for each in call.arguments}
    positional = [each.value for each in call.arguments if each.name is None]
    return {"lr": positional[1] if len(positional) > 1 else None, "weight_decay": 0} | named


def _fields_of_group(params: Value, layer: str) -> list[str]:
    of = {f"{layer}.weight": "weights", f"{layer}.bias": "bias"}
    found: list[str] = []
    for each in params if isinstance(params, tuple) else (params,):
        if isinstance(each, Name) and each.text in of:
            found.append(of[each.text])
        elif isinstance(each, Call) and each.function == Name(f"{layer}.parameters", each.column):
            found += of.values()
    return found


def _mentions(params: Value, layer: str) -> bool:
    """Whether parameters may be the layer's, by another name of what it is a part of."""
    last = re.escape(layer.rpartition(".")[2])
    texts = [
        each.text
        for each in (params if isinstance(params, tuple) else (params,))
        if isinstance(each, Name)
    ]
    texts += [call.function.text for call in calls(params) if isinstance(call.function, Name)]
    return any(re.search(rf"(?:^|\.){last}(?:\W|$)", text) for text in texts)


def _factor(value: Value, default: Value) -> float | None:
    """What a group's own number is of the default: ``2 * lr`` of ``lr``, or 0.2 of 0.1."""
    if type(value) in {int, float} and value == 0:
        return 0.0
    if isinstance(value, int | float) and isinstance(default, int | float) and default > 0:
        ratio = float(f"{value / default:.12g}")
        return ratio if 0 < ratio <= LARGEST_DEVIATION else None
    if not isinstance(value, Name) or not isinstance(default, Name):
        return None
    if value.text == default.text:
        return 1.0
    base, amount = re.escape(default.text), r"(\d{1,18}(?:\.\d*)?(?:e[+-]?\d\d?)?|\.\d+)"
    match = re.fullmatch(rf"{amount} \* {base}|{base} \* {amount}", value.text)
    divided = re.fullmatch(rf"{base} / {amount}", value.text)
    if match:
        return float(match[1] or match[2])
    return 1 / float(divided[1]) if divided and float(divided[1]) else None
