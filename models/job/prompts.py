"""The prompts of a batch job: each row of somebody's file becomes a clip to make or a dead letter. Their order decides nothing."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from labeling.cleaning.tally import Tally
from labeling.errors import RowError, UserError
from labeling.ids import stable_id
from labeling.row import missing
from models.generation.plan import MAX_SECONDS, says_something
from models.job import cells
from models.job.key import check_key
from models.job.letter import DeadLetter, row_letter, shown
from models.job.prompt import Prompt, content_of
from models.job.prompt_rows import prompt_rows

LONGEST_PROMPT = 100_000


@dataclass(frozen=True)
class PromptFile:
    """wanted: in the order of the file, each key once. refused: rows that cannot become a clip. rows: how many the file has.

    said: what about the file is not as it might be thought: its encoding, rows that are the same, lines that are no prompt.
    """

    wanted: tuple[Prompt, ...]
    refused: tuple[DeadLetter, ...]
    rows: int
    said: tuple[str, ...] = ()


def read_prompts(uri: str, seconds: float, seed: int) -> PromptFile:
    """A txt (a prompt a line), csv, tsv, json, jsonl or parquet file, local or remote; `seconds` and `seed` where a row gives none.

    A row without a key gets a hash of all that it says. Equal rows are one clip; rows that share a key (case apart, which some file
    systems do not tell) and ask for different things are all dead. Raises UserError: the file cannot be read, has a column that is not
    known, or holds no prompt.
    """
    read: defaultdict[str, dict[str, Prompt | DeadLetter]] = defaultdict(dict)
    notes = Tally()
    rows = 0
    for row in prompt_rows(uri, notes):
        rows += 1
        try:
            made = _read(row.cells, seconds, seed)
            read[made.key.lower()].setdefault(made.request, made)
        except RowError as error:
            letter = row_letter(row.cells, error)
            read[letter.name.lower()].setdefault(letter.request, letter)
    if not rows:
        raise UserError(f"{uri} holds no prompt. Write one prompt a line, or a table with a column 'prompt'.")
    wanted: list[Prompt] = []
    refused: list[DeadLetter] = []
    for same in read.values():
        made_of = list(same.values())
        if len(made_of) > 1:
            refused.append(_conflict(made_of))
        else:
            wanted.extend(item for item in made_of if isinstance(item, Prompt))
            refused.extend(item for item in made_of if isinstance(item, DeadLetter))
    different = sum(map(len, read.values()))
    if different < rows:
        notes.lose("same_rows", f"{uri}: {rows:,} rows ask for {different:,} different things; equal rows are one", rows - different)
    return PromptFile(tuple(wanted), tuple(refused), rows, tuple(texts[0] for _, texts in sorted(notes.examples.items())))


def _read(row: Mapping[str, object], seconds: float, seed: int) -> Prompt:
    """One row. Raises RowError: which cell cannot be used and why."""
    prompt = cells.text(row, "prompt")
    if prompt is None:
        raise RowError("empty_prompt", "the row has no prompt")
    if missing(prompt):
        raise RowError("empty_prompt", f"the prompt is {prompt!r}, which is what tables write for a value that is not there")
    if not says_something(prompt):
        raise RowError("empty_prompt", "the prompt holds nothing that can be seen")
    negative = cells.given_text(row, "negative")
    for name, said in (("prompt", prompt), ("negative", negative or "")):
        if len(said) > LONGEST_PROMPT:
            raise RowError(f"long_{name}", f"the {name} has {len(said):,} characters; at most {LONGEST_PROMPT:,} are read")
    asked = cells.number(row, "seconds")
    if asked is not None and not 0 < asked <= MAX_SECONDS:
        raise RowError("bad_seconds", f"seconds is {asked:g}; it must be more than 0 and at most {MAX_SECONDS:g}")
    own_seed = cells.whole_number(row, "seed")
    made = Prompt(
        key="",
        prompt=prompt,
        seconds=seconds if asked is None else asked,
        seed=seed if own_seed is None else own_seed,
        negative=negative,
        init=cells.given_text(row, "init"),
        keep=cells.spans(row, "keep"),
    )
    if made.keep and made.init is None:
        raise RowError("bad_keep", "keep says what stays of the init audio, but the row has no init")
    if made.keep and (last := max(end for _, end in made.keep)) > made.seconds:
        raise RowError("bad_keep", f"keep ends at {last:g} s, after the clip of {made.seconds:g} s")
    key = cells.given_text(row, "key")
    return replace(made, key=stable_id(content_of(made, asked, own_seed)) if key is None else check_key(key))


def _conflict(same: Sequence[Prompt | DeadLetter]) -> DeadLetter:
    """One letter for rows that cannot all be the clip of one key."""
    names = sorted({item.key for item in same})
    also = sorted({f"{item.reason}: {item.message}" for item in same if isinstance(item, DeadLetter)})
    return DeadLetter(
        name=names[0],
        key=", ".join(names),
        request=stable_id("key_conflict", *sorted(item.request for item in same)),
        reason="key_conflict",
        message=shown(
            f"{len(same)} rows have this key and ask for different things. Give each a key of its own, or none, and it gets one."
            + (f" Of these rows some could not be made anyway ({'; '.join(also)})." if also else "")
        ),
        prompt=shown(min(item.prompt for item in same)),
    )
