"""The generation flow: a file of prompts in; clips, their manifest and a page to listen to them out."""

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence

from noise2music.core.errors import UserError
from noise2music.core.storage import Store, open_store
from noise2music.flows.call import Call, call_here
from noise2music.flows.pages.listening import write_listening_page
from noise2music.flows.results import Generated
from noise2music.flows.tables import format_counts
from noise2music.models.generation.guards import count_warnings
from noise2music.models.job.identity import NAME, check_output_store, weights_identity
from noise2music.models.job.manifest import write_manifest
from noise2music.models.job.output_store import (
    DEAD,
    count_records,
    dead_letter_path,
    put_dead_letter,
    read_dead_letters,
    read_records,
    record_path,
)
from noise2music.models.job.prompt import Prompt
from noise2music.models.job.prompts import PromptFile, read_prompts
from noise2music.models.job.record import ClipRecord, DeadLetter
from noise2music.models.job.settings import GenerateSettings
from noise2music.pipelines.progress import duration

log = logging.getLogger("n2m")

_NAMED = 3
_TRIES = 3


def generate(settings: GenerateSettings, replay: bool = False, call: Call = call_here) -> Generated:
    """Make what is missing of a prompt file's clips, then manifest and page, each step by `call(name, step)`.

    With `replay`, rows that died before are tried again. Raises UserError, when more than `max_dead` of the rows are dead only after
    everything is written.
    """
    started = time.monotonic()
    prompts = call("prompts", lambda: read_prompts(settings.prompts, settings.seconds, settings.seed))
    for said in prompts.notes:
        log.warning("%s", said)
    weights = weights_identity(settings)
    store = open_store(settings.out)
    check_output_store(store, settings, weights)
    before, letters = read_records(store), read_dead_letters(store)
    if before and store.head(NAME) is None:
        raise UserError(
            f"{store.describe('')} holds clips, but not {NAME}, which says how they were made. Put it back, or use another --out."
        )
    _check_prompts(store, prompts.prompts, before)
    for letter in prompts.dead:
        if letters.get(letter.name) != letter:
            put_dead_letter(store, letter)
    for prompt in prompts.prompts:
        if prompt.key in before and prompt.key in letters:
            store.delete(dead_letter_path(prompt.key))
    missing = [prompt for prompt in prompts.prompts if prompt.key not in before and (replay or not _is_dead(prompt, letters))]
    if missing:
        there = len(prompts.prompts) - len(missing)
        log.info("%s clips to make%s", f"{len(missing):,}", f", {there:,} are there or dead" if there else "")
        call("clips", lambda: _make(settings, missing, alone=store.head(NAME) is None))
    done: Generated = call("page", lambda: _finish(store, prompts, set(before), nothing_made=not missing))
    _say(done, time.monotonic() - started)
    _check_dead(done, settings.max_dead, prompts)
    return done


def dead_reasons(dead: Sequence[DeadLetter]) -> str:
    """For example "3 × bad_key, 1 × bad_seconds"."""
    return format_counts(Counter(letter.reason for letter in dead))


def _make(settings: GenerateSettings, missing: Sequence[Prompt], alone: bool) -> None:
    # Imported here: what makes clips takes seconds to import, and a job with nothing to do does without.
    from noise2music.pipelines.generate import make_missing

    make_missing(settings, missing, alone)


def _is_dead(prompt: Prompt, letters: Mapping[str, DeadLetter]) -> bool:
    """Whether exactly this was tried before and failed."""
    return prompt.key in letters and letters[prompt.key].request == prompt.request


def _check_prompts(store: Store, wanted: Sequence[Prompt], there: Mapping[str, ClipRecord]) -> None:
    """Raise UserError when the place holds another clip under a key that is asked for: neither would be what its reader expects."""
    other = sorted(prompt.key for prompt in wanted if prompt.key in there and there[prompt.key].request != prompt.request)
    if other:
        raise UserError(
            f"{store.describe('')} holds clips of another prompt, seed or length under {len(other):,} of the keys "
            f"({', '.join(other[:_NAMED])}{', ...' if len(other) > _NAMED else ''}). Give these rows other keys or use another --out; "
            f"or delete {record_path(other[0])}{' and the like' if len(other) > 1 else ''}, and the clip is made again."
        )


def _finish(store: Store, prompts: PromptFile, before: set[str], nothing_made: bool) -> Generated:
    """Page and manifest over all clips. Where another job adds clips meanwhile they are written again, so that the last word has all."""
    nothing_done = nothing_made
    for _ in range(_TRIES):
        clips, letters = read_records(store), read_dead_letters(store)
        names = [*(prompt.key for prompt in prompts.prompts if prompt.key not in clips), *(letter.name for letter in prompts.dead)]
        dead = tuple(letters[name] for name in sorted(set(names)) if name in letters)
        records = tuple(clips.values())
        wrote = [write_listening_page(store, records, dead), write_manifest(store, records)]
        nothing_done = nothing_done and not any(wrote)
        if count_records(store) == len(clips):
            break
    return Generated(store, records, dead, len(clips.keys() - before), nothing_done)


def _say(done: Generated, seconds: float) -> None:
    dead = f"; {len(done.dead):,} dead ({dead_reasons(done.dead)})" if done.dead else ""
    if done.nothing_done:
        log.info("Nothing to do: all %s clips are there%s", f"{len(done.clips):,}", dead)
    else:
        log.info("%s clips, %s of them new in %s%s", f"{len(done.clips):,}", f"{done.made:,}", duration(seconds), dead)
    warned = sum(bool(clip.warnings) for clip in done.clips)
    if warned:
        log.info(
            "%s of %s clips have a warning (%s); page and manifest say which",
            f"{warned:,}",
            f"{len(done.clips):,}",
            format_counts(count_warnings(done.clips)),
        )
    near = sum(clip.duplicates is not None and clip.duplicates.flagged for clip in done.clips)
    if near:
        log.warning("Clips near one of the training set: %s (page and manifest say which)", f"{near:,}")
    log.info("Manifest: %s", done.manifest)
    log.info("Page: %s", done.page)


def _check_dead(done: Generated, max_dead: float, prompts: PromptFile) -> None:
    rows = len(prompts.prompts) + len(prompts.dead)
    if len(done.dead) <= max_dead * rows:
        return
    raise UserError(
        f"{len(done.dead):,} of {rows:,} prompts are dead ({len(done.dead) / rows:.1%}), more than max_dead = {max_dead:.1%}. "
        f"Commonest reasons: {dead_reasons(done.dead)}. The dead letters are in {done.store.describe(DEAD)}. "
        "Mend the rows and run again (`--replay` tries rows again that did not change), or raise max_dead."
    )
