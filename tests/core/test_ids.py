import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noise2music.core.ids import hash_uniform, id_to_int, ids_to_uint64, mix, purpose_key, stable_id


def test_an_id_depends_on_where_fields_end() -> None:
    assert stable_id("ab", "c") != stable_id("a", "bc")
    assert stable_id("track", "\udcff.mp3") != stable_id("track", ".mp3")


@given(st.lists(st.text(max_size=20), max_size=20))
def test_ids_as_numbers_are_their_hexadecimal_value(names: list[str]) -> None:
    ids = [stable_id(name) for name in names]
    assert ids_to_uint64(pa.array(ids, pa.string())).tolist() == [id_to_int(identifier) for identifier in ids]


@pytest.mark.parametrize("wrong", ["abc", "g" * 16, "0" * 17])
def test_a_text_that_is_no_id_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="id is not"):
        ids_to_uint64(pa.array([wrong]))


def test_mix_is_a_bijection_on_a_sample() -> None:
    values = np.arange(100_000, dtype=np.uint64)
    assert len(np.unique(mix(values))) == len(values)


def test_hash_uniform_is_uniform_and_depends_on_every_key() -> None:
    keys = np.arange(100_000, dtype=np.uint64)
    drawn = hash_uniform(0, keys)
    histogram = np.histogram(drawn, 100, (0, 1))[0]
    assert ((histogram - 1000) ** 2 / 1000).sum() < 149  # chi-square, 99 degrees of freedom: 99.9 % below 148.2
    assert abs(np.corrcoef(drawn, hash_uniform(1, keys))[0, 1]) < 0.02
    assert abs(np.corrcoef(drawn, hash_uniform(0, keys + np.uint64(1)))[0, 1]) < 0.02


def test_hash_uniform_has_fixed_values() -> None:
    assert hash_uniform(0, np.array([1], np.uint64), np.array([2], np.uint64)).tolist() == [0.6502369882853163]


def test_the_key_of_a_purpose_is_the_number_of_its_id() -> None:
    assert purpose_key("crop").tolist() == [int(stable_id("crop"), 16)]
    assert purpose_key("clip order", "rows", 3).tolist() == [int(stable_id("clip order", "rows", 3), 16)]
    assert purpose_key("crop").dtype == np.uint64
