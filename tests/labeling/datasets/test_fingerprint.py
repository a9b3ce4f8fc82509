from dataclasses import replace

import pytest

from noise2music.labeling.datasets.fingerprint import Identity, canonical_json, changed_keys

BASE = Identity("embed", "", 8, 1, {"batch": 16}, {"scorer": "s", "corpus": "c"}, {"ingest": "d"})


@pytest.mark.parametrize(
    "other",
    [
        replace(BASE, stage="probe"),
        replace(BASE, name="tags"),
        replace(BASE, parts=9),
        replace(BASE, version=2),
        replace(BASE, config={"batch": 17}),
        replace(BASE, inputs={"scorer": "t", "corpus": "c"}),
        replace(BASE, parents={"ingest": "e"}),
        replace(BASE, attempt=2),
    ],
)
def test_everything_that_decides_the_content_changes_the_fingerprint(other: Identity) -> None:
    assert other.fingerprint != BASE.fingerprint


def test_the_order_of_keys_does_not() -> None:
    assert replace(BASE, inputs={"corpus": "c", "scorer": "s"}).fingerprint == BASE.fingerprint
    assert canonical_json({"b": 1, "a": [1.5, None]}) == '{"a":[1.5,null],"b":1}'


def test_rows_may_be_carried_over_other_parents_parts_attempts_and_corpora_but_not_another_scorer() -> None:
    free = replace(BASE, parents={"ingest": "e"}, parts=3, attempt=4, inputs={"scorer": "s", "corpus": "other"})
    assert free.row_identity == BASE.row_identity
    assert replace(BASE, inputs={"scorer": "t"}).row_identity != BASE.row_identity
    assert replace(BASE, config={"batch": 1}).row_identity != BASE.row_identity


def test_changed_keys_are_named_with_dots() -> None:
    after = replace(BASE, config={"batch": 1, "new": 2}, parents={})
    assert changed_keys(BASE.as_json(), after.as_json()) == ["config.batch", "config.new", "parents.ingest"]
