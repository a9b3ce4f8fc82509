"""Writes files so that the first of several writers wins, although runs on one store cannot see each other."""

from collections.abc import Callable
from dataclasses import dataclass

from noise2music.core.storage import Store


@dataclass(frozen=True)
class Put:
    """data: the content of `path` as far as this writer knows. replaced: another writer's content that this one overwrote."""

    path: str
    data: bytes
    replaced: bytes | None = None

    def hold(self, store: Store) -> None:
        """For the winner: write it again where another writer has overwritten it."""
        if store.get(self.path) != self.data:
            store.put(self.path, self.data)

    def give_back(self, store: Store) -> None:
        """For the loser: restore what this writer overwrote."""
        if self.replaced is not None:
            store.put(self.path, self.replaced)


def put_first(store: Store, path: str, data: bytes, same: Callable[[bytes], bool] = lambda _: False) -> Put:
    """Write a file unless an existing one is equal or the `same` by that function. Any other, such as a torn one, is overwritten."""
    if store.create(path, data):
        return Put(path, data)
    theirs = store.get(path)
    if theirs == data or same(theirs):
        return Put(path, theirs)
    store.put(path, data)
    return Put(path, data, theirs)
