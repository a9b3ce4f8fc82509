"""Measures the starter writer on made-up songs that it has not seen in training.

    python -m scripts.starter_writer.measure                  # the model that ships
    python -m scripts.starter_writer.measure --model FOLDER

Prints: perplexity of held-out descriptions; of sampled descriptions the share that contradicts no fact (captions.cleaning.contradiction,
sentence by sentence), the share of known genres and instruments that are named, the share of sentences that survive the cleaning chain,
and how many descriptions are different.
"""

import argparse
import math

import torch
from transformers import AutoModelForCausalLM

from noise2music.core.tally import Tally
from noise2music.labeling.captions.cleaning.chain import Chain
from noise2music.labeling.captions.cleaning.contradiction import contradiction
from noise2music.labeling.captions.text import split_sentences
from noise2music.labeling.corpus.songs import Song
from noise2music.labeling.writer.base import Answer, Reply
from noise2music.labeling.writer.local import PROMPT, STARTER, LocalWriter, starter_folder
from noise2music.labeling.writer.prompt import load_prompt
from noise2music.labeling.writer_settings import Clean, Write
from scripts.starter_writer.songs import made_up_song
from scripts.starter_writer.train import IGNORED, song_text

HELD_OUT_SEED = 7_000_001


def perplexity(writer: LocalWriter, folder: str, songs: int) -> float:
    """exp of the mean loss of a token of held-out descriptions."""
    network = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    loss = tokens = 0.0
    with torch.inference_mode():
        for number in range(songs):
            prompt, description = song_text(HELD_OUT_SEED, number)
            head = writer.encode(prompt)
            tail = [*writer.encode(description, special=False), 1]
            targets = torch.tensor([[IGNORED] * len(head) + tail])
            loss += len(tail) * float(network(input_ids=torch.tensor([head + tail]), labels=targets).loss)
            tokens += len(tail)
    return math.exp(loss / tokens)


def sampled(writer: LocalWriter, songs: list[Song], write: Write) -> list[str]:
    """One description of each song."""
    prompt = load_prompt(PROMPT)
    found: dict[int, Answer] = {}
    writer.write([prompt.request(song, write, STARTER, number) for number, song in enumerate(songs)], found.update)
    return [answer.text.strip() if isinstance(answer, Reply) else "" for _, answer in sorted(found.items())]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=STARTER)
    parser.add_argument("--songs", type=int, default=400)
    parser.add_argument("--temperature", type=float, default=Write().temperature)
    parser.add_argument("--top-p", type=float, default=Write().top_p)
    arguments = parser.parse_args()
    writer = LocalWriter(arguments.model, None, "cpu")
    folder = str(starter_folder()) if arguments.model == STARTER else arguments.model
    print(f"perplexity of {arguments.songs} held-out descriptions: {perplexity(writer, folder, arguments.songs):.2f}")
    songs = [made_up_song(HELD_OUT_SEED, number).song for number in range(arguments.songs)]
    write = Write(temperature=arguments.temperature, top_p=arguments.top_p)
    texts = sampled(writer, songs, write)
    obeys = [all(contradiction(sentence, song) for sentence in split_sentences(text)) for song, text in zip(songs, texts, strict=True)]
    voiced = [song for song in songs if song.tempo or song.musical_key or "instrumental" in song.tags]
    hard = [is_true for song, is_true in zip(songs, obeys, strict=True) if song in voiced]
    print(f"temperature {write.temperature}, top-p {write.top_p}: {sum(obeys) / len(obeys):.1%} contradict no fact;")
    print(f"  {sum(hard) / len(hard):.1%} of the {len(hard)} songs with a known tempo or key, or known to be instrumental")
    named = [name.lower() in text.lower() for song, text in zip(songs, texts, strict=True) for name in song.instruments[:4]]
    print(f"  {sum(named) / len(named):.1%} of known instruments are named")
    chain, tally = Chain(Clean(), None), Tally()
    kept = sum(map(len, chain.clean(list(zip(songs, texts, strict=True)), tally)))
    print(f"  {kept / max(1, kept + tally.lost.total()):.1%} of the sentences survive the rules; lost: {dict(tally.lost)}")
    print(f"  {len(set(texts))} of {len(texts)} descriptions are different")


if __name__ == "__main__":
    main()
