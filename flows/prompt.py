"""What `n2m prompt` shows: the prompts that ship, and exactly what would be sent for a song."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from noise2music.core.errors import UserError
from noise2music.core.tables.cell_items import UnreadableCellError, cell_items
from noise2music.core.tables.fields import clean_field, split_tags
from noise2music.labeling.corpus.facts import Facts, read_key, read_tempo
from noise2music.labeling.corpus.songs import Song
from noise2music.labeling.writer.prompt import load_prompt, shipped_prompts
from noise2music.labeling.writer_settings import Write


def prompt_rows() -> list[dict[str, str]]:
    """One row a shipped prompt, for flows.tables.print_rows."""
    prompts = [load_prompt(name) for name in shipped_prompts()]
    return [
        {
            "prompt": prompt.name,
            "form": prompt.form,
            "facts": "used" if prompt.uses_facts else "not used",
            "identity": prompt.identity[:12],
            "what": " ".join(prompt.description.split()).partition(". ")[0].rstrip("."),
        }
        for prompt in prompts
    ]


def make_song(
    title: str, artist: str | None = None, tags: Sequence[str] = (), instruments: Sequence[str] = (), tempo: str = "", musical_key: str = ""
) -> Song:
    """A song as the `songs` stage would make it of a table's cells. Raises UserError without a title, or for a tempo that is no number."""
    cleaned = clean_field(title)
    if not cleaned:
        raise UserError("the title is empty. Give --title with the name of a song.")
    beats = read_tempo(tempo)
    if tempo.strip() and beats is None:
        raise UserError(f"the tempo {tempo!r} is not one number of beats a minute. Write it as --tempo 120.")
    facts = Facts(_listed(tags), _listed(instruments), beats, read_key([musical_key]))
    return Song.of(cleaned, clean_field(artist or ""), facts)


def _listed(values: Sequence[str]) -> tuple[str, ...]:
    try:
        return split_tags(item for value in values for item in cell_items(value))
    except UnreadableCellError as error:
        raise UserError(f"{error}. Write tags with commas between them, or as a whole list.") from error


def show_prompt(name: str, song: Song, write: Write) -> str:
    """Exactly what would be sent for a song: the text, or the turns of the chat; then the parameters and the schema as JSON.

    name: a shipped prompt, or the path of a prompt file. Raises UserError.
    """
    request = load_prompt(name).request(song, write, write.model, 0)
    parameters = asdict(request)
    for shown_apart in ("prompt", "messages", "schema", "seed"):
        del parameters[shown_apart]
    shown = [request.prompt] if request.prompt is not None else [f"[{turn.role}]\n{turn.content}" for turn in request.messages]
    shown.append(f"[parameters, and a seed for each of {write.samples} samples]\n{json.dumps(parameters, indent=1, ensure_ascii=False)}")
    if request.schema is not None:
        shown.append(f"[schema]\n{json.dumps(json.loads(request.schema), indent=1)}")
    return "\n\n".join(shown)
