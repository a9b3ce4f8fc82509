from noise2music.flows.tables import format_counts


def test_commonest_first_then_by_name_and_the_rest_counted() -> None:
    assert format_counts({"b": 2, "a": 2, "c": 1_000}) == "1,000 × c, 2 × a, 2 × b"
    assert format_counts({"d": 1, "b": 2, "a": 2, "c": 1_000, "e": 1}) == "1,000 × c, 2 × a, 2 × b, 2 other kinds"
    assert format_counts({}) == ""
