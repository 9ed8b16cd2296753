"""PyTorch's files, without PyTorch: what is read of them, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import model_samples as samples
import pytest

from harness.core.errors import InputError
from harness.core.operators import Operator
from harness.lookup.answer import LookUp
from harness.lookup.models import NodeError, is_model, read_model

OPERATOR = Operator.of(4, 6, (3,), stride=2, crop=1, bias=False)


def read(path: Path, content: bytes) -> list[Any]:
    path.write_bytes(content)
    assert is_model(path)
    return read_model(path, path.name, ["mxnet"])


def exported(folder: Path, program: Any, member: str = "net/models/model.json") -> list[Any]:
    return read(folder / "net.pt2", samples.archive({member: json.dumps(program)}))


def scripted(folder: Path, code: str) -> list[Any]:
    return read(folder / "net.pt", samples.torchscript(code))


@pytest.mark.parametrize("member", ["net/models/model.json", "serialized_exported_program.json"])
def test_an_exported_program(member: str, tmp_path: Path) -> None:
    (look,) = exported(tmp_path, samples.exported_program(), member)
    assert isinstance(look, LookUp), look
    assert (look.reading.name, look.reading.operator) == ("up", OPERATOR)
    assert (look.reading.input, look.output) == ((1, 4, 5), (1, 6, 9))


def test_a_lowered_program_and_a_graph_in_a_node(tmp_path: Path) -> None:
    program = samples.exported_program(transposed={"as_bool": True}, groups={"as_int": 2})
    graph = program["graph_module"]["graph"]
    graph["nodes"][0]["target"] = "torch.ops.aten.convolution.default"
    plain = samples.exported_program(transposed={"as_bool": False})["graph_module"]["graph"]
    plain["nodes"][0]["target"] = "torch.ops.aten.convolution.default"
    branch = {"name": "true_fn", "arg": {"as_graph": {"name": "g", "graph": {**graph}}}}
    outer = {"target": "torch.ops.higher_order.cond", "inputs": [branch], "outputs": []}
    program = {"graph_module": {"graph": {"nodes": [*plain["nodes"], outer]}}}
    (look,) = exported(tmp_path, program)
    assert look.reading.operator == Operator.of(4, 12, (3,), stride=2, crop=1, groups=2, bias=False)


def test_a_size_that_is_not_known_is_no_shape_of_the_input(tmp_path: Path) -> None:
    program = samples.exported_program(stride={"as_sym_ints": [{"as_int": 2}]})
    sizes = program["graph_module"]["graph"]["tensor_values"]["x"]["sizes"]
    sizes[0] = {"as_expr": {"expr_str": "s0"}}
    (look,) = exported(tmp_path, program)
    assert look.reading.input == (1, 4, 5)
    sizes[2] = {"as_expr": {"expr_str": "s1"}}
    (look,) = exported(tmp_path, program)
    assert look.reading.input is None


@pytest.mark.parametrize(
    ("settings", "fact"),
    [
        ({"stride": {"as_ints": [0]}}, "stride [0] must be at least 1 on every axis."),
        ({"stride": {"as_sym_ints": [{"as_name": "s0"}]}}, "stride must be an integer, found 'as_"),
        ({"groups": {"as_int": 3}}, "groups 3 does not divide in_channels 4"),
    ],
)
def test_what_is_illegal_in_a_program(settings: Any, fact: str, tmp_path: Path) -> None:
    (refused,) = exported(tmp_path, samples.exported_program(**settings))
    assert isinstance(refused, NodeError)
    assert str(refused).startswith(f"up: {fact}")


def test_a_program_of_quantised_numbers_is_refused_by_name(tmp_path: Path) -> None:
    program = samples.exported_program()
    program["graph_module"]["graph"]["nodes"][0]["target"] = "torch.ops.quantized.conv_transpose2d"
    (refused,) = exported(tmp_path, program)
    assert str(refused) == "up: torch.ops.quantized.conv_transpose2d is not read here."


@pytest.mark.parametrize("program", [{}, [], {"graph_module": {"graph": {"nodes": 3}}}])
def test_what_is_no_program(program: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"it holds no program of torch\.export"):
        exported(tmp_path, program)


def test_torchscript_by_its_code_and_its_weights(tmp_path: Path) -> None:
    (look,) = scripted(tmp_path, samples.CODE)
    assert isinstance(look, LookUp), look
    assert (look.reading.name, look.reading.operator) == ("up", OPERATOR)


@pytest.mark.parametrize("stride", ["s", "[self.weight, 2]", "torch.size(x)", "[s]"])
def test_what_is_computed_is_refused(stride: str, tmp_path: Path) -> None:
    (refused,) = scripted(tmp_path, samples.CODE.replace("None, [2]", f"None, {stride}"))
    assert isinstance(refused, NodeError)
    assert str(refused) == "up: stride is computed when the program runs."


@pytest.mark.parametrize(
    "call",
    [
        "torch.convolution(x, weight, None, [2], [1], [1], True, [0], 1)",
        "torch.conv_transpose1d(x, weight, None, [2], [1], [0], 1, [1])",
        "torch.conv_transpose1d(x, weight, stride=[2], padding=[1])",
    ],
)
def test_every_function_that_computes_one(call: str, tmp_path: Path) -> None:
    before = next(line for line in samples.CODE.splitlines() if "torch._conv" in line)
    (look,) = scripted(tmp_path, samples.CODE.replace(before, f"    y = {call}"))
    assert look.reading.operator == OPERATOR


def test_a_name_is_followed_where_it_has_one_value(tmp_path: Path) -> None:
    named = samples.CODE.replace("None, [2]", "None, s")
    once = named.replace("    weight =", "    s = annotate(List[int], [3])\n    weight =")
    (look,) = scripted(tmp_path, once)
    assert look.reading.operator.stride == (3,)
    twice = once.replace("    weight =", "    if x:\n      s = [2]\n    weight =")
    (refused,) = scripted(tmp_path, twice)
    assert str(refused) == "up: stride is computed when the program runs."


def test_a_convolution_that_is_not_transposed_is_none(tmp_path: Path) -> None:
    assert scripted(tmp_path, samples.CODE.replace("[1], True", "[1], False")) == []
    (refused,) = scripted(tmp_path, samples.CODE.replace("[1], True", "[1], x"))
    assert str(refused) == "up: whether the convolution is transposed is computed."


def test_two_in_a_module_have_the_names_of_their_results(tmp_path: Path) -> None:
    call = next(line for line in samples.CODE.splitlines() if "torch._conv" in line)
    code = samples.CODE.replace(call, f"{call}\n{call.replace('y =', 'z =')}")
    every = scripted(tmp_path, code)
    assert [look.reading.name for look in every] == ["up.y", "up.z"]


def test_a_function_outside_of_modules_is_refused(tmp_path: Path) -> None:
    code = (
        samples.CODE
        + "def free(x: Tensor, w: Tensor) -> Tensor:\n  return torch.conv_transpose2d(x, w)\n"
    )
    look, refused = scripted(tmp_path, code)
    assert isinstance(look, LookUp)
    assert str(refused).startswith("free: it is in a function whose arguments the weights are")


def test_a_module_that_was_saved_whole(tmp_path: Path) -> None:
    (look,) = read(tmp_path / "net.pth", samples.whole_module())
    assert isinstance(look, LookUp), look
    assert (look.reading.name, look.reading.operator) == ("up", OPERATOR)
    assert look.reading.notes == ()


def test_a_class_of_the_project_is_noted(tmp_path: Path) -> None:
    content = samples.whole_module().replace(b"ctorch.nn.modules.conv\nConv", b"cown.layers\nConv")
    (look,) = read(tmp_path / "net.pth", content)
    assert look.reading.operator == OPERATOR
    assert look.reading.notes == (
        "own.layers.ConvTranspose1d is a class of its project, which may compute more.",
    )


def test_archives_and_pickles_of_others(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    with pytest.raises(InputError, match="is an archive, but none that PyTorch writes"):
        read(path, samples.archive({"word/document.xml": ""}))
    with pytest.raises(InputError, match="is a pickle, but none that PyTorch writes"):
        read(path, samples.pickled(b"}"))
    with pytest.raises(InputError, match=r"net\.pt cannot be read: its pickle is damaged"):
        read(path, samples.archive({"net/data.pkl": b"\x80\x02h\x05."}))
    assert read(path, samples.archive({"net/data.pkl": samples.pickled(b"}")})) == []


def weights(**shapes: tuple[int, ...]) -> bytes:
    items = b"".join(samples.text(n) + samples.tensor(*shape) for n, shape in shapes.items())
    return samples.archive({"net/data.pkl": samples.pickled(b"}(" + items + b"u")})


@pytest.mark.parametrize(
    ("shapes", "listed"),
    [
        (
            {"up.weight": (4, 6, 3), "up.bias": (6,)},
            "up.weight (4, 6, 3): 4 -> 6 channels, kernel 3",
        ),
        (
            {"up.weight": (4, 3, 5, 2), "up.bias": (6,)},
            "up.weight (4, 3, 5, 2): 4 -> 6 channels, kernel 5x2, 2 groups",
        ),
        (
            {"ups.0.weight_g": (8, 1, 1), "ups.0.weight_v": (8, 4, 16), "ups.0.bias": (4,)},
            "ups.0.weight_v (8, 4, 16): 8 -> 4 channels, kernel 16",
        ),
        (
            {"up.parametrizations.weight.original1": (8, 4, 16), "up.bias": (4,)},
            "up.parametrizations.weight.original1 (8, 4, 16): 8 -> 4 channels, kernel 16",
        ),
        ({"conv.weight": (8, 3, 3, 3)}, "conv.weight (8, 3, 3, 3): 8 -> 3 channels, kernel 3x3"),
    ],
)
def test_weights_alone_tell_what_they_may_be(
    shapes: dict[str, tuple[int, ...]], listed: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path / "net.pt", weights(**shapes))
    _, line, advice = str(caught.value).splitlines()
    assert line == f"  {listed}"
    size = next(shape for name, shape in shapes.items() if name == listed.partition(" ")[0])
    assert advice.startswith(
        f"Look up the code of the layer, and add weight {','.join(map(str, size))} "
    )


def test_weights_that_are_certainly_none(tmp_path: Path) -> None:
    convolution = {"conv.weight": (8, 3, 3, 3), "conv.bias": (8,), "line.weight": (4, 5)}
    assert read(tmp_path / "net.pt", weights(**convolution)) == []
    with pytest.raises(InputError, match=r"None is called and shaped like a transposed conv"):
        read(tmp_path / "net.pt", weights(positions=(1, 7, 5)))
