"""The card of a Hugging Face dataset folder: front matter for `datasets` and the hub, and a page for people.

The user's own words (names of splits, licences, vocabularies, columns) are shown on one line as text, never as markup.
"""

import hashlib
import html
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from noise2music.core.tally import most_common_first
from noise2music.labeling.datasets.fingerprint import canonical_json
from noise2music.labeling.datasets.summary import SplitSummary

_MOST_CHARACTERS = 200
_MOST_ROWS = 50
_STARTER = (
    "**Caveat.** The labels were chosen by the built-in scorer `starter`, which knows genres and instruments and hears no mood. "
    "It is meant for first runs and tests, not for training data."
)


def dataset_card(config: Mapping[str, Any], digest: str, splits: Mapping[str, SplitSummary], names: Mapping[str, str]) -> str:
    """The text of README.md. config: of the labeling run. digest: of the shards' content. names: split -> its name in file names."""
    sections = [_front_matter(splits, names), _title(splits), _how(config, splits), _numbers(splits, names), _licences(splits)]
    return "\n\n".join([*sections, _sources(config), _origin(config, digest), _loading(splits, names)]) + "\n"


def as_text(value: object) -> str:
    """Any value as one line that Markdown shows as it is: no markup, no control characters, at most 200 characters."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())
    short = plain if len(plain) <= _MOST_CHARACTERS else f"{plain[: _MOST_CHARACTERS - 1]}…"
    # Entities as well as backslashes: the page may be shown as Markdown or as HTML made of it.
    return re.sub(r"([\\`*_{}\[\]()!|~:@$])", r"\\\1", html.escape(short, quote=False))


def _front_matter(splits: Mapping[str, SplitSummary], names: Mapping[str, str]) -> str:
    lines = ["---", "license: other", "task_categories:", "- text-to-audio", "tags:", "- audio", "- music", "- noise2music"]
    lines += ["configs:", "- config_name: default", "  data_files:"]
    for split in splits:
        # A JSON text is a YAML text: "on" or "1" stay names.
        lines += [f"  - split: {json.dumps(names[split])}", f"    path: {json.dumps(f'data/{names[split]}-*.parquet')}"]
    return "\n".join([*lines, "---"])


def _title(splits: Mapping[str, SplitSummary]) -> str:
    clips = sum(summary.clips for summary in splits.values())
    return (
        "# Music with text labels\n\n"
        f"{clips:,} clips of music, each with captions that a joint model of audio and text chose for it out of large vocabularies. "
        "The method is pseudo labeling as in Noise2Music (Huang et al., 2023); nobody has listened to check them. "
        "A row is a clip: `audio` (FLAC, mono), `title`, `artist`, `licence` and `tags` of its recording, and `labels`, "
        "each with `vocabulary`, `caption`, `score` (cosine), `rank`, `frequency` (how many clips the caption is a candidate of) "
        "and `p` (the probability with which it was drawn)."
    )


def _how(config: Mapping[str, Any], splits: Mapping[str, SplitSummary]) -> str:
    scorer = _value(config, "scorer", "model")
    sampling = _value(config, "sampling") or {}
    labels_per_clip = sampling.get("labels_per_clip") or sampling.get("draw") or {}
    counts: Counter[str] = sum((summary.labels for summary in splits.values()), Counter())
    rows = []
    for name in sorted(counts)[:_MOST_ROWS]:
        kind = _value(config, "vocabulary", name, "kind")
        rows.append((name, kind or "not recorded", labels_per_clip.get(name, "not recorded"), f"{counts[name]:,}"))
    lines = [
        "## How it was labelled",
        f"Scorer: {as_text(scorer or 'not recorded')}. Candidates a clip and vocabulary (`top_k`): "
        f"{as_text(sampling.get('top_k', 'not recorded'))}. Labels are drawn from the candidates, rare captions more often.",
        _table(("vocabulary", "kind", "labels a clip, at most", "labels"), rows),
    ]
    return "\n\n".join([*lines, _STARTER] if scorer == "starter" else lines)


def _numbers(splits: Mapping[str, SplitSummary], names: Mapping[str, str]) -> str:
    rows = [
        (names[split], split, f"{summary.clips:,}", f"{summary.milliseconds / 3.6e6:,.2f}", f"{summary.labels.total():,}")
        for split, summary in splits.items()
    ]
    return "## Splits\n\n" + _table(("split", "value of the column `split`", "clips", "hours", "labels"), rows)


def _licences(splits: Mapping[str, SplitSummary]) -> str:
    counts: Counter[str] = sum((summary.licences for summary in splits.values()), Counter())
    ordered = list(most_common_first(counts).items())
    rows = [(name or "not known", f"{clips:,}") for name, clips in ordered[:_MOST_ROWS]]
    if rest := ordered[_MOST_ROWS:]:
        rows.append((f"{len(rest):,} others", f"{sum(clips for _, clips in rest):,}"))
    return (
        "## Licences\n\nEach recording has its own licence, in the column `licence`, as its metadata says it. Look at it before you use or "
        "pass on a clip.\n\n" + _table(("licence", "clips"), rows)
    )


def _sources(config: Mapping[str, Any]) -> str:
    columns = _value(config, "corpus", "columns") or {}
    rows = []
    for name in sorted(columns):
        value = columns[name]
        if value:
            rows.append((name, ", ".join(map(str, value)) if isinstance(value, list | tuple) else value))
    table = _table(("meaning", "column of the metadata table"), rows) if rows and _value(config, "corpus", "metadata") else ""
    return "## Source\n\n" + (table or "No table of metadata: titles and artists are those of the files' tags, where they have any.")


def _origin(config: Mapping[str, Any], digest: str) -> str:
    run = hashlib.sha256(canonical_json(config).encode()).hexdigest()
    rows = (("configuration of the run", run), ("content of the labels", digest))
    return "## Origin\n\nRecordings that were opted out when this was written are not in it.\n\n" + _table(("sha256 of", "value"), rows)


def _loading(splits: Mapping[str, SplitSummary], names: Mapping[str, str]) -> str:
    first = "train" if "train" in names.values() else names[next(iter(splits))]
    return (
        "## Loading\n\n```python\nfrom datasets import load_dataset  # `pip install datasets[audio]` decodes audio too\n\n"
        f'clips = load_dataset("PATH OR ID OF THIS FOLDER", split="{first}")\n'
        'print(clips[0]["labels"], clips[0]["audio"])\n```'
    )


def _table(heading: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    def lines() -> Iterator[str]:
        yield f"| {' | '.join(heading)} |"
        yield "|" + "---|" * len(heading)
        yield from (f"| {' | '.join(as_text(cell) for cell in row)} |" for row in rows)

    return "\n".join(lines())


def _value(config: Mapping[str, Any], *path: str) -> Any:
    """A value of a configuration of any version; None where it has no such key."""
    value: Any = config
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
