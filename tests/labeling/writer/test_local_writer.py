"""A causal LM in this process: what it says depends on the request alone, and the starter obeys its facts."""

import json
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from transformers import LlamaForCausalLM

from noise2music.core.errors import RowError, UserError
from noise2music.labeling.captions.cleaning.contradiction import contradiction
from noise2music.labeling.captions.text import split_sentences
from noise2music.labeling.corpus.songs import Song
from noise2music.labeling.writer.base import Answer, Message, Reply, Request, WriterStopped
from noise2music.labeling.writer.local import STARTER, LocalWriter, draw, starter_config, starter_folder
from noise2music.labeling.writer.prompt import load_prompt
from noise2music.labeling.writer_settings import Write
from scripts.starter_writer.songs import made_up_song
from scripts.starter_writer.train import IGNORED, Recipe, batches, save, song_text, train, train_tokeniser

PROMPT = load_prompt("songs-starter")
UNSEEN = 991_000


@pytest.fixture(scope="module")
def starter() -> LocalWriter:
    return LocalWriter(STARTER, None, "cpu")


def answers(writer: LocalWriter, requests: list[Request]) -> list[Answer]:
    found: dict[int, Answer] = {}
    writer.write(requests, found.update)
    return [found[position] for position in range(len(requests))]


def texts(writer: LocalWriter, requests: list[Request]) -> list[str]:
    return [answer.text if isinstance(answer, Reply) else repr(answer) for answer in answers(writer, requests)]


def requests_of(songs: list[Song], samples: int = 1, write: Write | None = None) -> list[Request]:
    write = write or Write()
    return [PROMPT.request(song, write, STARTER, 100 * n + k) for n, song in enumerate(songs) for k in range(samples)]


def test_a_reply_does_not_depend_on_its_company(starter: LocalWriter) -> None:
    wanted = requests_of([made_up_song(UNSEEN, number).song for number in range(6)], samples=2)
    alone = {request.key: texts(starter, [request])[0] for request in wanted}
    for seed in range(3):
        shuffled = random.Random(seed).sample(wanted, len(wanted) - seed)
        assert texts(starter, shuffled) == [alone[request.key] for request in shuffled]


def test_the_starter_obeys_its_facts_and_says_different_things(starter: LocalWriter) -> None:
    songs = [made_up_song(UNSEEN, number).song for number in range(14)]
    said = texts(starter, requests_of(songs, samples=8))
    obeyed = [all(contradiction(sentence, songs[place // 8]) for sentence in split_sentences(text)) for place, text in enumerate(said)]
    assert sum(obeyed) / len(obeyed) >= 0.9
    assert len(set(said)) > 0.95 * len(said)
    assert all(len(split_sentences(text)) >= 2 for text in said)


def test_the_starter_names_what_it_is_told(starter: LocalWriter) -> None:
    song = Song("Slow Threshold", "Mirel Calloway", ("folk", "hopeful"), ("acoustic guitar", "harp"), 97.0, "G major")
    said = " ".join(texts(starter, requests_of([song], samples=8, write=Write(temperature=0.5)))).lower()
    assert all(word in said for word in ("folk", "hopeful", "acoustic guitar", "harp"))
    assert "calloway" not in said


def test_the_starter_is_small_and_holds_nothing_but_tensors_and_json() -> None:
    files = {path.name for path in starter_folder().iterdir() if not path.name.startswith("__")}
    assert files == {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert sum(tensor.numel() for tensor in load_file(starter_folder() / "model.safetensors").values()) <= 5_000_000
    assert json.loads((starter_folder() / "tokenizer_config.json").read_text())["tokenizer_class"] == "PreTrainedTokenizerFast"


def test_stops_ends_and_lengths(starter: LocalWriter) -> None:
    song = made_up_song(UNSEEN, 1).song
    whole = answers(starter, requests_of([song]))[0]
    assert isinstance(whole, Reply)
    assert whole.finish == "stop"
    short = PROMPT.request(song, Write(max_tokens=5), STARTER, 0)
    cut = answers(starter, [short])[0]
    assert isinstance(cut, Reply)
    assert (cut.finish, cut.completion_tokens) == ("length", 5)
    assert whole.text.startswith(cut.text)
    word = whole.text.split()[2]
    stopped = Request(short.model, short.prompt, (), None, (word,), 1.0, 0.95, 192, 0)
    found = answers(starter, [stopped])[0]
    assert isinstance(found, Reply)
    assert found.text == whole.text[: whole.text.index(word)]


def test_what_cannot_be_asked_is_refused(starter: LocalWriter) -> None:
    long = Request(STARTER, "word " * 5000, (), None, (), 1.0, 1.0, 50, 0)
    good = requests_of([made_up_song(UNSEEN, 2).song])[0]
    refused, answered = answers(starter, [long, good])
    assert isinstance(refused, RowError)
    assert refused.reason == "bad_request"
    assert isinstance(answered, Reply)
    with pytest.raises(WriterStopped, match="no chat template"):
        answers(starter, [Request(STARTER, None, (Message("user", "hello"),), None, (), 1.0, 1.0, 5, 0)])


def test_folders_that_hold_no_model_say_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no \\*.safetensors"):
        LocalWriter(str(tmp_path), None, "cpu")
    torch.save({}, tmp_path / "pytorch_model.bin")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UserError, match="no \\*.safetensors"):
        LocalWriter(str(tmp_path), None, "cpu")
    (tmp_path / "model.safetensors").write_bytes(b"nonsense")
    with pytest.raises(UserError, match="cannot be loaded"):
        LocalWriter(str(tmp_path), None, "cpu")


def test_the_recipe_trains_and_saves_what_transformers_loads(tmp_path: Path) -> None:
    tokeniser = train_tokeniser(5, songs=300)
    prompt, description = song_text(5, 3)
    assert tokeniser.decode(tokeniser.encode(prompt + description).ids, skip_special_tokens=True) == prompt + description
    assert len(tokeniser.encode("174", add_special_tokens=False).ids) == 3
    ids, targets = next(batches(tokeniser, Recipe(batch=4, seed=5)))
    assert ids.shape == targets.shape
    told = targets != IGNORED
    assert bool((ids[told] == targets[told]).all())
    assert bool(told.any(1).all())
    assert not bool(told.all(1).any())
    model = train(Recipe(steps=2, batch=4, warm_up=1, seed=5), tokeniser)
    save(model, tokeniser, tmp_path)
    again = LocalWriter(str(tmp_path), None, "cpu")
    assert again.identity != LocalWriter(STARTER, None, "cpu").identity
    assert isinstance(answers(again, requests_of([made_up_song(5, 1).song], write=Write(max_tokens=4)))[0], Reply)
    assert sum(p.numel() for p in LlamaForCausalLM(starter_config()).parameters()) <= 5_000_000


def test_made_up_songs_are_a_function_of_seed_and_number_and_obey_themselves() -> None:
    for number in range(300):
        made = made_up_song(UNSEEN, number)
        assert made == made_up_song(UNSEEN, number)
        assert all(contradiction(sentence, made.song) for sentence in split_sentences(made.description)), made


def test_drawing_follows_the_likelihoods() -> None:
    logits = np.log(np.array([0.5, 0.3, 0.15, 0.05], np.float32))
    drawn = Counter(draw(logits, 1.0, 1.0, seed, 0) for seed in range(4000))
    assert [drawn[token] / 4000 for token in range(4)] == pytest.approx([0.5, 0.3, 0.15, 0.05], abs=0.03)
    assert {draw(logits, 1.0, 0.79, seed, 0) for seed in range(500)} == {0, 1}
    assert {draw(logits, 0.0, 1.0, seed, 0) for seed in range(20)} == {0}


@settings(max_examples=100)
@given(st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=20), st.floats(0.1, 2), st.floats(0.01, 1), st.integers(0, 2**31))
def test_a_token_is_always_drawn_from_the_nucleus(logits: list[float], temperature: float, top_p: float, seed: int) -> None:
    array = np.array(logits, np.float32)
    token = draw(array, temperature, top_p, seed, 3)
    assert token == draw(array, temperature, top_p, seed, 3)
    likelihood = np.exp((array.astype(np.float64) - array.max()) / temperature)
    likelihood /= likelihood.sum()
    before = likelihood[likelihood > likelihood[token]].sum()
    assert before < top_p + 1e-9
