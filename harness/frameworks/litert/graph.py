"""The text that builds a model of one operator, or of one for each group, and what runs it.

Tensor 0 is the model's input, 1 its output and 2 the ``output_shape``.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from harness.convention import text
from harness.core.operators import Operator

# The builtin kernels refuse what they cannot compute.  The default delegate, XNNPACK, takes any
# output_shape with VALID and returns another size, without an error.
BUILTIN: Final = "BUILTIN_WITHOUT_DEFAULT_DELEGATES"


class _Kind(NamedTuple):
    """One of the two operators, in the words of the schema."""

    code: str
    number: int
    version: int  # The first that has a bias
    options: str
    strides: tuple[str, ...]
    dilations: tuple[str, ...] = ()


# https://github.com/google-ai-edge/LiteRT/blob/main/tflite/converter/tools/versioning/op_version.cc
_FLAT: Final = _Kind("TRANSPOSE_CONV", 67, 3, "TransposeConvOptions", ("strideH", "strideW"))
_VOLUME: Final = _Kind(
    "CONV_3D_TRANSPOSE",
    127,  # What stands there for all that are larger
    1,
    "Conv3DOptions",
    ("strideD", "strideH", "strideW"),
    ("dilationDFactor", "dilationHFactor", "dilationWFactor"),
)


class Graph(NamedTuple):
    """A model's text: ``arrays``, then its ``definition``, then its ``interpreter``."""

    operator: Operator  # As the operator says it: without dilations that it does not take
    padding: str
    removed: tuple[int, ...]  # What the output_shape leaves out of the full size, on each axis
    bias: bool
    weights: str  # The array of the weights in our layout
    resolver: str  # Which kernels execute it; empty for LiteRT's choice

    @property
    def _kind(self) -> _Kind:
        return _VOLUME if self.operator.rank == 3 else _FLAT

    @property
    def _groups(self) -> int:
        return self.operator.groups

    def arrays(self) -> str:
        """Write the arrays in the operator's layouts; a single axis has one row."""
        row = "[:, None]" if self.operator.rank == 1 else ""
        axes = "(-1, -2)" if self.operator.rank == 3 else "(-1, 0)"
        return text.lines(
            f"x_ = np.moveaxis(x, 1, -1){row}",
            f"w_ = np.moveaxis({self.weights}, (0, 1), {axes}){row}",
        )

    def definition(self) -> str:
        """Write the output's shape, the options and the operators."""
        kind, operator = self._kind, self.operator
        row, first = (["1"], 2) if operator.rank == 1 else ([], 1)
        spatial = text.full_size_of("x_", operator, first, self.removed)
        channels = operator.out_channels // max(operator.groups, 1)
        steps = zip(kind.strides, (1, *operator.stride)[-len(kind.strides) :], strict=True)
        given = text.arguments(
            **{name: str(step) for name, step in steps},
            **{
                name: str(step)
                for name, step in zip(kind.dilations, operator.dilation, strict=False)
                if step != 1
            },
        )
        return text.lines(
            f"output_shape = {text.tuple_of(['x_.shape[0]', *row, *spatial, channels])}",
            f"options = schema.{kind.options}T(padding=schema.Padding.{self.padding}{given})",
            self._operators(),
        )

    def _operators(self) -> str:
        groups, end = self._groups, self._first_constant
        if groups == 1:
            bias = ", 4" if self.bias else ""
            one = self._node(f"[2, 3, 0{bias}]", "[1]", self._kind.options, "options")
            return f"operators = [{one}]"
        bias = f", {end + groups} + i" if self.bias else ""
        each = self._node(
            f"[2, {end} + i, 4 + i{bias}]", f"[{4 + groups} + i]", self._kind.options, "options"
        )
        split = self._node(
            "[3, 0]",
            f"list(range(4, {4 + groups}))",
            "SplitOptions",
            f"schema.SplitOptionsT(numSplits={groups})",
            code=1,
        )
        joined = self._node(
            f"list(range({4 + groups}, {end}))",
            "[1]",
            "ConcatenationOptions",
            f"schema.ConcatenationOptionsT(axis={len(self._kind.strides) + 1})",
            code=2,
        )
        return text.lines(
            "operators = [",
            f"    {split},",
            f"    *({each} for i in range({groups})),",
            f"    {joined},",
            "]",
        )

    @staticmethod
    def _node(inputs: str, outputs: str, kind: str, options: str, code: int = 0) -> str:
        opcode = f"opcodeIndex={code}, " if code else ""
        return (
            f"schema.OperatorT({opcode}inputs={inputs}, outputs={outputs}, "
            f"builtinOptionsType=schema.BuiltinOptions.{kind}, builtinOptions={options})"
        )

    @property
    def _first_constant(self) -> int:
        """The tensor of the first group's weights, after the parts of input and output."""
        return 4 + 2 * self._groups

    def interpreter(self) -> str:
        """Write the tensors, the model and what runs it."""
        groups, axes = self._groups, len(self._kind.strides) + 2
        is_split = groups != 1
        integers = "type=schema.TensorType.INT32"
        constants = [
            "np.array(output_shape, 'int32')",
            "np.array(-1, 'int32')" if is_split else None,
            f"*np.split(w_, {groups}, axis=-1)" if is_split else "w_",
            (f"*np.split(b, {groups})" if is_split else "b") if self.bias else None,
        ]
        first, held = (3, "constants[2:]") if is_split else (2, "constants[1:]")
        parts = f"x_.shape[:-1] + (x_.shape[-1] // {groups},)" if is_split else ""
        channels = f"[:-1] + ({self.operator.out_channels},)" if is_split else ""
        tensors = [
            "schema.TensorT(shape=x_.shape)",
            f"schema.TensorT(shape=output_shape{channels})",
            f"schema.TensorT(shape=[{axes}], {integers}, buffer=1)",
            f"schema.TensorT(shape=[], {integers}, buffer=2)" if is_split else None,
            f"*(schema.TensorT(shape={parts}) for i in range({groups}))" if is_split else None,
            f"*(schema.TensorT(shape=output_shape) for i in range({groups}))" if is_split else None,
            f"*(schema.TensorT(shape=array.shape, buffer={first} + i) "
            f"for i, array in enumerate({held}))",
        ]
        codes = [
            f"schema.OperatorCodeT({self._kind.number}, version={self._kind.version}, "
            f"builtinCode=schema.BuiltinOperator.{self._kind.code})",
            *(
                f"schema.OperatorCodeT({number}, builtinCode=schema.BuiltinOperator.{name})"
                for number, name in ((49, "SPLIT"), (2, "CONCATENATION"))
                if is_split
            ),
        ]
        return text.lines(
            f"constants = [{', '.join(each for each in constants if each)}]",
            "buffers = [schema.BufferT(), *(schema.BufferT(data=array.ravel().view('uint8')) "
            "for array in constants)]",
            "tensors = [",
            *(f"    {each}," for each in tensors if each),
            "]",
            f"codes = [{', '.join(codes)}]",
            "graph = schema.SubGraphT(tensors, inputs=[0], outputs=[1], operators=operators)",
            "model = schema.ModelT(3, codes, [graph], buffers=buffers)",
            "builder = flatbuffers.Builder()",
            "builder.Finish(model.Pack(builder), b'TFL3')",
            "interpreter = litert.Interpreter(",
            "    model_content=bytes(builder.Output()),",
            "    num_threads=int(os.environ.get('OMP_NUM_THREADS', 1)),",
            f"    experimental_op_resolver_type=litert.OpResolverType.{self.resolver},"
            if self.resolver
            else None,
            ")",
            "interpreter.allocate_tensors()",
        )
