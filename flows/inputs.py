"""What a labeling run would stumble over late: tables, lists and captions that it names, looked at before anything is embedded."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from noise2music.core.errors import UserError
from noise2music.core.storage import is_remote, local_path, open_store, read_uri
from noise2music.core.tables.tables import table_rows
from noise2music.core.tally import Tally
from noise2music.labeling.captions.vocabulary import check_captions, keyed, read_captions
from noise2music.labeling.corpus.facts import fact_names
from noise2music.labeling.settings import VocabularySettings
from noise2music.labeling.stages.vocabulary import allowed_splits
from noise2music.labeling.writer.prompt import load_prompt
from noise2music.pipelines.settings import LabelSettings
from noise2music.pipelines.songs import songs_of_table


def check_inputs(settings: LabelSettings) -> None:
    """Raise UserError that names every input that is not there, has not the columns or holds no caption. Of each only the start is read."""
    if problems := list(input_problems(settings)):
        raise UserError("; ".join(problem.rstrip(".") for problem in problems) + ".")


def input_problems(settings: LabelSettings) -> Iterator[str]:
    """One line a problem."""
    corpus = settings.corpus
    columns = corpus.columns
    named = [name for name in (columns.title, columns.artist, columns.licence, columns.split, *fact_names(columns)) if name]
    if corpus.metadata:
        yield from _problem(lambda: next(table_rows(str(corpus.metadata), [columns.key, *named]), None))
    for source in (corpus.opt_out, *settings.contamination.held_out):
        if source:
            yield from _problem(partial(_look, source))
    if settings.uses_llm:
        yield from _problem(lambda: load_prompt(settings.write.prompt))
        if settings.songs.source:
            yield from _problem(lambda: next(songs_of_table(settings.songs), None))
    for name, vocabulary in settings.vocabulary.items():
        if vocabulary.kind != "written":
            yield from _problem(partial(_first_caption, name, vocabulary))


def unlabelled(name: str, vocabulary: VocabularySettings, tracks: Mapping[str, int]) -> str | None:
    """Why a vocabulary can give no label to a corpus whose living tracks have these splits, in one line; None where it can.

    `allow_unlabelled` says that this is meant.
    """
    allowed = allowed_splits(vocabulary)
    if allowed is None or vocabulary.allow_unlabelled or not tracks or any(tracks.get(split) for split in allowed):
        return None
    because = f"allowed_splits = {sorted(allowed)}"
    if vocabulary.allowed_splits is None:
        because = f"sentences of MusicCaps label the splits {', '.join(sorted(allowed))} only, unless allowed_splits says otherwise"
    there = ", ".join(f"{split} ({number:,})" for split, number in sorted(tracks.items()))
    return (
        f"vocabulary {name} can give no label: {because}, and the tracks of the corpus have the splits {there}. Name the column of splits "
        f"(corpus.columns.split), change vocabulary.{name}.allowed_splits, or set vocabulary.{name}.allow_unlabelled = true"
    )


def check_labels(settings: LabelSettings, tracks: Mapping[str, int]) -> None:
    """Raise UserError that names every vocabulary that can give no label to tracks of these splits."""
    found = [unlabelled(name, vocabulary, tracks) for name, vocabulary in settings.vocabulary.items()]
    if problems := [problem for problem in found if problem]:
        raise UserError("; ".join(problems) + ".")


def _problem(look: Callable[[], Any]) -> Iterator[str]:
    try:
        look()
    except UserError as error:
        yield str(error)


def _look(source: str) -> None:
    """Raise UserError unless the file is there."""
    if not is_remote(source):
        if not local_path(source).is_file():
            read_uri(source)
        return
    folder, _, name = source.rpartition("/")
    if open_store(folder).head(name) is None:
        raise UserError(f"cannot read {source}: it is not there. Check the path.")


def _first_caption(name: str, vocabulary: VocabularySettings) -> None:
    losses = Tally()
    first = next(keyed(read_captions(name, vocabulary, losses), losses.lost), None)
    examples = [text for texts in losses.examples.values() for text in texts]
    check_captions(name, vocabulary, int(first is not None), losses.lost, examples)
