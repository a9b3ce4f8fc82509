"""Stage "write": an LLM describes every song of a part `samples` times. No answered request is sent again."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import overload

import pyarrow as pa

from noise2music.core.errors import RowError
from noise2music.core.ids import stable_id
from noise2music.labeling.corpus.songs import Song, read_songs
from noise2music.labeling.datasets.dead_limit import TooManyDead
from noise2music.labeling.datasets.parts import PartContext
from noise2music.labeling.schemas import WRITE
from noise2music.labeling.writer.base import Answer, Reply, Request, Writer, WriterStopped
from noise2music.labeling.writer.parse_reply import ReadText, read_answer
from noise2music.labeling.writer.prompt import Prompt
from noise2music.labeling.writer.request_cache import Entry, RequestCache
from noise2music.labeling.writer_settings import Write

VERSION = 2

FindEarlier = Callable[[frozenset[str]], Mapping[str, Reply]]
Price = Callable[[int, int], float]
Read = tuple[Reply, ReadText] | RowError


@dataclass(frozen=True)
class _Question:
    """The question for one reply: sample `sample` of a song, at the `attempt`-th attempt."""

    song_id: str
    song: Song
    sample: int
    attempt: int

    @property
    def name(self) -> str:
        """Names the row among dead letters."""
        return f"{self.song_id}/{self.sample}"


@dataclass(frozen=True)
class RequestBuilder:
    """Builds the requests of a run: one for each (song, sample, attempt), always the same."""

    prompt: Prompt
    write: Write
    model: str
    seed: int

    def request(self, question: _Question) -> Request:
        """The request of a question. A second attempt gives another request, since the first one gave an unusable reply."""
        mark = stable_id("reply", self.seed, question.song_id, question.sample, question.attempt)
        return self.prompt.request(question.song, self.write, self.model, int(mark, 16) & 0x7FFFFFFF)

    def first_request(self, song: Song) -> Request:
        """The first request of a song."""
        return self.request(_Question(song.song_id, song, 0, 1))


class _Requests(Sequence[Request]):
    """The requests of many questions, each built when it is read, so that a long prompt is not held a thousand times."""

    def __init__(self, builder: RequestBuilder, questions: Sequence[_Question]) -> None:
        self._builder = builder
        self._questions = questions

    def __len__(self) -> int:
        return len(self._questions)

    @overload
    def __getitem__(self, position: int) -> Request: ...
    @overload
    def __getitem__(self, position: slice) -> "_Requests": ...
    def __getitem__(self, position: int | slice) -> "Request | _Requests":
        if isinstance(position, slice):
            return _Requests(self._builder, self._questions[position])
        return self._builder.request(self._questions[position])


def write_part(
    context: PartContext,
    songs: pa.Table,
    builder: RequestBuilder,
    writer: Writer,
    cache: RequestCache,
    find_earlier: FindEarlier,
    price: Price,
) -> Iterator[pa.Table]:
    """schemas.SONGS of one part -> schemas.WRITE in key order (song id, sample). Replies that cannot be used are dead letters.

    cache: this part's request cache; requests in it are not sent again, and every answer is added as it comes. find_earlier(keys): replies
    to these requests in other datasets; usable ones are copied. price(tokens in, tokens out): money. In the n-th attempt of a dataset (a
    replay), replies that were unusable in earlier attempts are asked for again. Raises writer.base.WriterStopped, and
    labeling.datasets.dead_limit.TooManyDead: the next run then asks again for unusable replies.
    """
    open_questions = [
        _Question(song_id, song, sample, 1) for song_id, song in read_songs(songs).items() for sample in range(builder.write.samples)
    ]
    context.count("replies", len(open_questions))
    answers_so_far = _Answers(context, cache, find_earlier, builder.prompt)
    rows = []
    for attempt in range(1, context.attempt + 1):
        try:
            answers = answers_so_far.answers(builder, open_questions, writer, is_last=attempt == context.attempt)
        except (WriterStopped, TooManyDead) as error:
            if context.stopped is None:
                raise
            answers_so_far.ask_again()
            raise TooManyDead(context.stopped) from error
        unusable = []
        for question, answer in zip(open_questions, answers, strict=True):
            if isinstance(answer, RowError):
                unusable.append((question, answer))
            else:
                rows.append(_row(question, *answer))
        open_questions = [_Question(q.song_id, q.song, q.sample, attempt + 1) for q, _ in unusable]
    for question, reason in unusable:
        context.reject(question.name, reason, question.song_id)
    repaired = Counter(row["repaired"] for row in rows if row["repaired"])
    for what, number in repaired.items():
        context.count(f"repaired:{what}", number)
    answers_so_far.account(price)
    if rows:
        yield pa.Table.from_pylist(sorted(rows, key=lambda row: (row["song_id"], row["sample"])), WRITE)


class _Answers:
    """All answers, from this part's request cache, from earlier datasets and from the writer, and whether they can be used."""

    def __init__(self, context: PartContext, cache: RequestCache, find_earlier: FindEarlier, prompt: Prompt) -> None:
        self._context = context
        self._cache = cache
        self._find_earlier = find_earlier
        self._prompt = prompt
        contents = cache.read()
        self._entries: list[Entry] = list(contents.entries)
        self._replies = contents.replies
        self._read: dict[str, Read] = {}
        context.count("damaged_lines", contents.damaged)

    def answers(self, builder: RequestBuilder, questions: Sequence[_Question], writer: Writer, is_last: bool) -> list[Read]:
        """The answer to every question, from the cheapest source. is_last: unusable replies are dead, and get no further attempt."""
        keys = [builder.request(question).key for question in questions]
        missing = [position for position, key in enumerate(keys) if key not in self._replies]
        if missing:
            self._take_over(frozenset(keys[position] for position in missing), only_usable=is_last)
            missing = [position for position in missing if keys[position] not in self._replies]
        for question, key in zip(questions, keys, strict=True):
            if key in self._replies:
                self._tell(question, self._usable(key), is_last)
        failed: dict[int, RowError] = {}

        def keep(answered: Sequence[tuple[int, Answer]]) -> None:
            self._add([Entry(keys[missing[number]], answer) for number, answer in answered])
            try:
                for number, answer in answered:
                    position = missing[number]
                    if isinstance(answer, RowError):
                        failed[position] = answer
                    self._tell(questions[position], failed.get(position) or self._usable(keys[position]), is_dead=True)
            except TooManyDead as stopped:
                raise WriterStopped(str(stopped)) from stopped

        if missing:
            writer.write(_Requests(builder, [questions[position] for position in missing]), keep)
        return [failed.get(position) or self._usable(key) for position, key in enumerate(keys)]

    def ask_again(self) -> None:
        """Cancel unusable replies, so that the next run asks again: they may not be final."""
        own = {entry.key for entry in self._entries if not entry.reused} & self._replies.keys()
        self._add([Entry.ask_again(key) for key in sorted(own) if isinstance(self._usable(key), RowError)])

    def account(self, price: Price) -> None:
        """Count the cost of this dataset's replies, whichever run paid for them."""
        for entry in self._entries:
            answer = entry.answer
            if entry.again:
                continue
            if entry.reused:
                self._context.count("reused")
            elif isinstance(answer, Reply):
                self._context.count("requests", answer.tries)
                self._context.count("retries", answer.tries - 1)
                self._context.count("seconds", answer.seconds)
                self._context.count("prompt_tokens", answer.prompt_tokens)
                self._context.count("completion_tokens", answer.completion_tokens)
                self._context.count("price", price(answer.prompt_tokens, answer.completion_tokens))
            else:
                self._context.count("failed_requests")

    def _take_over(self, keys: frozenset[str], only_usable: bool) -> None:
        """Copy replies to these requests from other datasets."""
        earlier = sorted(self._find_earlier(keys).items())
        usable = [(key, reply) for key, reply in earlier if not (only_usable and isinstance(self._judge(reply), RowError))]
        self._add([Entry(key, reply, reused=True) for key, reply in usable])

    def _tell(self, question: _Question, read: Read, is_dead: bool) -> None:
        """Count a row, once. is_dead: whether a reply that cannot be used makes a dead row."""
        name = question.name
        if not isinstance(read, RowError):
            if not self._context.revive(name):
                self._context.advance()
        elif is_dead and not self._context.expects_dead(name):
            self._context.advance()
            self._context.expect_dead(name, read, question.song_id)

    def _usable(self, key: str) -> Read:
        """The reply and its text, or why it cannot be used. Each is read once."""
        if key not in self._read:
            self._read[key] = self._judge(self._replies[key])
        return self._read[key]

    def _judge(self, reply: Reply) -> Read:
        try:
            return reply, read_answer(reply, self._prompt)
        except RowError as error:
            return error.with_traceback(None)

    def _add(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        self._cache.append(entries)
        self._entries += entries
        self._replies.update((entry.key, entry.answer) for entry in entries if isinstance(entry.answer, Reply))


def _row(question: _Question, reply: Reply, read: ReadText) -> dict[str, str | int | None]:
    return {
        "song_id": question.song_id,
        "sample": question.sample,
        "text": read.text.encode("utf-8", "replace").decode(),
        "repaired": read.repaired,
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
    }


def overlapping(part: int, parts: int, others: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Which (part, parts) of other datasets can hold ids of part `part` of `parts`: parts are equal ranges of ids."""
    return [(other, total) for other, total in others if other * parts < (part + 1) * total and part * total < (other + 1) * parts]
