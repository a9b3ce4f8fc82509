"""What writing will cost, before anything is asked: songs are counted, and real prompts are tokenised."""

from collections.abc import Collection, Iterable
from typing import Any

from labeling.corpus import AudioFile
from labeling.describe import describe
from labeling.errors import UserError
from labeling.ids import stable_id
from labeling.prompt import load_prompt
from labeling.songs import Song
from labeling.stages.write import Asker
from labeling.writer.base import Halted
from labeling.writer.request import Request
from labeling.writer.tokens import hub_tokens
from pipelines.settings import LabelSettings
from pipelines.songs import songs_of_table
from pipelines.writer import open_writer

TOKENISED = 200
CHARACTERS_A_TOKEN = 4


def plan_write(settings: LabelSettings, files: Collection[AudioFile], described: Iterable[Song]) -> dict[str, Any]:
    """Songs, requests, tokens and money. `described`: songs of the files that were probed, for a corpus without a table.

    Prompts of up to TOKENISED songs, chosen by hash, are tokenised by the server, or by the model's own tokeniser, and scaled up.
    Where neither can be reached a token is taken for four characters, and `tokens_counted_by` says so. max_tokens bounds tokens out.
    """
    songs, number = _songs(settings, files, described)
    asker = Asker(load_prompt(settings.write.prompt), settings.write, settings.write.model, settings.seed)
    sample = sorted(songs, key=lambda song: stable_id("plan", song.song_id))[:TOKENISED]
    tokens, counted_by = _count(settings, [asker.first_request(song) for song in sample])
    replies = number * settings.write.samples
    tokens_in = round(sum(tokens) / max(1, len(tokens)) * replies)
    tokens_out = replies * settings.write.max_tokens
    return {
        "songs": number,
        "requests": replies,
        "prompt_tokens": tokens_in,
        "prompt_tokens_a_request": round(sum(tokens) / max(1, len(tokens)), 1),
        "completion_tokens_at_most": tokens_out,
        "tokens_counted_by": counted_by,
        "price_at_most": round(settings.run.server.price(tokens_in, tokens_out), 2),
    }


def _songs(settings: LabelSettings, files: Collection[AudioFile], described: Iterable[Song]) -> tuple[list[Song], int]:
    """Songs to sample from, and how many there will be."""
    if settings.songs.source:
        listed = {song.song_id: song for song in songs_of_table(settings.songs) if song is not None}
        return list(listed.values()), len(listed)
    if settings.corpus.metadata:
        known = describe(settings.corpus, [file.key for file in files])[1].known.values()
        found = (Song.of(row.title, row.artist, row.facts) for row in known if row is not None and row.title)
        listed = {song.song_id: song for song in found}
        return list(listed.values()), len(listed)
    probed = list(described)
    return probed, len(files)


def _count(settings: LabelSettings, requests: list[Request]) -> tuple[list[int], str]:
    handle = open_writer(settings)
    try:
        tokens = handle.load().count_tokens(requests)
    except Halted as halted:
        raise UserError(str(halted)) from halted
    finally:
        handle.close()
    if tokens is not None:
        return tokens, "the server" if settings.run.server.url else "the model's tokeniser"
    tokens = hub_tokens(settings.write.model, settings.write.revision, requests)
    if tokens is not None:
        return tokens, "the model's tokeniser"
    characters = [sum(map(len, (request.prompt or "", *(turn.content for turn in request.messages)))) for request in requests]
    return [round(number / CHARACTERS_A_TOKEN) for number in characters], "four characters a token: no tokeniser was reached"
