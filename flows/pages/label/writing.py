"""The LLM's part of the report: what it was asked and what that cost, what the rules took, and how good the captions are."""

from collections.abc import Iterator, Mapping
from typing import Any

from noise2music.flows.pages.label.contents import CleaningReport, Loss, QualityReport, RuleReport, WritingReport
from noise2music.flows.pages.label.funnel import say
from noise2music.flows.pages.label.samples import shorten
from noise2music.labeling.captions.cleaning.chain import RULE_REASONS
from noise2music.labeling.captions.cleaning.quality import SIZES, Quality, comparable_size, measure, musiccaps, sample
from noise2music.labeling.datasets.dataset import Dataset

_DUPLICATES = ("duplicate", "near_duplicate")
_REPAIRED = {"cut": "cut off, without its last sentence", "json": "JSON that did not close or had text around it"}
_MEASURES = {
    "vocabulary": "Different words",
    "distinct_1": "Distinct-1: different words over all",
    "distinct_2": "Distinct-2: different word pairs over all",
    "words_p5": "Length in words, 5 % quantile",
    "words_p50": "Length in words, median",
    "words_p95": "Length in words, 95 % quantile",
    "self_bleu": "Self-BLEU (1: all the same)",
    "names_instrument": "Names an instrument",
    "names_genre": "Names a genre",
    "names_mood": "Names a mood",
    "names_tempo": "Names a tempo",
    "names_vocal": "Speaks of voices",
}


def writing_report(songs: Dataset | None, replies: Dataset | None, configuration: Mapping[str, Any]) -> WritingReport | None:
    """What `replies` (schemas.WRITE) counted; None when no LLM wrote."""
    if songs is None or replies is None:
        return None
    manifest, write = replies.manifest, configuration["write"]
    stats = {name: int(value) for name, value in manifest.stats.items()}
    repaired = {name.removeprefix("repaired:"): number for name, number in stats.items() if name.startswith("repaired:")}
    return WritingReport(
        model=shorten(write["model"]),
        prompt=shorten(write["prompt"]),
        songs=songs.manifest.rows,
        samples=write["samples"],
        replies=stats.get("replies", 0),
        usable=manifest.rows,
        repaired=tuple(Loss(_REPAIRED.get(how, how), number) for how, number in sorted(repaired.items())),
        dead=tuple(Loss(say(reason), number) for reason, number in manifest.dead_reasons.items()),
        reused=stats.get("reused", 0),
        requests=stats.get("requests", 0),
        retries=stats.get("retries", 0),
        failed=stats.get("failed_requests", 0),
        prompt_tokens=stats.get("prompt_tokens", 0),
        completion_tokens=stats.get("completion_tokens", 0),
        seconds=round(manifest.stats.get("seconds", 0.0), 1),
        price=round(manifest.stats.get("price", 0.0), 6),
    )


def cleaning_report(vocabulary: Dataset, configuration: Mapping[str, Any]) -> CleaningReport | None:
    """What became of the replies; None for a vocabulary that no LLM wrote. Reads its captions once."""
    settings = configuration.get("vocabulary", {}).get(vocabulary.name, {})
    if settings.get("kind") != "written":
        return None
    manifest, clean = vocabulary.manifest, configuration["clean"]
    shown = [*clean["rules"], *(name for name in _DUPLICATES if name == "duplicate" or clean["near_duplicate_threshold"] is not None)]
    rules = tuple(
        RuleReport(
            name.replace("_", " "),
            RULE_REASONS[name],
            int(manifest.stats.get(f"lost:{name}", 0)),
            tuple(shorten(example) for example in manifest.examples.get(name, ())),
        )
        for name in shown
    )
    size = comparable_size(manifest.rows)
    quality = () if size is None else tuple(_beside_musiccaps(measure(_captions(vocabulary), size), musiccaps().quality[size]))
    return CleaningReport(int(manifest.stats.get("read", 0)), manifest.rows, rules, size or 0, quality)


def _captions(vocabulary: Dataset) -> list[str]:
    """As many captions as are measured at most, chosen as `measure` chooses, however many there are."""
    return sample((text for table in vocabulary.tables(["caption"]) for text in table.column("caption").to_pylist()), SIZES[-1])


def _beside_musiccaps(written: Quality, reference: Quality) -> Iterator[QualityReport]:
    for name, words in _MEASURES.items():
        yield QualityReport(words, getattr(written, name), getattr(reference, name), name.startswith("names_"))
