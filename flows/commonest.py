"""Reasons and their numbers in a few words."""

from collections.abc import Mapping

MOST = 3


def commonest(counts: Mapping[str, int]) -> str:
    """Reasons with their numbers, commonest first, for example "bad_key: 3, bad_seconds: 1"; those beyond the third are counted only."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    said = [f"{reason}: {number:,}" for reason, number in ordered[:MOST]]
    return ", ".join([*said, f"{len(ordered) - MOST} more"] if len(ordered) > MOST else said)
