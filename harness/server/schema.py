"""What the API takes and gives, as types: checks and the OpenAPI description come from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from harness.convention.registry import known_names
from harness.convention.signature import Style
from harness.lookup import BENCHDNN
from harness.server.limits import MAX_FILE_NAME, MAX_NAMES, MAX_TEXT, MAX_VALUE
from harness.syntax.tree import MAX_DIGITS

FRAMEWORKS: Final = (*known_names(), BENCHDNN)

if TYPE_CHECKING:
    _Framework = str
else:
    _Framework = Annotated[Literal[FRAMEWORKS], Meta(extra_json_schema={"type": "string"})]

_LARGEST: Final = 10**MAX_DIGITS - 1
_THREE_TO_FIVE: Final = Meta(min_length=3, max_length=5)
_Sizes = Annotated[tuple[Annotated[int, Meta(ge=0, le=_LARGEST)], ...], _THREE_TO_FIVE]
_PositiveSizes = Annotated[tuple[Annotated[int, Meta(ge=1, le=_LARGEST)], ...], _THREE_TO_FIVE]
# A number, or what the text has in its place.
_Number = int | str
_Axes = Annotated[list[_Number], Meta(min_length=1, max_length=3)]
_Pair = Annotated[list[_Number], Meta(min_length=2, max_length=2)]
_Support = Literal["native", "rewritten", "unsupported"]
_Place = Annotated[int, Meta(ge=1)] | None
_OptionalCell = Annotated[int, Meta(ge=1)] | UnsetType


# A value of a name in the text, and lists of values.
_Single = (
    Annotated[int, Meta(ge=-_LARGEST, le=_LARGEST)]
    | float
    | bool
    | Annotated[str, Meta(max_length=MAX_VALUE)]
    | None
)
_Few: Final = Meta(max_length=MAX_NAMES)
_Given = _Single | Annotated[list[_Single | Annotated[list[_Single], _Few]], _Few]
_Name = Annotated[str, Meta(min_length=1, max_length=MAX_VALUE)]


class Options(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a text or a file is looked up."""

    source: Annotated[
        _Framework | UnsetType, Meta(description="Whose call it is; recognised where left out.")
    ] = field(default=UNSET, name="from")
    to: Annotated[
        Annotated[tuple[_Framework, ...], Meta(max_length=len(FRAMEWORKS))] | UnsetType,
        Meta(
            description="Frameworks to write it for; all others where left out.",
            extra_json_schema={"uniqueItems": True},
        ),
    ] = UNSET
    input: Annotated[
        _Sizes | UnsetType,
        Meta(
            description="The input's shape, (n, c_in, *size), for what the text leaves open.",
            examples=[[1, 64, 16, 16]],
        ),
    ] = UNSET
    weight: Annotated[
        _PositiveSizes | UnsetType,
        Meta(
            description="The weights' shape, (c_in, c_out/groups, *kernel), likewise.",
            examples=[[64, 32, 4, 4]],
        ),
    ] = UNSET
    values: Annotated[
        Annotated[dict[_Name, _Given], _Few] | UnsetType,
        Meta(
            description="Values for names of the text, function parameters included.",
            examples=[{"k": 16, "opt.ngf": 64}],
        ),
    ] = field(default=UNSET, name="set")
    style: Annotated[
        Style, Meta(description="What is executed, or what people put in a network.")
    ] = "function"


class Query(Options, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A text, and how it is looked up."""

    text: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=MAX_TEXT,
            description="Code with one call or several, an operator's descriptor, or a line of "
            "benchdnn.",
            examples=["nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1)"],
        ),
    ]
    file: Annotated[
        Annotated[str, Meta(max_length=MAX_FILE_NAME)] | UnsetType,
        Meta(
            description="Name of the file that the text is from: its ending says how it is read.",
            examples=["model.ipynb"],
        ),
    ] = UNSET


class Operator(Struct, forbid_unknown_fields=True):
    """A transposed convolution."""

    in_channels: _Number
    out_channels: _Number
    kernel: _Axes
    stride: _Axes
    dilation: _Axes
    crop: Annotated[list[_Pair], Meta(min_length=1, max_length=3)]
    groups: _Number
    bias: bool


class SourceWeights(Struct, forbid_unknown_fields=True):
    """How the weights of the text's framework become another's."""

    source: str = field(name="from")
    code: str
    bias_code: str | None


class Weights(Struct, forbid_unknown_fields=True):
    """How weights in the canonical layout become a framework's."""

    canonical: str = field(name="from")
    to: str
    code: str
    bias_code: str | None
    source: SourceWeights


class Translation(Struct, forbid_unknown_fields=True):
    """One framework's answer."""

    support: _Support
    reason: str | None
    call: str | None
    program: str | None
    gradient: str | None
    training: str | None
    weights: Weights
    notes: list[str]
    without_bias: Translation | UnsetType = UNSET


class Problem(Struct, forbid_unknown_fields=True):
    """The line of benchdnn."""

    support: _Support
    reason: str | None
    problem: str | None


class LookUp(Struct, forbid_unknown_fields=True):
    """One call: what `deconform translate` prints as JSON; of a model, it has a node, no line."""

    operator: Operator
    descriptor: str | None
    input: list[int] | None
    output: list[_Number] | None
    framework: str | None
    form: str | None
    notes: list[str]
    translations: dict[str, Translation]
    file: str | None
    line: _Place | UnsetType = UNSET
    column: _Place | UnsetType = UNSET
    cell: _OptionalCell = UNSET
    node: str | UnsetType = UNSET
    benchdnn: Problem | UnsetType = UNSET


class RefusedCall(Struct, forbid_unknown_fields=True):
    """A call that cannot be read, and why."""

    file: str | None
    error: str
    line: _Place | UnsetType = UNSET
    column: _Place | UnsetType = UNSET
    cell: _OptionalCell = UNSET
    node: str | UnsetType = UNSET


class LookUps(Struct, forbid_unknown_fields=True):
    """Several calls: those that could be read, and those that could not."""

    calls: list[LookUp]
    refused: list[RefusedCall]


class Refusal(Struct, forbid_unknown_fields=True):
    """Why there is no answer: a sentence, the place in the text, and the field that would help."""

    message: str
    line: _Place
    column: _Place
    asks: Literal["input", "weight", "from", "to", "style", "set"] | None
    example: str | list[int] | None


class Error(Struct, forbid_unknown_fields=True):
    """What the API answers where it does not answer."""

    error: Refusal
