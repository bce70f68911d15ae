"""Bodies with parts of every wrong kind, through the whole application: refused or answered, and never a failure."""

from __future__ import annotations

import json
import random
from typing import Any

import httpx

from engine.media.pictures import bomb, data_url, picture
from engine.media.recordings import audio_part, tone, wav
from inferno.engine.local import LocalEngine
from inferno.models.registry import ModelRegistry
from inferno.server.app import build_app
from server.harness import Settings

GOOD = data_url(picture())
VALUES: tuple[Any, ...] = (
    *(None, True, 3, -1, 1e300, "", "x", [], {}, "\ud800", "http://a", GOOD, "data:image/gif;base64,AAAA"),
    *(audio_part(file)["input_audio"] for file in (tone(), tone()[:-9], wav(bytes(8), rate=1), wav(bytes(9999)))),
    *({"data": "?", "format": "wav"}, {"data": "AAAA", "format": "mp3"}, {"format": "wav"}),
    *({"url": "data:,"}, {"url": None}, {"url": GOOD, "detail": "low"}, {"url": data_url(bomb(9000, 9000))}),
)


def hostile_body(rng: random.Random) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [
        {"type": rng.choice(["text", "image_url", "input_audio", "input_audio", None, 7])}
        | {key: rng.choice(VALUES) for key in ("text", "image_url", "input_audio", "url") if rng.random() < 0.5}
        for _ in range(rng.randint(0, 4))
    ]
    if rng.random() < 0.5:
        text = {"type": "text", "text": rng.choice(["a", "\ufdd20\ufdd2", "<__media__>"])}
        kind = rng.choice(["image_url", "input_audio"])
        parts = [{"type": kind, kind: rng.choice(VALUES)}, text]
    role = rng.choice(["user", "user", "user", "system", "assistant"])
    return {"messages": [{"role": role, "content": parts}], "max_tokens": 2}


async def test_no_picture_and_no_sound_makes_the_server_fail() -> None:
    engine = await LocalEngine.load("fake:", name="senses", media_encoder="fake:image=9,sound=5")
    app = build_app(ModelRegistry({"senses": engine}, default="senses"), Settings(body_limit_bytes=1_000_000))
    rng = random.Random(3)
    answered = 0
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        for _ in range(400):
            body = json.dumps(hostile_body(rng)).encode()
            response = await http.post("/v1/chat/completions", content=body)
            assert response.status_code in (200, 400), (body, response.text)
            answered += response.status_code == 200
    assert answered > 10
    await engine.aclose()
