"""What a picture's file says about how it was made."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from sdui.core.a1111_body import decoded
from sdui.core.a1111_paste import parse
from sdui.imaging.file_formats import read_texts

from .refusals import REFUSED, whole


class PNGInfoRequest(BaseModel):
    image: str = Field(title="Image", description="Base64, with or without the prefix of a data URL.")


class PNGInfoResponse(BaseModel):
    info: str = Field(title="Image info", description='The parameters as text; "" when there are none.')
    items: dict[str, Any] = Field(title="Items", description="The other texts in the file.")
    parameters: dict[str, Any] = Field(title="Parameters", description="The text's keys and values.")


def routes() -> APIRouter:
    served = APIRouter()
    served.post("/png-info", responses=REFUSED)(_png_info)
    return served


def _png_info(body: PNGInfoRequest) -> PNGInfoResponse:
    """Of a PNG, JPEG, WebP, AVIF or GIF file, also of other programs."""
    if not body.image.strip():
        return PNGInfoResponse(info="", items={}, parameters={})
    texts = read_texts(decoded(body.image.strip(), "image"))
    info = whole(texts.infotext)
    items = {whole(name): whole(text) for name, text in texts.others.items()}
    return PNGInfoResponse(info=info, items=items, parameters=parse(info))
