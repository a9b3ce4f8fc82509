"""Prompt sets from tables as their makers write them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from noise2music.core.errors import UserError
from noise2music.evaluation.prompt_sets import musical_classes, pairs_csv, prompts_csv, read_prompt_set
from noise2music.flows.cli import n2m
from noise2music.models.job.prompts import read_prompts

MUSICCAPS = """ytid,start_s,end_s,audioset_positive_labels,aspect_list,caption,author_id,is_balanced_subset,is_audioset_eval
-0Gj8-vB1q4,30,40,"/m/0140xf,/m/02cjck","['low quality', 'sustained strings']","A ballad with ""strings"".",4,False,True
-0SdAVK79lg,30,40,"/m/0155w,/m/01lyv","['guitar song']","This song features an electric guitar.",0,True,False
"""
SEGMENTS = """# Segments csv created Sun Mar  5 10:54:25 2017
# num_ytids=3
# YTID, start_seconds, end_seconds, positive_labels
--4gqARaEJE, 0.000, 10.000, "/m/04rlf,/m/02p0sh1,/m/0bt9lr"
--BfvyPmVMo, 20.000, 30.000, "/m/04rlf"
--U7joUcTCo, 0.000, 10.000, "/m/02p0sh1,/m/05r5c"
"""
ONTOLOGY = [
    {"id": "/m/04rlf", "name": "Music", "child_ids": ["/m/04szw", "/m/0glt670"]},
    {"id": "/m/04szw", "name": "Musical instrument", "child_ids": ["/m/05r5c"]},
    {"id": "/m/05r5c", "name": "Piano", "child_ids": []},
    {"id": "/m/0glt670", "name": "Music genre", "child_ids": ["/m/02p0sh1", "/m/04szw"]},
    {"id": "/m/02p0sh1", "name": "Gospel music", "child_ids": []},
    {"id": "/m/0bt9lr", "name": "Dog", "child_ids": []},
]
ANNOTATIONS = (
    '"clip_id"\t"no voice"\t"piano"\t"slow"\t"mp3_path"\n'
    '"2"\t"0"\t"1"\t"1"\t"f/a-01-29.mp3"\n'
    '"6"\t"0"\t"0"\t"0"\t"f/b-01-29.mp3"\n'
    '"10"\t"1"\t"0"\t"0"\t"c/c-30-59.mp3"\n'
)


def test_musiccaps(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(MUSICCAPS)
    whole = read_prompt_set("musiccaps", str(tmp_path / "a.csv"))
    assert [row.key for row in whole.rows] == ["-0Gj8-vB1q4", "-0SdAVK79lg"]
    assert whole.rows[0].prompt == 'A ballad with "strings".'
    assert [row.key for row in read_prompt_set("musiccaps", str(tmp_path / "a.csv"), balanced=True).rows] == ["-0SdAVK79lg"]
    (tmp_path / "prompts.csv").write_bytes(prompts_csv(whole))
    read = read_prompts(str(tmp_path / "prompts.csv"), 10, 0)
    assert [(prompt.key, prompt.prompt) for prompt in read.prompts] == [(row.key, row.prompt) for row in whole.rows]
    assert pairs_csv(whole) is None


def test_audioset(tmp_path: Path) -> None:
    (tmp_path / "eval_segments.csv").write_text(SEGMENTS)
    (tmp_path / "ontology.json").write_text(json.dumps(ONTOLOGY))
    assert len(musical_classes(str(tmp_path / "ontology.json"))) == 5
    found = read_prompt_set("audioset", str(tmp_path / "eval_segments.csv"), ontology=str(tmp_path / "ontology.json"))
    assert [(row.key, row.prompt) for row in found.rows] == [("--4gqARaEJE", "Gospel music"), ("--U7joUcTCo", "Gospel music, Piano")]
    assert found.unlabelled == 1


def test_magnatagatune_by_the_command(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(ANNOTATIONS)
    typed = [
        "prompts",
        "magnatagatune",
        "--table",
        str(tmp_path / "a.csv"),
        "-o",
        str(tmp_path / "p.csv"),
        "--pairs",
        str(tmp_path / "q.csv"),
    ]
    done = CliRunner().invoke(n2m, typed)
    assert done.exit_code == 0, done.output
    assert "2 prompts in" in done.output
    assert "1 rows without a label" in done.output
    assert (tmp_path / "p.csv").read_text() == 'key,prompt\n2,"piano, slow"\n10,no voice\n'
    assert (tmp_path / "q.csv").read_text() == "key,reference\n2,f/a-01-29.mp3\n10,c/c-30-59.mp3\n"


def test_mulamcap(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("ytid,caption\nx1,A calm song.\nx1,A slow song.\nx2,A march.\n")
    found = read_prompt_set("mulamcap", str(tmp_path / "a.csv"))
    assert [(row.key, row.prompt) for row in found.rows] == [("x1.1", "A calm song."), ("x1.2", "A slow song."), ("x2.1", "A march.")]


def test_mistakes(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text(MUSICCAPS)
    with pytest.raises(UserError, match="no column clip_id, mp3_path"):
        read_prompt_set("magnatagatune", str(table))
    with pytest.raises(UserError, match="needs --ontology"):
        read_prompt_set("audioset", str(table))
    with pytest.raises(UserError, match="has no ontology"):
        read_prompt_set("musiccaps", str(table), ontology="x")
    with pytest.raises(UserError, match="only MusicCaps has a balanced subset"):
        read_prompt_set("mulamcap", str(table), balanced=True)
    (tmp_path / "ontology.json").write_text(json.dumps(ONTOLOGY))
    with pytest.raises(UserError, match="is no line of AudioSet's segments"):
        read_prompt_set("audioset", str(table), ontology=str(tmp_path / "ontology.json"))
    with pytest.raises(UserError, match=r"is not AudioSet's ontology\.json"):
        musical_classes(str(table))
    table.write_text("ytid,caption\na,one\na,two\n")
    with pytest.raises(UserError, match="a stands twice"):
        read_prompt_set("musiccaps", str(table))
