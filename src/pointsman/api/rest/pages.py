"""The page at `/docs`, to look at and to try out. It needs no network: robots have none."""

from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Final

import fastapi_offline
from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import FileResponse, HTMLResponse

DOCS: Final = "/docs"
DOCUMENT: Final = "/openapi.json"
SCRIPT: Final = "swagger-ui-bundle.js"
STYLE: Final = "swagger-ui.css"
ICON: Final = "favicon.png"
PARTS: Final = (SCRIPT, STYLE, ICON)
OPEN: Final = frozenset({DOCS, DOCUMENT, *(f"{DOCS}/{name}" for name in PARTS)})
"""What needs no key: it says nothing of any site."""
FOLDER: Final = Path(str(files(fastapi_offline))) / "static"


def add_pages(app: FastAPI) -> None:
    """Add the page, and what it loads from beside it, wherever that is."""

    @app.get(DOCS, include_in_schema=False)
    async def docs() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url=f".{DOCUMENT}",
            title=app.title,
            swagger_js_url=f".{DOCS}/{SCRIPT}",
            swagger_css_url=f".{DOCS}/{STYLE}",
            swagger_favicon_url=f".{DOCS}/{ICON}",
        )

    for name in PARTS:
        app.add_api_route(f"{DOCS}/{name}", partial(_part, name), include_in_schema=False)


def _part(name: str) -> FileResponse:
    return FileResponse(FOLDER / name)
