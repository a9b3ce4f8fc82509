"""Finds the file of a corpus that a name in a table means. Metadata, opt-outs and all other lists use this rule, from exact to loose."""

from bisect import insort
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from itertools import chain

from noise2music.labeling.corpus.spelling import decoded, folded, looseness, number_of, stem_of, without_suffix

MAX_CANDIDATES = 3


@dataclass
class Candidates:
    """The nearest files for one name. by: files by their differences from the name (labeling.corpus.spelling), for each set of differences
    the first `most` by key.
    """

    most: int
    by: dict[int, list[str]] = field(default_factory=dict)

    def add(self, bits: int, key: str) -> None:
        """Add a file unless another differs in less, and drop those that differ in more. Where neither set of differences holds the other,
        both files stay.
        """
        if any(near != bits and near & bits == near for near in self.by):
            return
        for far in [far for far in self.by if far != bits and far & bits == bits]:
            del self.by[far]
        _keep(self.by.setdefault(bits, []), key, self.most)

    @property
    def keys(self) -> list[str]:
        """The files, sorted."""
        return sorted(set(chain.from_iterable(self.by.values())))

    @property
    def only(self) -> tuple[str, int] | None:
        """The file and its differences, where there is exactly one; otherwise None."""
        return (self.keys[0], min(self.by)) if len(self.keys) == 1 else None


class Matcher:
    """Matches names with files. Offer every key of the corpus once, in any order; memory grows with the names alone.

    most: how many equally good files are stored for a name; 2 or more, so that an ambiguous name is noticed.
    """

    def __init__(self, names: Iterable[str], most: int = MAX_CANDIDATES) -> None:
        self.matches: dict[str, Candidates] = {}
        self._most = most
        self._exact: set[str] = set()
        self._numbers: defaultdict[str, list[str]] = defaultdict(list)
        self._one_step: defaultdict[str, list[str]] = defaultdict(list)
        self._in_folder: defaultdict[str, list[str]] = defaultdict(list)
        self._last_two: defaultdict[str, list[str]] = defaultdict(list)
        self._same_name: defaultdict[str, list[str]] = defaultdict(list)
        for name in names:
            self._exact.add(name)
            number = number_of(name)
            if number is not None:
                self._numbers[number].append(name)
            for folder, last in _ends(name):
                if folder is None:
                    self._one_step[last].append(name)
                else:
                    self._in_folder[last].append(name)
                    self._last_two[f"{folder}/{last}"].append(name)

    def offer(self, key: str) -> None:
        """Match one file with all names."""
        if not self._exact:
            return
        names = {key: None} if key in self._exact else {}
        number = number_of(stem_of(key)) if self._numbers else None
        if number is not None:
            names.update(dict.fromkeys(self._numbers.get(number, ())))
        for folder, last in _ends(key):
            names.update(dict.fromkeys(self._one_step.get(last, ())))
            if folder is None:
                names.update(dict.fromkeys(self._in_folder.get(last, ())))
                continue
            names.update(dict.fromkeys(self._last_two.get(f"{folder}/{last}", ())))
            if last in self._in_folder:
                _keep(self._same_name[last], key, self._most)
        for name in names:
            bits = looseness(name, key)
            if bits is not None:
                self.matches.setdefault(name, Candidates(self._most)).add(bits, key)

    def in_other_folders(self, name: str) -> list[str]:
        """Files of the same name in another folder, sorted: no match, but useful as a hint."""
        return sorted({key for _, last in _ends(name) for key in self._same_name.get(last, ())})


@dataclass(frozen=True)
class Matching:
    """matches: name -> (file, differences). ambiguous: name -> some of the files it could mean. hints: name -> files of that name in
    another folder. A name in none of them matches nothing at all.
    """

    matches: dict[str, tuple[str, int]]
    ambiguous: dict[str, tuple[str, ...]]
    hints: dict[str, tuple[str, ...]]


def match_names(keys: Collection[str], names: Collection[str]) -> Matching:
    """Which key of a corpus each name means. A name that fits two files equally well matches none.

    Several names may match one file; the caller decides which of them counts. The order of keys and names does not matter.
    """
    named = names if isinstance(names, (set, frozenset, dict)) else set(names)
    matches = {key: (key, 0) for key in keys if key in named}
    rest = [name for name in named if name not in matches]
    matcher = Matcher(rest)
    if rest:
        for key in keys:
            matcher.offer(key)
    ambiguous: dict[str, tuple[str, ...]] = {}
    hints: dict[str, tuple[str, ...]] = {}
    for name in sorted(rest):
        candidates = matcher.matches.get(name)
        if candidates is None:
            if same := matcher.in_other_folders(name):
                hints[name] = tuple(same[:MAX_CANDIDATES])
        elif candidates.only:
            matches[name] = candidates.only
        else:
            ambiguous[name] = tuple(candidates.keys[:MAX_CANDIDATES])
    return Matching(matches, ambiguous, hints)


def _ends(name: str) -> set[tuple[str | None, str]]:
    """The last folder (None where there is none) and the name in it, with and without suffix, in their loosest form."""
    path = folded(decoded(name))
    folders, _, last = path.rpartition("/")
    folder = folders.rpartition("/")[2].strip() if folders else None
    lasts = {last.strip(), without_suffix(last).strip()} - {""}
    return {(folder, one) for one in lasts}


def _keep(keys: list[str], key: str, most: int) -> None:
    """The first `most` keys, whatever their order."""
    if not keys or keys[-1] < key:
        if len(keys) < most:
            keys.append(key)
    elif key not in keys:
        insort(keys, key)
        del keys[most:]
