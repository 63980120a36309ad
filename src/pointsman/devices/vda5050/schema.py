"""What VDA 5050 says of an order: its fields, and how its parts hang together. Pure.

A vehicle may leave what it cannot read without any answer, so that is not sent.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, TypeAlias

import msgspec

Name: TypeAlias = Annotated[str, msgspec.Meta(min_length=1)]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]


class _Written(msgspec.Struct, rename="camel"):
    """A part of an order, as far as it matters here. There may be more in it."""


class _Parameter(_Written):
    key: Name
    value: Any


class _Action(_Written):
    action_type: Name
    action_id: Name
    action_parameters: list[_Parameter] | None
    action_description: str | None = None


class _Position(_Written):
    x: float
    y: float
    map_id: str
    theta: float | None = None


class _Node(_Written):
    node_id: Name
    sequence_id: Count
    actions: list[_Action]
    node_position: _Position | None = None


class _Edge(_Written):
    edge_id: Name
    sequence_id: Count
    start_node_id: Name
    end_node_id: Name
    actions: list[_Action]


class _Order(_Written):
    nodes: list[_Node]
    edges: list[_Edge]
    zone_set_id: str | None


def fault_of(order: Mapping[str, Any]) -> str:
    """Why no vehicle could take this, in one line. "": it could."""
    try:
        said = msgspec.convert(order, _Order)
    except msgspec.ValidationError as error:
        return str(error)
    for edge, (start, end) in zip(said.edges, pairwise(said.nodes), strict=True):
        if (edge.start_node_id, edge.end_node_id) != (start.node_id, end.node_id):
            return (
                f"edge {edge.edge_id!r} leads from {edge.start_node_id!r} to {edge.end_node_id!r},"
                f" between the nodes {start.node_id!r} and {end.node_id!r}"
            )
        if not start.sequence_id < edge.sequence_id < end.sequence_id:
            return (
                f"edge {edge.edge_id!r} has sequenceId {edge.sequence_id} between nodes of"
                f" {start.sequence_id} and {end.sequence_id}: rising ones would do"
            )
    return ""
