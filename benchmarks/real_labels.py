"""Do the labels of real recordings name what their manifest says they are?

    n2m label -c examples/real.toml
    python -m benchmarks.real_labels runs/real

For every recording whose manifest names an instrument or a genre: the share of its labels that name one of them, against the same
labels given to other recordings (500 permutations).
"""

import argparse
import re

import numpy as np

from noise2music.core.storage import open_existing
from noise2music.flows.datasets import read_latest
from noise2music.flows.tables import flat_labels

# What the manifest writes -> how captions may say it. Words that name no instrument or genre ("sample") are left out.
NAMES = {
    "string orchestra": r"string|orchestra|violin|cello|viola",
    "trumpet": r"trumpet|brass|horn section",
    "vocals": r"vocal|voice|sing",
    "guitar": r"guitar",
    "electric guitar": r"guitar",
    "rhodes electric piano": r"rhodes|electric piano|e-?piano|keyboard|piano",
    "piano": r"piano|keyboard",
    "drums": r"drum|percussi|beat|snare|kick|cymbal|hi-?hat",
    "tabla": r"tabla|hand drum|percussi|indian",
    "synthesizer pad": r"synth|\bpads?\b",
    "bass": r"\bbass|\bsub\b",
    "lofi": r"lo-?fi|chill ?hop",
    "game music": r"game|8-?bit|chiptune|arcade",
    "chiptune": r"game|8-?bit|chiptune|arcade",
    "ambient": r"ambient|atmospher|soundscape|meditat|drone",
    "classical": r"classical|orchestra|symphon|baroque",
    "orchestral": r"orchestra|symphon|classical|string",
    "jazz": r"jazz",
    "folk pop": r"folk|\bpop\b",
    "electronic loop": r"electro|techno|edm|house|trance|synth|drum machine|\bidm\b|dubstep|drum and bass",
}


def patterns(tags: list[str]) -> re.Pattern[str] | None:
    """One pattern for all tags of a recording that name an instrument or a genre."""
    found = [NAMES[tag] for tag in tags if tag in NAMES]
    return re.compile("|".join(found), re.IGNORECASE) if found else None


def main() -> None:
    """Print the share, the share under permutation, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", nargs="?", default="runs/real")
    parser.add_argument("--permutations", type=int, default=500)
    arguments = parser.parse_args()
    datasets, _ = read_latest(open_existing(arguments.root))
    if datasets.ingest is None:
        raise SystemExit("this run has no tracks")
    tags = {row["key"]: row["tags"] for row in datasets.ingest.read(["key", "tags"]).to_pylist()}
    captions: dict[str, list[str]] = {}
    for table in flat_labels(datasets):
        for row in table.to_pylist():
            captions.setdefault(row["track_key"], []).append(row["caption"])
    named = {key: pattern for key in sorted(captions) if (pattern := patterns(tags[key])) is not None}
    keys = list(named)
    # hits[i, j]: share of recording j's labels that name what recording i is
    hits = np.array([[np.mean([bool(named[i].search(caption)) for caption in captions[j]]) for j in keys] for i in keys])
    own = float(np.diag(hits).mean())
    rng = np.random.default_rng(0)
    shuffled = [float(hits[np.arange(len(keys)), rng.permutation(len(keys))].mean()) for _ in range(arguments.permutations)]
    print(f"{len(captions)} recordings labelled, {len(keys)} with an instrument or genre in their manifest")
    print(f"share of labels that name one of them {own:.3f}")
    print(f"same labels given to other recordings {np.mean(shuffled):.3f} (95 %: {np.quantile(shuffled, 0.95):.3f})")
    print(f"ratio {own / np.mean(shuffled):.2f}")


if __name__ == "__main__":
    main()
