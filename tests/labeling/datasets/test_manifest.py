import json

import pytest

from noise2music.core.errors import UserError
from noise2music.labeling.datasets.manifest import Manifest, PartFile, PartRecord, parse_manifest, parse_record


def manifest() -> Manifest:
    parts = (
        PartRecord(
            part=0, files=(PartFile(path="a", rows=3, bytes=10, sha256="x"),), dead_reasons={"silent": 1}, stats={"n": 2}, seconds=1
        ),
        PartRecord(
            part=1, files=(PartFile(path="b", rows=4, bytes=20, sha256="y"),), dead_reasons={"silent": 1, "empty": 3}, stats={"n": 5}
        ),
    )
    names = {"stage": "embed", "name": "", "fingerprint": "f", "row_identity": "r"}
    return Manifest(**names, identity={"seed": 0}, parents={}, parts=parts, config={}, software="noise2music 0")


def test_round_trip() -> None:
    assert parse_manifest(manifest().to_bytes(), "here") == manifest()


def test_sums_over_parts() -> None:
    found = manifest()
    assert (found.rows, found.dead_rows, found.size, found.stats, found.seconds) == (7, 5, 30, {"n": 7}, 1)
    assert list(found.dead_reasons.items()) == [("empty", 3), ("silent", 2)]
    assert found.dead_share == 5 / 12


def test_excluded_rows_are_statistics_by_reason() -> None:
    part = manifest().parts[0].model_copy(update={"stats": {"excluded:licence": 1, "excluded:too_short": 4, "tracks": 9}})
    assert list(manifest().model_copy(update={"parts": (part,)}).excluded.items()) == [("too_short", 4), ("licence", 1)]


def test_warnings_are_summed_and_a_few_are_kept_in_words() -> None:
    records = [
        PartRecord(part=0, files=(), warnings={"length_differs": 2}, warned={"length_differs": ("a: 1 s", "b: 2 s")}),
        PartRecord(part=1, files=(), warnings={"length_differs": 2, "tags": 5}, warned={"length_differs": ("c: 3 s", "d: 4 s")}),
    ]
    found = manifest().model_copy(update={"parts": tuple(records)})
    assert list(found.warnings.items()) == [("tags", 5), ("length_differs", 4)]
    assert len(found.warned["length_differs"]) == 3
    assert set(found.warned["length_differs"]) < {"a: 1 s", "b: 2 s", "c: 3 s", "d: 4 s"}


def test_the_digest_is_of_the_living_rows_alone() -> None:
    found = manifest()
    dead = PartFile(path="dead/a", rows=1, bytes=1, sha256="z")
    with_dead = found.model_copy(update={"parts": (found.parts[0].model_copy(update={"dead": dead}), found.parts[1])})
    assert with_dead.digest == found.digest
    changed = found.parts[1].model_copy(update={"files": (PartFile(path="b", rows=4, bytes=20, sha256="other"),)})
    assert found.model_copy(update={"parts": (found.parts[0], changed)}).digest != found.digest


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda body: body.update(software="forged"), "was changed after it was written"),
        (lambda body: body["parts"][0]["files"][0].update(rows=4), "was changed after it was written"),
        (lambda body: body.pop("checksum"), "was changed after it was written"),
        (lambda body: body.pop("parts"), "is not a manifest"),
        (lambda body: body.update(extra=1), "is not a manifest"),
    ],
)
def test_an_edited_manifest_is_refused(edit: object, message: str) -> None:
    body = json.loads(manifest().to_bytes())
    edit(body)  # type: ignore[operator]
    with pytest.raises(UserError, match=message) as error:
        parse_manifest(json.dumps(body).encode(), "runs/x/_MANIFEST.json")
    assert "runs/x/_MANIFEST.json" in str(error.value)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff\xfe"])
def test_a_torn_manifest_is_refused_and_a_torn_record_counts_as_missing(data: bytes) -> None:
    with pytest.raises(UserError, match="is not a manifest"):
        parse_manifest(data, "here")
    assert parse_record(data) is None
