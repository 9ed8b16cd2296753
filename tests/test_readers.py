"""Whatever a reader is given, it reads it or refuses it in the project's own words, soon."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from readers import READERS

from harness.core.errors import InputError

pytestmark = pytest.mark.slow

# A file that a process of its own reads takes the time of its start.
SLOW = {".mat"}
NAMES = [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in READERS]
SECONDS = 2.0


@st.composite
def spoilt(draw: st.DrawFn, name: str) -> bytes:
    """Draw what the reader can read, with a few places cut out, filled or exchanged."""
    seeds = READERS[name].seeds()
    content = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(content)))
        end = at + draw(st.sampled_from((0, 1, 1, 4, 64)))
        donor = draw(st.sampled_from(seeds))
        start = draw(st.integers(0, len(donor)))
        piece = draw(st.binary(max_size=3) | st.just(donor[start : start + 16]))
        content = content[:at] + piece + content[end:]
    return content


@pytest.mark.parametrize("name", READERS)
def test_seeds_are_read(name: str) -> None:
    refused = 0
    for seed in READERS[name].seeds():
        try:
            READERS[name].read(seed)
        except InputError:
            refused += 1
    assert refused <= len(READERS[name].seeds()) / 4


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_what_is_spoilt_is_read_or_refused(name: str, data: st.DataObject) -> None:
    content = data.draw(spoilt(name))
    before = time.process_time()
    try:
        READERS[name].read(content)
    except InputError as error:
        assert str(error)  # noqa: PT017 -- either will do
    assert time.process_time() - before < SECONDS
