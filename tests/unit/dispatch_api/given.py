"""Any dispatch at all, and any of its parts, for hypothesis to draw."""

from datetime import UTC

from hypothesis import strategies as st

from pointsman.core.values import replace
from pointsman.dispatches.components import TYPES, Category, ComponentKind, Target
from pointsman.dispatches.model import Dispatch, DispatchData, Frequency, Rule

INSTANTS = st.datetimes(timezones=st.just(UTC))
UINT64 = st.integers(0, 2**64 - 1)
KINDS = st.sampled_from(Category).flatmap(
    lambda category: st.builds(
        ComponentKind, st.just(category), st.sampled_from(("", *TYPES.get(category, ())))
    )
)
TARGETS = st.one_of(
    st.lists(UINT64, min_size=1).map(lambda ids: Target(ids=tuple(ids))),
    st.lists(KINDS, min_size=1).map(lambda kinds: Target(kinds=tuple(kinds))),
)


def parts(least: int, most: int) -> st.SearchStrategy[tuple[int, ...]]:
    return st.lists(st.integers(least, most), max_size=5).map(tuple)


RULES = st.builds(
    Rule,
    st.sampled_from(Frequency),
    st.integers(1, 10_000),
    st.none() | st.integers(1, 4_096),
    st.none(),
    parts(0, 59),
    parts(0, 23),
    parts(0, 6),
    parts(1, 31),
    parts(1, 12),
) | st.builds(Rule, st.sampled_from(Frequency), until=INSTANTS)
SCALARS = (
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
)
PAYLOADS = st.dictionaries(
    st.text(max_size=10),
    SCALARS
    | st.lists(SCALARS | st.lists(SCALARS, max_size=3), max_size=3)
    | st.dictionaries(st.text(max_size=5), SCALARS, max_size=3),
    max_size=4,
)
DATA = st.builds(
    DispatchData,
    st.text(max_size=20),
    INSTANTS,
    TARGETS,
    st.none() | st.integers(0, 2**32 - 1),
    st.booleans(),
    st.booleans(),
    PAYLOADS,
    st.none() | RULES,
)
DISPATCHES = st.builds(
    Dispatch, UINT64, st.just(7), DATA, INSTANTS, INSTANTS, end_time=st.none() | INSTANTS
)


def as_told(dispatch: Dispatch) -> Dispatch:
    """Less what is not told, but worked out anew."""
    return replace(dispatch, last_start=None)
