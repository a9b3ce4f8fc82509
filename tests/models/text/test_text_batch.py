"""The text batch of a clip (paper section 2.6), and padding."""

import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from noise2music.core.device import one_thread
from noise2music.models.text.conditioning import SEPARATOR, TextBatch, encode_prompt, pad_text, text_batch
from noise2music.models.text.encoder import TextEncoder
from noise2music.models.text.load import TextSettings, load_encoder


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return load_encoder(TextSettings())


def test_long_captions_stay_alone_and_short_ones_are_joined(encoder: TextEncoder) -> None:
    found = text_batch(["A slow piano piece.", "Warm strings play."], ["jazz", " ", "sad mood"], encoder, 64)
    expected = [encoder.tokenise(text) for text in ("A slow piano piece.", "Warm strings play.", f"jazz{SEPARATOR}sad mood")]
    assert found == TextBatch(tuple(expected), 0)


def test_a_long_caption_is_cut_and_counted(encoder: TextEncoder) -> None:
    found = text_batch(["piano and drums " * 40, "a flute"], [], encoder, 64)
    assert [len(ids) for ids in found.elements] == [62, 2]
    assert found.cut == 1


@settings(max_examples=30)
@given(st.lists(st.text(max_size=30), max_size=20), st.integers(4, 40))
def test_segments_of_short_texts_hold_every_token_once(encoder: TextEncoder, short: list[str], tokens: int) -> None:
    found = text_batch([], short, encoder, tokens)
    joined = encoder.tokenise(SEPARATOR.join(text.strip() for text in short if text.strip()))
    assert tuple(token for ids in found.elements for token in ids) == joined
    assert all(0 < len(ids) <= encoder.room(tokens) for ids in found.elements)


@settings(max_examples=100)
@given(st.lists(st.text(max_size=80), max_size=5), st.lists(st.text(max_size=30), max_size=5), st.integers(3, 40))
def test_every_long_caption_is_an_element_or_blank(encoder: TextEncoder, long: list[str], short: list[str], tokens: int) -> None:
    found = text_batch(long, short, encoder, tokens)
    room = encoder.room(tokens)
    whole = [ids for text in long if (ids := encoder.tokenise(text.strip()))]
    assert found.elements[: len(whole)] == tuple(ids[:room] for ids in whole)
    assert found.elements[len(whole) :] == text_batch([], short, encoder, tokens).elements
    assert found.cut == sum(len(ids) > room for ids in whole)


def test_special_tokens_alone_leave_no_room(encoder: TextEncoder) -> None:
    with pytest.raises(ValueError, match="2 tokens has no room"):
        text_batch(["a"], ["b"], encoder, 2)


def test_special_tokens_that_a_text_spells_out_are_words(encoder: TextEncoder) -> None:
    special = {101, 102, 103}  # [CLS], [SEP], [MASK]
    assert not special & set(encoder.tokenise("a [SEP] piano [CLS] and [MASK] drums"))


def test_tokens_are_remembered(encoder: TextEncoder) -> None:
    assert encoder.tokenise("a text that comes again") is encoder.tokenise("a text that comes again")


def test_the_longest_sequence_fits_the_network(encoder: TextEncoder) -> None:
    """MiniLM has 512 positions; a stage that reads more tokens gets them padded."""
    embedding, lost = encode_prompt("piano " * 700, encoder, 1000)
    assert embedding.shape == (512, encoder.dim)
    assert lost == 190
    assert pad_text([embedding], 1000, encoder.dim)[1].sum() == 512


@pytest.mark.parametrize("text", ["a sad piano piece", "electric guitar solo over a walking bass and " * 9])
def test_threads_do_not_change_an_embedding(encoder: TextEncoder, text: str) -> None:
    threads = torch.get_num_threads()
    try:
        found = []
        for wanted in (1, 2, 3):
            torch.set_num_threads(wanted)
            found.append(encoder.encode(encoder.tokenise(text)[:100]).tobytes())
            assert torch.get_num_threads() == wanted
    finally:
        torch.set_num_threads(threads)
    assert found[0] == found[1] == found[2]


def test_no_text_gives_no_element(encoder: TextEncoder) -> None:
    assert text_batch(["", "  "], [""], encoder, 64) == TextBatch((), 0)
    assert TextBatch((), 0).choose(0.3) is None


@given(st.integers(1, 40), st.floats(0, 1, exclude_max=True))
def test_choice_is_the_floor(elements: int, place: float) -> None:
    assert TextBatch(tuple((n,) for n in range(elements)), 0).choose(place) == (int(place * elements),)


def test_choice_is_uniform() -> None:
    batch = TextBatch(((1,), (2,), (3,)), 0)
    chosen = [batch.choose(place) for place in np.linspace(0, 1, 3000, endpoint=False)]
    assert [chosen.count((n,)) for n in (1, 2, 3)] == [1000, 1000, 1000]
    assert batch.choose(1.0) == (3,)


@pytest.mark.parametrize("text", ["", "🎻🎹 émouvant", "静かなピアノ曲", "a" * 5000, "\x00\x01", "half a pair: \ud83c", "piano " * 2000])
def test_any_prompt_has_an_embedding(encoder: TextEncoder, text: str) -> None:
    embedding, lost = encode_prompt(text, encoder, 64)
    assert embedding.shape[1] == encoder.dim
    assert 2 <= len(embedding) <= 64
    assert lost == max(0, len(encoder.tokenise(text.replace("\ud83c", "?"))) - 62)
    assert np.isfinite(embedding).all()


def test_padding_marks_what_is_real(encoder: TextEncoder) -> None:
    embedding = encoder.encode(encoder.tokenise("a warm bass"))
    text, mask = pad_text([embedding, None], 64, encoder.dim)
    assert text.shape == (2, 64, encoder.dim)
    assert mask.sum(1).tolist() == [len(embedding), 0]
    assert torch.equal(text[0, : len(embedding)], torch.from_numpy(embedding))
    assert not text[~mask].any()
    with pytest.raises(ValueError, match="does not fit 3"):
        pad_text([embedding], 3, encoder.dim)


@settings(max_examples=50)
@given(st.lists(st.none() | st.integers(0, 8), min_size=1, max_size=6), st.integers(8, 12), st.integers(0, 20))
def test_padding_only_adds_zeros(lengths: list[int | None], tokens: int, more: int) -> None:
    embeddings = [None if n is None else np.full((n, 3), n + 1, np.float32) for n in lengths]
    short, long = pad_text(embeddings, tokens, 3), pad_text(embeddings, tokens + more, 3)
    assert torch.equal(long[0][:, :tokens], short[0])
    assert torch.equal(long[1][:, :tokens], short[1])
    assert not long[0][:, tokens:].any()
    assert not long[1][:, tokens:].any()
    assert short[1].sum(1).tolist() == [n or 0 for n in lengths]
    assert torch.equal(short[0][short[1]], torch.tensor([n + 1.0 for n in lengths if n for _ in range(n)]).reshape(-1, 1).expand(-1, 3))


def test_an_embedding_is_alone(encoder: TextEncoder) -> None:
    """The same text gives the same bytes, and each text its own rows."""
    one, other = (encoder.encode(encoder.tokenise(text)) for text in ("a warm bass", "a bright flute"))
    assert np.array_equal(one, encoder.encode(encoder.tokenise("a warm bass")))
    assert not np.array_equal(one[0], other[0])


def test_one_thread_here_leaves_another_thread_its_own() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        inside, leave = threading.Event(), threading.Event()

        def encode() -> None:
            with one_thread():
                inside.set()
                leave.wait(10)

        other = threading.Thread(target=encode)
        other.start()
        assert inside.wait(10)
        assert torch.get_num_threads() == 2
        leave.set()
        other.join()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
