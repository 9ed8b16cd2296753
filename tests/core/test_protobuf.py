"""Fields of protobuf messages: equal to what the library that wrote them says, or one error."""

from __future__ import annotations

import random

import onnx
import pytest

from harness.core.protobuf import ProtobufError, fields, integers, signed


def test_fields_of_a_message_that_the_library_wrote() -> None:
    tensor = onnx.TensorProto(dims=[2, 300, -1], data_type=1, name="w", raw_data=b"abcd")
    read: dict[int, list[object]] = {}
    for number, value in fields(memoryview(tensor.SerializeToString())):
        read.setdefault(number, []).append(value if isinstance(value, int) else bytes(value))
    assert [signed(each) for each in read.pop(1) if isinstance(each, int)] == [2, 300, -1]
    assert read == {2: [1], 8: [b"w"], 9: [b"abcd"]}


def test_packed_integers() -> None:
    tensor = onnx.TensorProto(int64_data=[1, 300, -7])
    ((number, packed),) = fields(memoryview(tensor.SerializeToString()))
    assert (number, [signed(each) for each in integers(packed)]) == (7, [1, 300, -7])
    assert [*integers(5)] == [5]


@pytest.mark.parametrize(
    "content",
    [b"\x08", b"\x08\xff", b"\x12\x05abc", b"\x0b", b"\x0f", b"\x08" + b"\xff" * 11, b"\x0d\0\0"],
)
def test_what_is_no_message_is_one_error(content: bytes) -> None:
    with pytest.raises(ProtobufError):
        list(fields(memoryview(content)))


def test_any_bytes_end_soon() -> None:
    numbers = random.Random(1)
    for _ in range(300):
        content = numbers.randbytes(numbers.randrange(200))
        try:
            assert sum(1 for _ in fields(memoryview(content))) <= len(content)
        except ProtobufError as error:
            assert str(error)  # noqa: PT017 -- either will do
