"""The text batch of a clip (paper section 2.6), and padding."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.text.conditioning import encode_prompt, pad_text
from models.text.encoder import TextEncoder
from models.text.load import TextSettings, load_encoder
from models.text.text_batch import SEPARATOR, TextBatch, text_batch


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


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=30), max_size=20), st.integers(4, 40))
def test_segments_of_short_texts_hold_every_token_once(encoder: TextEncoder, short: list[str], tokens: int) -> None:
    found = text_batch([], short, encoder, tokens)
    joined = encoder.tokenise(SEPARATOR.join(text.strip() for text in short if text.strip()))
    assert tuple(token for ids in found.elements for token in ids) == joined
    assert all(0 < len(ids) <= encoder.room(tokens) for ids in found.elements)


def test_no_text_gives_no_element(encoder: TextEncoder) -> None:
    assert text_batch(["", "  "], [""], encoder, 64) == TextBatch((), 0)
    assert TextBatch((), 0).choose(0.3) is None


def test_choice_is_uniform() -> None:
    batch = TextBatch(((1,), (2,), (3,)), 0)
    chosen = [batch.choose(place) for place in np.linspace(0, 1, 3000, endpoint=False)]
    assert [chosen.count((n,)) for n in (1, 2, 3)] == [1000, 1000, 1000]
    assert batch.choose(1.0) == (3,)


@pytest.mark.parametrize("text", ["", "🎻🎹 émouvant", "静かなピアノ曲", "a" * 5000, "\x00\x01", "piano " * 2000])
def test_any_prompt_has_an_embedding(encoder: TextEncoder, text: str) -> None:
    embedding, lost = encode_prompt(text, encoder, 64)
    assert embedding.shape[1] == encoder.dim
    assert 2 <= len(embedding) <= 64
    assert lost == max(0, len(encoder.tokenise(text)) - 62)
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


def test_an_embedding_is_alone(encoder: TextEncoder) -> None:
    """The same text gives the same bytes, and each text its own rows."""
    one, other = (encoder.encode(encoder.tokenise(text)) for text in ("a warm bass", "a bright flute"))
    assert np.array_equal(one, encoder.encode(encoder.tokenise("a warm bass")))
    assert not np.array_equal(one[0], other[0])
