"""What a place holds: listed once, read once, and never trusted when it is torn or stale."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from noise2music.core.errors import RowError, UserError
from noise2music.core.storage import Store, open_store
from noise2music.models.generation.settings import GenerationSettings
from noise2music.models.job.identity import NAME, check_output_store, claim, job_identity
from noise2music.models.job.manifest import write_manifest
from noise2music.models.job.output_store import (
    MANIFEST,
    MANIFEST_TABLE,
    count_records,
    dead_letter_path,
    put_dead_letter,
    read_dead_letters,
    read_records,
    record_path,
)
from noise2music.models.job.prompt import Prompt
from noise2music.models.job.record import clip_dead_letter, parse_clip
from noise2music.models.job.settings import GenerateSettings
from tests.models.job.made_up_clips import make_clip


class Counting(Store):
    """A store that counts what is read."""

    def __init__(self, uri: str) -> None:
        super().__init__(uri)
        self.read: list[str] = []

    def get(self, path: str) -> bytes:
        self.read.append(path)
        return super().get(path)


def test_records_are_read_once_and_then_come_from_the_manifest(tmp_path: Path) -> None:
    store = Counting(str(tmp_path))
    assert read_records(store) == {}
    made = [make_clip(store, number, 0.1) for number in (2, 0, 1)]
    found = read_records(store)
    assert list(found) == ["clip-000", "clip-001", "clip-002"]
    assert set(map(str, found.values())) == set(map(str, made))
    assert write_manifest(store, list(found.values()))
    assert not write_manifest(store, list(found.values()))
    make_clip(store, 3, 0.1)
    store.read.clear()
    assert len(read_records(store)) == count_records(store) == 4
    assert store.read == [MANIFEST, record_path("clip-003")]


def test_a_record_that_was_removed_torn_or_made_again_is_not_taken_from_the_manifest(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    for number in range(4):
        make_clip(store, number, 0.1)
    write_manifest(store, list(read_records(store).values()))
    store.delete(record_path("clip-000"))
    store.put(record_path("clip-001"), store.get(record_path("clip-001"))[:100])
    store.put(record_path("clip-002"), store.get(record_path("clip-003")))
    again = store.get(record_path("clip-003")).replace(b'"seconds_spent": 1.25', b'"seconds_spent": 9.5')
    store.put(record_path("clip-003"), again)
    found = read_records(store)
    assert list(found) == ["clip-003"]
    assert found["clip-003"].seconds_spent == 9.5


def test_a_torn_manifest_is_not_trusted(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    made = make_clip(store, 1, 0.1)
    write_manifest(store, [made])
    store.put(MANIFEST, store.get(MANIFEST)[:-40])
    assert read_records(store) == {"clip-001": made}


def test_both_manifests_say_the_same(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    made = [make_clip(store, number, 0.1) for number in range(4)]
    write_manifest(store, made)
    lines = [json.loads(line) for line in store.get(MANIFEST).decode().split("\n")[:-1]]
    assert pq.read_table(tmp_path / MANIFEST_TABLE).to_pylist() == lines
    assert [parse_clip(json.dumps(line)) for line in lines] == made


def test_dead_letters(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    letter = clip_dead_letter(Prompt("k", "p \ud83c", 1.0, 0), RowError("silent", "x" * 5000))
    put_dead_letter(store, letter)
    put_dead_letter(store, letter.model_copy(update={"name": "rows/ab"}))
    store.put(dead_letter_path("torn"), b"{")
    assert read_dead_letters(store) == {"k": letter, "rows/ab": letter.model_copy(update={"name": "rows/ab"})}
    assert len(letter.message) == 2000


def settings(**changes: object) -> GenerateSettings:
    return GenerateSettings.model_validate({"prompts": "p.txt", "checkpoints": "tiny", "out": "out"} | changes)


def test_a_place_holds_clips_of_one_kind(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    check_output_store(store, settings(), {"vocoder": "a"})
    claim(store, job_identity(settings(), {"vocoder": "a"}, "scorer"))
    claim(store, job_identity(settings(prompts="q.txt", out="elsewhere", run={"workers": 7}), {"vocoder": "a"}, "scorer"))
    check_output_store(store, settings(), {"vocoder": "a"})
    changed = settings(best_of=2, generation=GenerationSettings(route="spectrogram"))
    with pytest.raises(UserError, match=r"makes clips differently: best_of, generation\.route, weights\.vocoder changed"):
        check_output_store(store, changed, {"vocoder": "b"})
    with pytest.raises(UserError, match=r"scorer\.identity changed"):
        claim(store, job_identity(settings(), {"vocoder": "a"}, "another"))
    with pytest.raises(UserError, match=r"scorer\.model changed"):
        check_output_store(store, settings(scorer={"model": "laion/x"}), {"vocoder": "a"})
    check_output_store(store, settings(generation={"batch": 7}), {"vocoder": "a"})
    store.put(NAME, b"{}")
    with pytest.raises(UserError, match=r"_RUN\.json is not what a job writes"):
        check_output_store(store, settings(), {})


def test_an_interval_without_an_end_is_told_from_none(tmp_path: Path) -> None:
    store, below = open_store(str(tmp_path)), settings(generation={"sampling": {"interval": [float("-inf"), 1.0]}})
    claim(store, job_identity(below, {}, "scorer"))
    claim(store, job_identity(below, {}, "scorer"))
    for other in ({}, {"sampling": {"interval": [-9.0, 1.0]}}):
        with pytest.raises(UserError, match=r"generation\.sampling\.interval"):
            claim(store, job_identity(settings(generation=other), {}, "scorer"))


@pytest.mark.parametrize("comparing", [{"best_of": 2}, {"against": "labels"}])
def test_a_spectrogram_is_not_compared_by_ear(comparing: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=f"{next(iter(comparing))} compares sound"):
        settings(generation={"route": "spectrogram", "stop_after": "spectrogram-generator"}, **comparing)


def test_a_store_of_a_release_with_former_names_of_settings_is_the_same_store(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    sampling = {"apg_eta": 0.3, "apg_norm_threshold": 2.0, "consistency_iters": 3}
    identity = job_identity(settings(generation={"sampling": sampling}), {"vocoder": "a"}, "scorer")
    former = json.loads(json.dumps(identity.model_dump(mode="json")))
    for name, today in (("parallel", "apg_eta"), ("radius", "apg_norm_threshold"), ("projections", "consistency_iters")):
        former["generation"]["sampling"][name] = former["generation"]["sampling"].pop(today)
    store.put(NAME, json.dumps(former).encode())
    claim(store, identity)
    with pytest.raises(UserError, match="consistency_iters"):
        claim(store, job_identity(settings(generation={"sampling": {**sampling, "consistency_iters": 4}}), {"vocoder": "a"}, "scorer"))
