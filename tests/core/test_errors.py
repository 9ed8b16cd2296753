"""Sentences that name inputs, and the errors that ask for them."""

from __future__ import annotations

import copy
import pickle

from harness.core.errors import Ask, InputError, Mention, Place, Sentence, asked, named, worded

OPEN = "it is open: " + asked(Ask.INPUT_SHAPE, (1, 64, 16)) + ", unlike " + named(Ask.STYLE) + "."


def loudly(mention: Mention) -> str:
    return f"<{mention.ask.name} {mention.shown_value}>"


def test_adding_texts_keeps_what_is_named() -> None:
    assert OPEN.worded(loudly) == "it is open: <INPUT_SHAPE 1,64,16>, unlike <STYLE >."
    assert [mention.ask for mention in OPEN.mentions] == [Ask.INPUT_SHAPE, Ask.STYLE]


def test_a_sentence_reads_without_a_face() -> None:
    assert OPEN == "it is open: add input 1,64,16, unlike style."


def test_a_text_that_names_nothing_is_left_alone() -> None:
    own = "stride='add --input 1,2,3'"
    assert worded(own, loudly) == own
    assert (own + asked(Ask.RANK)).worded(loudly) == f"{own}<RANK >"


def test_an_error_carries_what_it_asks_for() -> None:
    error = InputError(OPEN, Place(2, 5, "  f(x)\n    ^"))
    assert (error.fact, error.asks, error.example) == (OPEN, Ask.INPUT_SHAPE, (1, 64, 16))
    assert str(error) == f"line 2, column 5: {OPEN}\n  f(x)\n    ^"
    assert error.worded(loudly).startswith("line 2, column 5: it is open: <INPUT_SHAPE 1,64,16>")


def test_of_a_fact_that_quotes_a_whole_file_the_start_is_shown() -> None:
    asking = "it holds " + "x" * 10**6 + ": " + asked(Ask.RANK)
    error = InputError(asking, Place(1, 1, "x\n^"))
    assert len(str(error)) < 4100
    assert str(error).endswith("xxx ... (1000019 characters)\nx\n^")
    assert (error.fact, error.asks) == (asking, Ask.RANK)


def test_what_is_only_named_is_not_asked_for() -> None:
    error = InputError("they differ in " + named(Ask.INPUT_SHAPE))
    assert (error.asks, error.example, error.place) == (None, None, None)
    assert (InputError("no.").asks, str(InputError("no."))) == (None, "no.")


def test_sentences_survive_a_copy() -> None:
    for again in (copy.deepcopy(OPEN), pickle.loads(pickle.dumps(OPEN))):
        assert isinstance(again, Sentence)
        assert again.parts == OPEN.parts
