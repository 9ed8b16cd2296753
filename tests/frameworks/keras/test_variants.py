"""Keras on its other backends, where their environments were built: they are none of CI's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import reality

from harness.cli.exit_statuses import OK
from harness.cli.main import main
from harness.convention.registry import convention, render
from harness.core.program import Program
from harness.engines.job import EngineUnavailableError
from harness.execution.environments import interpreter

pytestmark = pytest.mark.frameworks
VARIANTS = [variant.name for variant in convention("keras").variants]


@pytest.fixture(params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    try:
        interpreter(convention(name))
    except EngineUnavailableError as error:
        pytest.skip(str(error))
    return name


def test_a_variant_is_a_column_of_its_own(variant: str, tmp_path: Path) -> None:
    file = tmp_path / "report.jsonl"
    select = ["-k", "edge/channels/depthwise", "-k", "rejects/stride/zero", "-k", "rejects/output"]
    assert main(["run", "-f", "keras", "-f", variant, *select, "-o", str(file)]) == OK
    header, *records = (json.loads(line) for line in file.read_text().splitlines())
    assert [*header["frameworks"]] == ["keras", variant]
    for name in ("keras", variant):
        statuses = {each.get("status") for each in records if each.get("framework") == name}
        assert statuses == {"PASSED", "KNOWN"}
    line = f"-f {variant}"
    assert main(["reproduce", "ic2_oc3_k3_s2_b_n1_i4", *line.split()]) == OK


def test_layers_are_the_operator_on_every_backend(variant: str) -> None:
    rewritten = [
        (wanted, size)
        for wanted, size in reality.random_operators(150, seed=47)
        if isinstance(render(wanted, variant, "float64", style="layer"), Program)
    ][:8]
    native = [
        (wanted, size)
        for wanted, size in reality.random_operators(400, seed=48)
        for written in [render(wanted, variant, "float64", style="layer")]
        if isinstance(written, Program) and written.support == "native"
    ][:4]
    assert (len(rewritten), len(native)) == (8, 4)
    assert reality.layers_that_differ(variant, rewritten + native) == []
