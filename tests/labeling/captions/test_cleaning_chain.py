import hashlib
import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from noise2music.core.tally import EXAMPLE_CHARACTERS, EXAMPLES, Tally
from noise2music.labeling.captions.builtin import builtin_sentences
from noise2music.labeling.captions.cleaning.chain import RULE_REASONS, VERSION, Chain
from noise2music.labeling.captions.contamination import HeldOutTexts
from noise2music.labeling.captions.text import caption_key
from noise2music.labeling.corpus.songs import Song
from noise2music.labeling.writer_settings import EVERY_RULE, Clean

DATA = Path(__file__).parents[2] / "data"
PLAIN = Song("Zqxwv", None)
HOSTILE_SECONDS = 2.0
LONG = 100_000


def song_of(row):
    return Song(
        row["title"],
        row["artist"],
        tuple(row.get("tags", ())),
        tuple(row.get("instruments", ())),
        row.get("tempo"),
        row.get("musical_key"),
    )


def labelled(name):
    rows = [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]
    return [(song_of(row), row["text"]) for row in rows], [row["drop"] for row in rows]


def clean(text, song=PLAIN, **parameters):
    tally = Tally()
    return Chain(Clean(**parameters), None).clean([(song, text)], tally)[0], tally


def precision_and_recall(name):
    replies, expected = labelled(name)
    dropped = [not kept for kept in Chain(Clean(), None).clean(replies, Tally())]
    hits = sum(was and should for was, should in zip(dropped, expected, strict=True))
    return hits / sum(dropped), hits / sum(expected)


@pytest.mark.parametrize(("name", "size"), [("cleaning_sentences.jsonl", 200), ("cleaning_sentences_held_out.jsonl", 120)])
def test_labelled_sentences_are_dropped_with_precision_and_recall(name, size):
    replies, expected = labelled(name)
    assert len(replies) == size == 2 * sum(expected)
    precision, recall = precision_and_recall(name)
    assert precision >= 0.95
    assert recall >= 0.90


def test_what_the_rules_say_is_what_their_version_says():
    """Fingerprints cover VERSION and the data files, not the code. not_music is left out: its cosines may differ between processors."""
    labelled_replies = labelled("cleaning_sentences.jsonl")[0] + labelled("cleaning_sentences_held_out.jsonl")[0]
    replies = [*labelled_replies, *((PLAIN, text) for text in builtin_sentences(200, seed=3))]
    tally = Tally()
    kept = Chain(Clean(rules=tuple(rule for rule in EVERY_RULE if rule != "not_music")), None).clean(replies, tally)
    said = hashlib.sha256(json.dumps([kept, sorted(tally.lost.items())]).encode()).hexdigest()
    assert (VERSION, said) == (2, "336359bc2a9e8709821aee2edd67a16e073141701e390cbbe6197409fbdbd98e"), (
        "the rules say something else: where their code was changed raise VERSION in chain.py, and put the new hash here"
    )


def test_the_two_sets_of_sentences_share_none():
    first, second = (labelled(name)[0] for name in ("cleaning_sentences.jsonl", "cleaning_sentences_held_out.jsonl"))
    assert not {caption_key(text) for _, text in first} & {caption_key(text) for _, text in second}


FELL = {
    "tidy": ("**Mood and Tempo**", PLAIN),
    "words": ("Guitar and", PLAIN),
    "language": ("Ein ruhiges Klavierstück mit sanften Streichern und langsamem Tempo.", PLAIN),
    "refusal": ("I'm sorry, but I cannot describe the guitar part.", PLAIN),
    "names": ("The drumming recalls John Bonham, heavy and behind the beat.", PLAIN),
    "trivia": ("It was released as the second single, with a funky bass line.", PLAIN),
    "second_person": ("You hear a mellow guitar over soft drums.", PLAIN),
    "quotes": ("A slow jazz tune (mostly piano with brushed drums.", PLAIN),
    "low_information": ("This is a very good and beautiful song.", PLAIN),
    "contradiction": ("A female singer leads over soft piano.", Song("Zqxwv", None, ("instrumental",))),
    "held_out": ("A solo cello plays a slow and mournful melody over piano chords.", PLAIN),
    "not_music": ("The company announced a new washing machine on the stock market.", PLAIN),
}
HELD_OUT = HeldOutTexts({caption_key(FELL["held_out"][0]): FELL["held_out"][0]}, frozenset())


def test_every_rule_has_an_example_here_and_a_reason_for_people():
    assert set(FELL) == set(EVERY_RULE) <= set(RULE_REASONS)


@pytest.mark.parametrize("rule", EVERY_RULE)
def test_each_rule_drops_for_its_own_reason(rule):
    text, song = FELL[rule]
    tally = Tally()
    assert Chain(Clean(), HELD_OUT).clean([(song, text)], tally) == [[]]
    assert dict(tally.lost) == {rule: 1}
    assert tally.examples == {rule: (text,)}


@pytest.mark.parametrize("rule", EVERY_RULE)
def test_a_rule_that_is_left_out_drops_nothing(rule):
    text, song = FELL[rule]
    others = tuple(name for name in EVERY_RULE if name != rule)
    tally = Tally()
    Chain(Clean(rules=others), HELD_OUT).clean([(song, text)], tally)
    assert rule not in tally.lost
    assert Chain(Clean(rules=()), HELD_OUT).clean([(song, text)], Tally()) == [[text]]


def test_held_out_captions_matter_only_when_there_are_some():
    text, song = FELL["held_out"]
    assert Chain(Clean(), None).clean([(song, text)], Tally()) == [[text]]


def test_rules_go_in_the_order_of_the_settings():
    text = "I love John Bonham."
    for rules in (("names", "second_person"), ("second_person", "names")):
        assert list(clean(text, rules=rules)[1].lost) == [rules[0]]


def test_parameters_are_obeyed():
    text = "A slow piano ballad with soft strings."
    assert clean(text, min_words=7)[0] == [text]
    assert clean(text, max_words=7)[0] == [text]
    assert clean(text, min_words=8)[1].lost == {"words": 1} == clean(text, max_words=6)[1].lost
    german = "Ein ruhiges Klavierstück mit sanften Streichern und langsamem Tempo."
    assert clean(german, rules=("language",), language="de")[0] == [german]
    assert clean(text, rules=("language",), language="de")[1].lost == {"language": 1}
    news = FELL["not_music"][0]
    assert clean(news, rules=("not_music",), music_threshold=-2.0)[0] == [news]


def test_an_unknown_rule_is_an_error_of_the_settings():
    with pytest.raises(ValidationError, match="no_such_rule|rules"):
        Clean(rules=("tidy", "no_such_rule"))


def test_a_reply_keeps_its_good_sentences_in_order_and_loses_what_surrounds_them():
    reply = (
        "Sure! Here are two captions:\n1. **A slow piano ballad with soft strings.**\n"
        "2. You will love it.\n- driving drums and a deep bass line."
    )
    kept, tally = clean(reply)
    assert kept == ["A slow piano ballad with soft strings.", "Driving drums and a deep bass line."]
    assert sum(tally.lost.values()) == 3


REPLIES, _ = labelled("cleaning_sentences.jsonl")
REPLIES = [*REPLIES[::5], (REPLIES[0][0], " ".join(text for _, text in REPLIES[:6])), (PLAIN, ""), (PLAIN, "\n\n")]


@pytest.fixture(scope="module")
def alone():
    """Each reply cleaned by itself."""
    return [Chain(Clean(), None).clean([reply], Tally())[0] for reply in REPLIES]


@settings(deadline=None, max_examples=25)
@given(order=st.permutations(range(len(REPLIES))), batch=st.integers(1, len(REPLIES)))
def test_no_sentence_depends_on_company_order_or_batch(alone, order, batch):
    chain, tally, cleaned = Chain(Clean(), None), Tally(), {}
    for start in range(0, len(order), batch):
        part = order[start : start + batch]
        cleaned.update(zip(part, chain.clean([REPLIES[place] for place in part], tally), strict=True))
    assert [cleaned[place] for place in range(len(REPLIES))] == alone
    whole = Tally()
    Chain(Clean(), None).clean(REPLIES, whole)
    assert tally == whole


LOSSES = st.lists(st.tuples(st.sampled_from(["names", "words"]), st.text("ab", max_size=3)), max_size=12)


@given(losses=LOSSES, cut=st.integers(0, 12), order=st.randoms(use_true_random=False))
def test_merged_tallies_equal_one_tally(losses, cut, order):
    one, parts = Tally(), [Tally(), Tally()]
    for rule, text in losses:
        one.lose(rule, text)
    shuffled = order.sample(losses, len(losses))
    for place, (rule, text) in enumerate(shuffled):
        parts[place < cut].lose(rule, text)
    merged = Tally()
    for part in parts:
        merged.add(part)
    assert merged == one
    assert sum(one.lost.values()) == len(losses)
    assert all(len(texts) <= EXAMPLES for texts in one.examples.values())


def test_an_example_is_bounded():
    tally = Tally()
    tally.lose("words", "x" * LONG)
    assert tally.examples == {"words": ("x" * EXAMPLE_CHARACTERS,)}


UNITS = {
    "quotes": '"',
    "spaced quotes": '" ',
    "open": "(",
    "mixed": "([{",
    "curly": "“a",
    "dots": ".",
    "spaced dots": " .",
    "initials": "A. ",
    "decimals": "1.",
    "spaces": " ",
    "letters": "a",
    "the": "The ",
    "stars": "*",
    "bold": "**a ",
    "backticks": "`",
    "tags": "<a",
    "commas": ", ",
    "apostrophes": "a'",
    "hyphens": "a-",
    "ampersands": "a & ",
    "lines": "a slow, quiet song\n",
    "marks": "e\u0301",
    "ideographs": "静か",
    "notes": "🎵",
    "slow": "slow and ",
    "no": "without a ",
    "la": "la ",
    "lists": "1. ",
    "years": "1987 ",
    "beats": "120 bpm ",
    "minutes": "five minutes and ",
    "here": "here is ",
}
FULL = Song("C++ (.*) [a]", "A & B feat. C", ("instrumental", "rock"), ("piano",), 120.0, "C minor")


@pytest.mark.parametrize(
    "text",
    [*(unit * (LONG // len(unit)) for unit in UNITS.values()), "(" * (LONG // 2) + "a" + ")" * (LONG // 2), "a" + " " * LONG + "b"],
    ids=[*UNITS, "nested", "gap"],
)
def test_hostile_replies_take_no_time(text):
    clean("A slow piano ballad with soft strings.")
    start = time.process_time()
    clean(text, FULL)
    assert time.process_time() - start < HOSTILE_SECONDS
