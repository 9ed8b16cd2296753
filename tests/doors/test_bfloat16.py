"""bfloat16 at every door: only where it is claimed, and then as it is promised to come."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import pytest
from fake_libraries import HAS_COMPILER, compile_library

from harness.cli.exit_statuses import OK
from harness.cli.main import main
from harness.conformance.pipeline import run_columns
from harness.conformance.worker_check import Mark, check_worker
from harness.doors.implementation import load_implementation
from harness.engines.channel import Channel
from harness.execution.column import Column
from harness.records.record import Record
from harness.records.status import Status
from harness.suite.case import case_from_descriptor

pytest.importorskip("ml_dtypes")

DESCRIPTORS = (
    "ic2_oc2_k3_s2_b_n1_i4_bf16",
    "ic2_oc2_k2x3_s1x2_c0.1x1.0_n1_i3x4_bf16",
    "ic4_oc6_k2_g2_b_n1_i3_bf16",
)
CLAIMED = "claims: {dtypes: [bfloat16, float32]}"

PYTHON = """
import numpy as np

def wide(x, w, b, stride, dilation, crop, groups):
    y = conv_transpose(x, w, b, stride, dilation, crop, groups)
    return y.astype("float32")

def conv_transpose(x, w, b, stride, dilation, crop, groups):
    assert str(x.dtype) == str(w.dtype) == "bfloat16"
    sizes = [
        (n - 1) * s + d * (k - 1) + 1
        for n, s, d, k in zip(x.shape[2:], stride, dilation, w.shape[2:])
    ]
    y = np.zeros((len(x), w.shape[1] * groups, *sizes), "float32")
    inputs, outputs = len(w) // groups, w.shape[1]
    for group in range(groups):
        part = slice(group * inputs, (group + 1) * inputs)
        to = slice(group * outputs, (group + 1) * outputs)
        for tap in np.ndindex(*w.shape[2:]):
            at = tuple(
                slice(t * d, t * d + (n - 1) * s + 1, s)
                for t, d, n, s in zip(tap, dilation, x.shape[2:], stride)
            )
            one, other = x[:, part].astype("f4"), w[(part, ..., *tap)].astype("f4")
            y[(slice(None), to, *at)] += np.einsum("nc...,cm->nm...", one, other)
    kept = [slice(begin, size - end) for size, (begin, end) in zip(sizes, crop)]
    y = y[(..., *kept)]
    if b is not None:
        y += b.astype("f4").reshape(-1, *(1 for _ in sizes))
    return y.astype(x.dtype)
"""

# The upper half of a float32, rounded to the nearest, ties to even.
C = """
#include "deconform.h"
#include <stdlib.h>
#include <string.h>

static float wide(const uint16_t *bits, int64_t i)
{
    const uint32_t whole = (uint32_t)bits[i] << 16;
    float value;
    memcpy(&value, &whole, sizeof value);
    return value;
}

static uint16_t narrow(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

int deconform_conv_transpose(const deconform_problem *p, const void *x, const void *w,
                             const void *b, void *y)
{
    if (p->dtype != DECONFORM_BFLOAT16 || p->rank != 1)
        return DECONFORM_UNSUPPORTED;
    const int64_t ins = p->in_channels / p->groups, outs = p->out_channels / p->groups;
    for (int64_t n = 0; n < p->batch; n++)
        for (int64_t o = 0; o < p->out_channels; o++)
            for (int64_t at = 0; at < p->out_size[0]; at++) {
                float sum = p->has_bias ? wide(b, o) : 0;
                for (int64_t c = 0; c < ins; c++)
                    for (int64_t i = 0; i < p->in_size[0]; i++)
                        for (int64_t k = 0; k < p->kernel[0]; k++) {
                            const int64_t channel = o / outs * ins + c;
                            if (i * p->stride[0] + k * p->dilation[0] - p->crop_begin[0] != at)
                                continue;
                            sum += wide(x, (n * p->in_channels + channel) * p->in_size[0] + i)
                                 * wide(w, (channel * outs + o % outs) * p->kernel[0] + k);
                        }
                ((uint16_t *)y)[(n * p->out_channels + o) * p->out_size[0] + at] = narrow(sum);
            }
    return 0;
}
"""

# One axis and one channel, as bits: what the page of the protocol says, and no more.
COMMAND = """
import json, struct, sys

def numbers(blob):
    return [struct.unpack("<f", b"\\0\\0" + blob[i : i + 2])[0] for i in range(0, len(blob), 2)]

while line := sys.stdin.buffer.readline():
    request = json.loads(line)
    given = {}
    for each in request["arrays"]:
        blob = sys.stdin.buffer.read(each["nbytes"])
        given[each["name"]] = each["dtype"], each["shape"], blob
    answer, blob = {"op": "refused", "message": "start and run of one channel only"}, b""
    if request["op"] == "start":
        answer = {"op": "started", "version": "1"}
    elif request["op"] == "run" and given["x"][1][:2] == given["w"][1][:2] == [1, 1]:
        (s,), (d,) = request["arguments"]["stride"], request["arguments"]["dilation"]
        ((begin, end),) = request["arguments"]["crop"]
        x, w = numbers(given["x"][2]), numbers(given["w"][2])
        y = [0.0] * ((len(x) - 1) * s + d * (len(w) - 1) + 1)
        for i, one in enumerate(x):
            for k, other in enumerate(w):
                y[i * s + k * d] += one * other
        y = y[begin : len(y) - end]
        blob = b"".join(struct.pack("<f", each)[2:] for each in y)
        about = {"name": "y", "dtype": DTYPE, "shape": [1, 1, len(y)], "nbytes": len(blob)}
        answer = {"op": "result", "arrays": [about]}
    sys.stdout.buffer.write(json.dumps({**answer, "id": request["id"]}).encode() + b"\\n" + blob)
    sys.stdout.buffer.flush()
"""


def records_of(
    folder: Path, door: str, *more: str, cases: tuple[str, ...] = DESCRIPTORS
) -> list[Record]:
    file = folder / "mine.yaml"
    file.write_text("\n".join(["name: mine", door, *more]))
    column = Column(load_implementation(file))
    events = run_columns([case_from_descriptor(each) for each in cases], [column])
    records = [each for each in events if isinstance(each, Record)]
    return [each for each in records if each.check in ("shape", "value")]


@pytest.fixture
def python(tmp_path: Path) -> str:
    (tmp_path / "kernels.py").write_text(PYTHON)
    return "python: kernels:conv_transpose"


def test_who_does_not_claim_it_is_given_none(tmp_path: Path, python: str) -> None:
    for claims in ("", "claims: {axes: [1, 2, 3]}", "claims: {dtypes: [float16, float32]}"):
        records = records_of(tmp_path, python, claims)
        assert {(each.status, each.reason) for each in records} == {
            (Status.UNSUPPORTED, "not claimed: dtypes: bfloat16")
        }


def test_a_python_function_gets_arrays_of_the_type(tmp_path: Path, python: str) -> None:
    records = records_of(tmp_path, python, CLAIMED)
    assert {each.status for each in records} == {Status.PASSED}, records
    text = "ic2_oc2_k3_s2_b_n1_i4_bf16"
    assert main(["reproduce", text, "-f", str(tmp_path / "mine.yaml")]) == OK


def test_a_wider_type_is_told(tmp_path: Path, python: str) -> None:
    records = records_of(tmp_path, python.replace(":conv_transpose", ":wide"), CLAIMED)
    reasons = {each.reason for each in records if each.check == "value"}
    assert reasons == {"y is float32, expected bfloat16"}


def test_an_interpreter_without_the_package_says_so(tmp_path: Path, python: str) -> None:
    # What is next to the file is imported first.
    (tmp_path / "ml_dtypes.py").write_text("raise ModuleNotFoundError('no ml_dtypes here')")
    records = records_of(tmp_path, python, CLAIMED)
    assert {(each.status, each.reason) for each in records} == {
        (Status.ERRORED, "setup raised ModuleNotFoundError: no ml_dtypes here")
    }


def test_it_is_called_in_a_frameworks_words_too(tmp_path: Path) -> None:
    text = (
        "def mine(x, w, b, stride, padding, output_padding, groups, dilation):\n"
        "    crop = [(p, p - q) for p, q in zip(padding, output_padding)]\n"
        "    return conv_transpose(x, w, b, stride, dilation, crop, groups)\n"
    )
    (tmp_path / "kernels.py").write_text(PYTHON + text)
    records = records_of(tmp_path, "python: kernels:mine", "speaks: pytorch", CLAIMED)
    assert {each.status for each in records} == {Status.PASSED}, records


@pytest.mark.skipif(not HAS_COMPILER, reason="needs a C compiler")
def test_a_c_function_is_told_by_a_dtype_of_its_own(tmp_path: Path) -> None:
    path = compile_library(tmp_path / "mine.so", C)
    records = records_of(tmp_path, f"library: {path}", CLAIMED, cases=DESCRIPTORS[::2])
    assert {each.status for each in records} == {Status.PASSED}, records


@pytest.mark.skipif(not HAS_COMPILER, reason="needs a C compiler")
@pytest.mark.parametrize(
    ("right", "wrong", "fact"),
    [
        ("p->in_size[0] + i)", "p->in_size[0] + i - 1)", "reads beyond x (y shows it: "),
        ("at < p->out_size[0]", "at < p->out_size[0] - 1", "leaves part of y unwritten (2 of 18"),
        ("n < p->batch", "n < p->batch - 1", "leaves y unwritten"),
        ("at < p->out_size[0]", "at <= p->out_size[0]", "writes beyond y (up to 2 bytes after "),
    ],
)
def test_a_c_function_is_watched(tmp_path: Path, right: str, wrong: str, fact: str) -> None:
    path = compile_library(tmp_path / "mine.so", C.replace(right, wrong))
    records = records_of(tmp_path, f"library: {path}", CLAIMED, cases=DESCRIPTORS[:1])
    assert {each.status for each in records} == {Status.FAILED}
    assert all((each.reason or "").startswith(fact) for each in records), records


@pytest.mark.parametrize(("dtype", "reason"), [("bfloat16", None), ("float16", "y is float16")])
def test_a_program_gets_two_bytes_under_the_name(
    tmp_path: Path, dtype: str, reason: str | None
) -> None:
    (tmp_path / "worker.py").write_text(COMMAND.replace("DTYPE", repr(dtype)))
    door = f"command: [{sys.executable}, worker.py]"
    claims = "claims: {dtypes: [bfloat16], bias: false, gradients: false}"
    cases = ("ic1_oc1_k3_s2_c1.0_n1_i4_bf16",)
    records = records_of(tmp_path, door, claims, cases=cases)
    (value,) = (each for each in records if each.check == "value")
    assert (value.reason or "").startswith(reason or "")
    assert value.status == (Status.FAILED if reason else Status.PASSED)


def test_without_the_package_here_a_program_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    (tmp_path / "worker.py").write_text(COMMAND.replace("DTYPE", "'bfloat16'"))
    door = f"command: [{sys.executable}, worker.py]"
    (record, _) = records_of(tmp_path, door, CLAIMED, cases=DESCRIPTORS[:1])
    assert record.status == Status.SKIPPED
    implementation = load_implementation(tmp_path / "mine.yaml")
    with closing(check_worker(implementation, 5.0)) as findings:
        found = next(each for each in findings if each.subject == "run, bfloat16")
    assert found.mark == Mark.REFUSED
    assert "pip install ml_dtypes" in found.came


def test_a_channel_reads_it_without_the_package_as_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    about = '{"name": "y", "dtype": "bfloat16", "shape": [1], "nbytes": 2}'
    line = f'{{"op": "result", "id": 1, "seconds": {{}}, "arrays": [{about}]}}'
    script = f"import os; os.write(1, {line.encode()!r} + b'\\n\\x80\\x3f')"
    with closing(Channel([sys.executable, "-c", script], {})) as channel:
        channel.send({"op": "run"}, {})
        _, arrays = channel.receive(10, 100)
    assert (str(arrays["y"].dtype), arrays["y"].tolist()) == ("uint16", [0x3F80])
