"""What ``deconform reproduce`` prints can be pasted, and says which code was run."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fake_libraries import HAS_COMPILER

from harness.conformance.reproduction import reproduced
from harness.doors.implementation import load_implementation
from harness.doors.scaffold import write_scaffold
from harness.execution.column import Conditions
from harness.suite.case import case_from_descriptor
from harness.suite.expectations import expect

SMALL, LARGE = "ic2_oc4_k3x2_s2x1_c1.0x0.-2_g2_b_n2_i3x4", "ic2_oc2_k3_s2_n1_i150"
GARBAGE = """
import numpy as np

def conv_transpose(x, w, b, stride, dilation, crop, groups):
    y = np.full((1, 2, 7), 0x7FAA5A5A, np.uint32)
    y[0, 1, 2] = 0xFF7FFFFF
    return y.view(np.float32)
"""


def pasted(text: str, folder: Path) -> object:
    """Run all from the inputs to the outputs, in a folder of its own."""
    program = text[text.index("# inputs\n") :].partition("\ngot ")[0].partition("\nx (")[0]
    command = [sys.executable, "-c", f"{program}\nimport json\nprint(json.dumps(y.tolist()))"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    return json.loads(ran.stdout)


@pytest.mark.parametrize(
    ("door", "descriptor", "file"),
    [
        ("python", SMALL, "kernels.py"),
        ("python", LARGE, "kernels.py"),
        ("onnx", SMALL, "runner.py"),
        pytest.param(
            *("c", SMALL, "libmine.so"),
            marks=pytest.mark.skipif(not HAS_COMPILER, reason="needs a C compiler"),
        ),
    ],
)
def test_it_can_be_pasted(tmp_path: Path, door: str, descriptor: str, file: str) -> None:
    example = write_scaffold(door, tmp_path / "mine")
    if door == "c":
        subprocess.run(["make", "-s", "-C", example.folder], check=True)
    case = case_from_descriptor(descriptor)
    mine = load_implementation(example.implementation)
    text, is_passed = reproduced(case, mine, Conditions())
    assert is_passed
    content = (example.folder / file).read_bytes()
    known_by = f"{file} {hashlib.sha256(content).hexdigest()[:8]}"
    assert text.startswith(f"{descriptor}: mine {known_by}, ")
    assert f"\n  by {sys.executable}\n\n# inputs\n" in text
    np.testing.assert_array_equal(pasted(text, tmp_path), expect(case).outputs["y"])


def test_any_bits_are_shown_without_a_warning(tmp_path: Path) -> None:
    (tmp_path / "kernels.py").write_text(GARBAGE)
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\npython: kernels:conv_transpose\n")
    case = case_from_descriptor("ic1_oc2_k3_s2_b_n1_i3")
    text, is_passed = reproduced(case, load_implementation(file), Conditions())
    assert not is_passed
    assert "holds what is no sum of products of its inputs: y: 14 of 14 elements differ" in text
    assert "got y (1, 2, 7) float32 =\n[[[           nan" in text
