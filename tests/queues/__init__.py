"""Queues: a small pillar to try the kernel with. Each resource does one job after the other."""

from typing import get_args

from pointsman.core.entity import Kind
from tests.queues import lifecycle
from tests.queues.lifecycle import Resource
from tests.queues.model import Fact, Intent

QUEUES: Kind[Resource, Intent, Fact] = Kind("queues", lifecycle, get_args(Fact))
