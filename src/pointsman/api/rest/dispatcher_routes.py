"""The dispatcher of a resource: whether it runs, and whether it starts anything more."""

from typing import Final

from fastapi import APIRouter

from pointsman.api.rest.answers import DispatcherState, Steered
from pointsman.api.rest.bodies import Change, Pausing
from pointsman.api.rest.desk import Changing, Desk, Seeing
from pointsman.operations.intents import (
    Intent,
    PauseResource,
    ResumeResource,
    StartResource,
    StopResource,
)

router: Final = APIRouter(prefix="/dispatcher", tags=["Dispatcher Runtime"])


@router.get("")
async def get_dispatcher(desk: Seeing) -> DispatcherState:
    """How the dispatcher is."""
    return await _state(desk)


@router.post("/start", status_code=202)
async def start_dispatcher(desk: Changing, body: Change | None = None) -> Steered:
    """Let it start operations."""
    start = StartResource(**desk.asked(body.meta_data if body else {}))
    return await _steered(desk, start, "dispatcher started")


@router.post("/stop", status_code=202)
async def stop_dispatcher(desk: Changing, body: Change | None = None) -> Steered:
    """Let it start nothing more, also after a restart. What runs goes on."""
    stop = StopResource(**desk.asked(body.meta_data if body else {}))
    return await _steered(desk, stop, "dispatcher stopped")


@router.post("/pause")
async def pause_dispatcher(desk: Changing, body: Pausing | None = None) -> Steered:
    """Let it start nothing more until it is resumed. What runs goes on."""
    said = body or Pausing()
    pause = PauseResource(said.why, **desk.asked(said.meta_data))
    return await _steered(desk, pause, "dispatcher paused")


@router.post("/resume")
async def resume_dispatcher(desk: Changing, body: Change | None = None) -> Steered:
    """Let it go on."""
    resume = ResumeResource(**desk.asked(body.meta_data if body else {}))
    return await _steered(desk, resume, "dispatcher resumed")


async def _state(desk: Desk) -> DispatcherState:
    return DispatcherState.of(desk.resource_id, await desk.look(), desk.now())


async def _steered(desk: Desk, intent: Intent, message: str) -> Steered:
    await desk.steer(intent)
    return Steered(message=message, state=await _state(desk))
