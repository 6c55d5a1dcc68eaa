"""GET /page/notification: the sound that tells of finished pictures; notify.js makes a tone where there is none."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response

from sdui.services import Services


def routes(services: Services) -> APIRouter:
    def notification() -> Response:
        sound = services.launch.data_dir / "notification.mp3"
        return FileResponse(sound) if sound.is_file() else Response(status_code=204)

    served = APIRouter()
    served.get("/page/notification")(notification)
    return served
