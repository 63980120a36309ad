"""The resources that there are, for whoever asks."""

from typing import Final

from fastapi import APIRouter, Request

from pointsman.api.rest.answers import ResourceState
from pointsman.api.rest.desk import house_of, key_of

router: Final = APIRouter(tags=["Resources"])


@router.get("/resources")
async def list_resources(request: Request) -> list[ResourceState]:
    """All resources, in the order of the site files. The first one is the one at the root."""
    house, key = house_of(request), key_of(request)
    seen = [id for id in house.operations.resource_ids if house.guard.sees(key, id)]
    states = []
    for id in seen:
        resource = await house.operations.look(id)
        states.append(ResourceState.of(id, resource))
    return states
