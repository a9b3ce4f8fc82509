"""Commands around people who listen: tests that compare systems, audits of labels, and what the answers say."""

import sys
from pathlib import Path
from typing import Any

import click

from noise2music.flows.cli.options import JSON
from noise2music.flows.cli.sections import example

OUT = click.option("-o", "--out", required=True, help="Folder where the test is written.")
SECONDS = click.option("--seconds", type=float, help="How much of a clip is heard, from its middle (10; labels: 30).")
MUST_HEAR = click.option("--must-hear", type=float, help="Seconds of each clip before one can answer (3).")
REPEATS = click.option("--repeats", type=int, help="How many a rater judges twice, to see how steady one is (3; labels: 5).")
LOUDNESS = click.option(
    "--loudness", metavar="LUFS", help='Loudness of every clip (ITU-R BS.1770; -23), or "keep" to leave levels as they are.'
)
ABSURD = click.option("--absurd/--no-absurd", default=None, help="One item with an obvious answer, as an attention check (yes).")
SEED = click.option("--seed", type=int, help="Seed of order, sides and choice (0).")
KEY = click.option("--key", required=True, help="The key.json of the test.")
DROP = click.option("--drop-failed", is_flag=True, help="Leave out raters that failed a check. Without it they are only named.")


@click.group(
    short_help="Compare systems by people who listen.", epilog=example("n2m listen make runs/clips musicgen=other/clips -o runs/test")
)
def listen() -> None:
    """Compare systems by people who listen: make a test, serve it, rank."""


@listen.command(
    short_help="Make a page on which raters compare clips of two systems or more.",
    epilog=example(
        "n2m listen make runs/clips musicgen=other/clips --prompts prompts.csv -o runs/test",
        "n2m listen make a b c --ask quality -o runs/test",
    ),
)
@click.argument("systems", nargs=-1, required=True, metavar="SYSTEM...")
@OUT
@click.option("--prompts", help="File with the columns key and prompt, for clips whose place has no prompts.")
@click.option("--raters", "sheets", type=int, help="How many raters are planned for; each gets a sheet of its own (20).")
@click.option("--pairs", type=int, help="Pairs of a rater that count (24).")
@click.option("--raters-a-pair", type=int, help="How many raters hear the same two clips; fewer mean more prompts (2).")
@click.option("--ask", multiple=True, type=click.Choice(["text", "quality"]), help="Only this question; may be repeated (both).")
@REPEATS
@SECONDS
@MUST_HEAR
@LOUDNESS
@ABSURD
@SEED
def make(out: str, **given: Any) -> None:
    """Make a listening test of SYSTEMs: places that `n2m generate` wrote, or any folders of audio, each as PATH or LABEL=PATH.

    Clips of one key, or one file name, are of one prompt. OUT/page is for the raters and works without a server; OUT/key.json says whose
    clip is which, and is for nobody but you.
    """
    from noise2music.evaluation.listening.make import make_listening_test
    from noise2music.evaluation.listening.settings import ListenSettings
    from noise2music.flows.config import validate_settings

    made = make_listening_test(validate_settings(ListenSettings, _settings(out, given), (), "n2m listen make"))
    for line in made.said:
        print(line, file=sys.stderr)
    sheets = {entry.sheet for entry in made.key.items.values() if entry.sheet is not None}
    print(f"{made.clips:,} clips of {made.prompts:,} prompts, {made.comparisons:,} comparisons on {len(sheets)} sheets; test {made.key.id}")
    _say_where(out, "n2m listen rank {out}/answers/*.json --key {out}/key.json")


@listen.command(
    epilog=example("n2m listen serve runs/test", "n2m listen serve runs/test --host 0.0.0.0  # phones of the same network"),
)
@click.argument("folder")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; 0.0.0.0 for other machines.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port to listen at; 0 takes a free one.")
def serve(folder: str, host: str, port: int) -> None:
    """Serve the test in FOLDER, and take answers into FOLDER/answers, until Ctrl-C."""
    from noise2music.evaluation.listening.serve import serve as run

    run(folder, host, port, lambda url: print(f"{url}  (raters 1, 2, ...: {url}#sheet=1)  Ctrl-C stops.", flush=True))


@listen.command(
    "rank",
    short_help="Rank the systems by what raters answered.",
    epilog=example("n2m listen rank runs/test/answers/*.json --key runs/test/key.json"),
)
@click.argument("answers", nargs=-1, required=True, metavar="ANSWERS...")
@KEY
@click.option("-o", "--out", help="Folder for ranking.json, .parquet and .html (default: that of the key).")
@DROP
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the resampling of raters.")
@JSON
def rank_systems(answers: tuple[str, ...], key: str, out: str | None, drop_failed: bool, seed: int, as_json: bool) -> None:
    """Rank systems by ANSWERS, the files that raters sent back: wins, strengths with intervals over raters, which differences are real."""
    from noise2music.flows.listening import rank_answers
    from noise2music.flows.tables import print_rows

    ranked = rank_answers(answers, key, out or _folder(key), drop_failed, seed)
    rows = [
        {"question": r.question, "system": s.system, "wins": s.wins, "losses": s.losses, "alike": s.alike}
        | {"elo": _round(s.elo), "low": _round(s.low), "high": _round(s.high)}
        for r in ranked.rankings
        for s in r.standings
    ]
    print_rows(rows, as_json)
    if as_json:
        return
    for ranking in ranked.rankings:
        for difference in ranking.differences:
            print(f"{ranking.question}: {_difference(difference)}")
        print(*(f"{ranking.question}: {line}" for line in ranking.said), sep="\n", end="\n" if ranking.said else "")
    _say_failed([(rater.rater, rater.failed) for rater in ranked.raters], drop_failed)
    print(f"Page: {ranked.page}")


def _difference(difference: Any) -> str:
    said = f"{difference.first} is preferred to {difference.second} in {difference.chance:.0%}"
    if difference.p_holm is None:
        return f"{said}; one rater does not tell whether that is chance"
    if difference.is_significant:
        return f"{said}, p = {difference.p_holm:.2g}"
    more = "no number of ratings in reach would decide it" if difference.more is None else f"about {difference.more:,} more ratings would"
    return f"{said}, not significant (p = {difference.p_holm:.2g}); {more}"


@click.command(
    short_help="Let people judge whether labels are true.",
    epilog=example(
        "n2m audit runs/music -o runs/audit  # then: n2m listen serve runs/audit",
        "n2m audit runs/audit/answers/*.json --key runs/audit/key.json",
    ),
)
@click.argument("places", nargs=-1, required=True, metavar="ROOT|ANSWERS...")
@click.option("-o", "--out", help="Folder where the audit, or with --key the result, is written.")
@click.option("--key", help="The key.json of an audit: then the arguments are files of answers.")
@click.option("--labels", type=int, help="How many labels are judged (100).")
@REPEATS
@SECONDS
@MUST_HEAR
@LOUDNESS
@ABSURD
@SEED
@DROP
@JSON
def audit(places: tuple[str, ...], out: str | None, key: str | None, drop_failed: bool, as_json: bool, **given: Any) -> None:
    """Draw labels of ROOT for people to judge, blind to the score; with --key: the precision that their ANSWERS give."""
    if key is not None:
        if named := [name for name, value in given.items() if value is not None]:
            raise click.UsageError(f"--{named[0].replace('_', '-')} is for making an audit, not for its answers")
        _precision(places, key, out, drop_failed, as_json)
        return
    if len(places) != 1 or out is None:
        raise click.UsageError("give one ROOT and -o OUT to make an audit, or ANSWERS and --key to see what they say")
    from noise2music.evaluation.listening.audit import make_audit
    from noise2music.evaluation.listening.settings import AuditSettings
    from noise2music.flows.config import validate_settings

    made = make_audit(validate_settings(AuditSettings, {"root": places[0], **_settings(out, given)}, (), "n2m audit"))
    for line in made.said:
        print(line, file=sys.stderr)
    print(f"{made.labels:,} of {made.of:,} labels, {made.clips:,} clips; audit {made.key.id}")
    _say_where(out, "n2m audit {out}/answers/*.json --key {out}/key.json")


def _precision(answers: tuple[str, ...], key: str, out: str | None, drop_failed: bool, as_json: bool) -> None:
    from noise2music.flows.listening import audit_answers
    from noise2music.flows.tables import print_rows

    found, page = audit_answers(answers, key, out or _folder(key), drop_failed)
    rows = [
        {"vocabulary": row.vocabulary, "speaks of": row.aspect, "true": row.true, "not true": row.false, "undecided": row.unsure}
        | {"precision": _round(row.share, 3), "low": _round(row.low, 3), "high": _round(row.high, 3)}
        for row in found.rows
    ]
    print_rows(rows, as_json)
    if not as_json:
        _say_failed([(rater.rater, rater.failed) for rater in found.raters], drop_failed)
        print(f"Page: {page}")


def _say_failed(raters: list[tuple[str, tuple[str, ...]]], dropped: bool) -> None:
    for rater, failed in raters:
        if failed:
            print(f"rater {rater} failed {', '.join(failed)} and {'is left out' if dropped else 'counts all the same (--drop-failed)'}")


def _say_where(out: str, command: str) -> None:
    print(f"Send raters {out}/page, or: n2m listen serve {out}")
    print(f"Keep {out}/key.json to yourself: it says what is what. Later: {command.format(out=out)}")


def _settings(out: str, given: dict[str, Any]) -> dict[str, Any]:
    """What was given, as settings; what was not keeps its default."""
    told = {name: list(value) if isinstance(value, tuple) else value for name, value in given.items() if value is not None and value != ()}
    if told.get("loudness") == "keep":
        told["loudness"] = None
    return {"out": out, **told}


def _round(value: float | None, digits: int = 1) -> float | None:
    return None if value is None else round(value, digits)


def _folder(path: str) -> str:
    return path.rpartition("/")[0] if "/" in path else str(Path.cwd())
