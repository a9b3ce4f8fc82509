"""Files of which the first writer wins, although runs that share a place cannot see each other."""

from collections.abc import Callable
from dataclasses import dataclass

from noise2music.core.storage import Store


@dataclass(frozen=True)
class Put:
    """data: what lies at `path` by this writer's knowledge. replaced: what another had put there and this one wrote over."""

    path: str
    data: bytes
    replaced: bytes | None = None

    def hold(self, store: Store) -> None:
        """For the winner: put it again where another wrote over it meanwhile."""
        if store.get(self.path) != self.data:
            store.put(self.path, self.data)

    def give_back(self, store: Store) -> None:
        """For the loser: what was written over is put back."""
        if self.replaced is not None:
            store.put(self.path, self.replaced)


def put_first(store: Store, path: str, data: bytes, same: Callable[[bytes], bool] = lambda _: False) -> Put:
    """Put a file unless the one that is there says the `same`; what does not, such as a torn one, is written over."""
    if store.create(path, data):
        return Put(path, data)
    theirs = store.get(path)
    if theirs == data or same(theirs):
        return Put(path, theirs)
    store.put(path, data)
    return Put(path, data, theirs)
