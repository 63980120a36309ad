"""The queue of one resource on its own: an order, and who is out of it. For programs that dispatch
themselves; a dispatcher has its queue inside.

    add --> queued, in order --next--> pulled, one at a time --complete, cancel--> history
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime
from threading import RLock
from typing import Final, TypeAlias

from pointsman.library.operation_dispatcher.operation import (
    ExecutionOutcome,
    ExecutionState,
    Operation,
    OperationId,
    TerminationReason,
)
from pointsman.library.operation_dispatcher.translating import id_of, name_of, work_of
from pointsman.operations import model
from pointsman.operations.checks import check_id, check_work
from pointsman.operations.policy import DEFAULT_ORDER, SortRule
from pointsman.operations.ranking import Rank, complete, in_turn, rank_of
from pointsman.runtime.clock import Clock, SystemClock

Operations: TypeAlias = list[Operation]
HISTORY_MOST: Final = 10_000
"""Operations that are over and still known, the last of them."""


class DispatchQueue:
    """Usable from any thread.

    By default what is released first goes first, then what has no release date; of those, the
    greatest priority; of those, what was created first. What depends on something that is queued
    waits for it, and others go meanwhile.

    Raises:
        ValueError: If `sort_rules` are none or name a field twice, or an operation is refused.
    """

    def __init__(
        self,
        resource_id: str,
        operations: Iterable[Operation] | None = None,
        sort_rules: Sequence[SortRule] | None = None,
        *,
        clock: Clock | None = None,
    ) -> None:
        self.resource_id = resource_id
        self.sort_rules = complete(DEFAULT_ORDER if sort_rules is None else sort_rules)
        self._clock = clock or SystemClock()
        self._lock = RLock()
        self._order: list[tuple[Rank, OperationId]] = []
        """Those that wait for nothing that is queued."""
        self._queued: dict[OperationId, Operation] = {}
        self._ranks: dict[OperationId, Rank] = {}
        self._providers: dict[OperationId, frozenset[OperationId]] = {}
        """What each of the queued depends on, queued or not."""
        self._dependents: dict[OperationId, set[OperationId]] = {}
        """The other way round."""
        self._pulled: Operation | None = None
        self._over: deque[Operation] = deque(maxlen=HISTORY_MOST)
        self._number = 0
        for operation in operations or ():
            self.add(operation)

    def add(self, operation: Operation) -> None:
        """Queue an operation.

        Raises:
            ValueError: If it is for another resource, is known already, is not QUEUED, or would
                have to go before itself.
        """
        if operation.resource_id != self.resource_id:
            raise ValueError("operation resource_id does not match schedule resource_id")
        if operation.state is not ExecutionState.QUEUED:
            raise ValueError(
                f"operation {operation.id} is {operation.state}: one that is QUEUED can be added"
            )
        check_id(str(operation.id))
        check_work(work_of(operation))
        with self._lock:
            if self.get(operation.id) is not None:
                raise ValueError(f"operation {operation.id} was added before")
            self._check_circle(operation)
            self._number += 1
            self._put(operation, self._number)

    def next(self, now: datetime | None = None) -> Operation | None:
        """Pull the first one. None: the queue is empty.

        With `now`, what is released later stays; another may go.

        Raises:
            RuntimeError: If one is pulled already.
        """
        with self._lock:
            if self._pulled is not None:
                raise RuntimeError(f"operation {self._pulled.id} is pulled: complete it first")
            first = self.peek(now)
            if first is not None:
                self._take_out(first.id)
                self._pulled = first
            return first

    def peek(self, now: datetime | None = None) -> Operation | None:
        """What `next` would pull."""
        with self._lock:
            free = (self._queued[id] for _, id in self._order)
            return next((one for one in free if _is_released(one, now)), None)

    @property
    def current(self) -> Operation | None:
        """The one that is pulled."""
        return self._pulled

    def list(self) -> Operations:
        """All that are queued, in their order."""
        with self._lock:
            return [self._queued[id] for id in in_turn(self._ranks, self._providers)]

    def get(self, operation_id: OperationId) -> Operation | None:
        """A queued, pulled or past one."""
        id = id_of(name_of(operation_id))
        with self._lock:
            if self._pulled is not None and self._pulled.id == id:
                return self._pulled
            return self._queued.get(id) or next((one for one in self._over if one.id == id), None)

    def remove(self, operation_id: OperationId) -> Operation | None:
        """Take a queued one out, without a trace. None: it is not queued."""
        with self._lock:
            return self._take_out(id_of(name_of(operation_id)))

    def complete(self, operation: Operation) -> Operation:
        """The pulled one is over.

        Raises:
            ValueError: If it is another object.
        """
        with self._lock:
            if self._pulled is not operation:
                raise ValueError(f"operation {operation.id} is not the one that is pulled")
            self._pulled = None
            if operation.state not in (ExecutionState.FAILED, ExecutionState.CANCELLED):
                self._end(operation, ExecutionState.COMPLETED, ExecutionOutcome.SUCCESS)
            self._over.append(operation)
            return operation

    def cancel(self, operation_id: OperationId) -> Operation | None:
        """The pulled one, or a queued one, is not to be. None: it is neither."""
        id = id_of(name_of(operation_id))
        with self._lock:
            if self._pulled is not None and self._pulled.id == id:
                operation: Operation | None = self._pulled
                self._pulled = None
            else:
                operation = self._take_out(id)
            if operation is not None:
                operation.termination_reason = TerminationReason.USER_REQUEST
                self._end(operation, ExecutionState.CANCELLED, ExecutionOutcome.CANCELLED)
                self._over.append(operation)
            return operation

    def clear(self) -> None:
        """Forget all that are queued."""
        with self._lock:
            self._order, self._queued, self._ranks = [], {}, {}
            self._providers, self._dependents = {}, {}

    def history(self, limit: int | None = None) -> Operations:
        """Those that are over, newest first; the first `limit` of them."""
        with self._lock:
            newest_first = [*reversed(self._over)]
        return newest_first if limit is None else newest_first[: max(limit, 0)]

    def clear_history(self) -> None:
        with self._lock:
            self._over.clear()

    def resort(self) -> None:
        """Look at the operations anew, after somebody changed what they are sorted by."""
        with self._lock:
            numbers = {id: int(rank[-1]) for id, rank in self._ranks.items()}
            operations = [*self._queued.values()]
            self.clear()
            for operation in operations:
                self._put(operation, numbers[operation.id])

    def __len__(self) -> int:
        return len(self._queued)

    def _put(self, operation: Operation, number: int) -> None:
        value = model.Operation(str(operation.id), number, work_of(operation), operation.created_at)
        self._ranks[operation.id] = rank_of(value, self.sort_rules)
        self._queued[operation.id] = operation
        self._providers[operation.id] = providers = _providers_of(operation)
        for id in providers:
            self._dependents.setdefault(id, set()).add(operation.id)
        self._place(operation.id, *self._dependents.get(operation.id, ()))

    def _take_out(self, id: OperationId) -> Operation | None:
        operation = self._queued.pop(id, None)
        if operation is not None:
            at, is_there = self._found(self._ranks.pop(id))
            if is_there:
                del self._order[at]
            for provider in self._providers.pop(id):
                dependents = self._dependents[provider]
                dependents.discard(id)
                if not dependents:
                    del self._dependents[provider]
            self._place(*self._dependents.get(id, ()))
        return operation

    def _place(self, *ids: OperationId) -> None:
        """Have them in the order if they wait for nothing."""
        for id in ids:
            rank, waits = self._ranks[id], self._waits_for(id) > 0
            at, is_there = self._found(rank)
            if is_there and waits:
                del self._order[at]
            elif not is_there and not waits:
                self._order.insert(at, (rank, id))

    def _found(self, rank: Rank) -> tuple[int, bool]:
        """Where it belongs in the order, and whether it is there."""
        at = bisect_left(self._order, rank, key=_rank)
        return at, at < len(self._order) and self._order[at][0] == rank

    def _waits_for(self, id: OperationId) -> int:
        """How many that are queued go before it, whatever the order."""
        return sum(provider in self._queued for provider in self._providers[id])

    def _check_circle(self, operation: Operation) -> None:
        seen: set[OperationId] = set()
        ahead = [*_providers_of(operation)]
        if operation.id not in self._dependents and operation.id not in ahead:
            return  # Nothing leads back to it.
        while ahead:
            id = ahead.pop()
            if id == operation.id:
                raise ValueError(f"operation {operation.id} would depend on itself")
            if id not in seen and id in self._queued:
                seen.add(id)
                ahead += self._providers[id]

    def _end(self, operation: Operation, state: ExecutionState, outcome: ExecutionOutcome) -> None:
        if operation.finish_time is None:
            operation.finish_time = self._clock.now()
        operation.outcome, operation.state = outcome, state


def _rank(entry: tuple[Rank, OperationId]) -> Rank:
    return entry[0]


def _providers_of(operation: Operation) -> frozenset[OperationId]:
    return frozenset(one.depends_on_operation_id for one in operation.dependencies)


def _is_released(operation: Operation, now: datetime | None) -> bool:
    released = operation.release_date
    return now is None or released is None or released <= now
