"""Keeps a run within its budget: every try reserves its worst case first, and returns what it did not use."""

from dataclasses import dataclass

from noise2music.labeling.writer.base import Reply, Request
from noise2music.labeling.writer_settings import Server

_BYTES_A_TOKEN = 3.0


@dataclass(frozen=True)
class Reservation:
    """What a request in flight may cost at most."""

    tokens_in: float
    tokens_out: float


class BudgetTracker:
    """The budget of one run (labeling.writer_settings.Budget), used on one event loop."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._requests = 0
        self._tokens_in = self._tokens_out = 0.0
        self._in_flight = 0
        self._bytes, self._counted = 0, 0

    def reserve(self, request: Request) -> Reservation | None:
        """Take a request's worst case, and one request, out of the budget. None when it does not fit beside those in flight."""
        reservation = Reservation(self._tokens_of(request), float(request.max_tokens))
        tokens_in, tokens_out = self._tokens_in + reservation.tokens_in, self._tokens_out + reservation.tokens_out
        budget, spent = self._server.budget, self._server.price(round(tokens_in), round(tokens_out))
        if budget.requests is not None and self._requests + 1 > budget.requests:
            return None
        if budget.tokens is not None and tokens_in + tokens_out > budget.tokens:
            return None
        if budget.money is not None and spent > budget.money:
            return None
        self._requests += 1
        self._in_flight += 1
        self._tokens_in, self._tokens_out = tokens_in, tokens_out
        return reservation

    def settle(self, request: Request, reservation: Reservation, reply: Reply | None) -> None:
        """End a try: the tokens of the reply are spent, the rest is returned. A reply without token counts costs the whole reservation."""
        self._in_flight -= 1
        if reply is not None and not reply.prompt_tokens:
            return
        self._tokens_in += (reply.prompt_tokens if reply else 0) - reservation.tokens_in
        self._tokens_out += (reply.completion_tokens if reply else 0) - reservation.tokens_out
        if reply is not None:
            self._bytes += _size(request)
            self._counted += reply.prompt_tokens

    @property
    def may_free(self) -> bool:
        """Whether waiting can help: requests in flight may return tokens and money, but not requests."""
        budget = self._server.budget
        return self._in_flight > 0 and (budget.requests is None or self._requests < budget.requests)

    def spent(self) -> str:
        """A text with what was spent."""
        tokens_in, tokens_out = round(self._tokens_in), round(self._tokens_out)
        price = self._server.price(tokens_in, tokens_out)
        money = f", money {price:.4g}" if price else ""
        return f"{self._requests:,} requests, {tokens_in + tokens_out:,} tokens{money}"

    def _tokens_of(self, request: Request) -> float:
        rate = self._counted / self._bytes if self._bytes else 1 / _BYTES_A_TOKEN
        return _size(request) * rate * (1.1 if self._bytes else 1.0)


def _size(request: Request) -> int:
    texts = (request.prompt or "", *(message.content for message in request.messages))
    return sum(len(text.encode("utf-8", "surrogatepass")) for text in texts) + 1
