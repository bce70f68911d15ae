"""Turns with pictures over the native engine's test model: tokens, reuse, tenants, limits, restarts."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.media.pictures import BLUE, RED, picture
from inferno.engine.conversation import Conversation, Turn
from inferno.engine.delta import Delta
from inferno.engine.local import LocalEngine
from inferno.engine.media.medium import Image
from inferno.engine.request import GenerateRequest, SamplingOptions
from inferno.errors import ContextLengthExceeded, ImagesUnsupported, InvalidArgument, InvalidImage, Unsupported

ROWS = 40
GREEDY = SamplingOptions(temperature=0)


async def load(**more: object) -> LocalEngine:
    return await LocalEngine.load("fake:", media_encoder=f"fake:image={ROWS}", **more)  # type: ignore[arg-type]


def about(*pictures: bytes, tenant: str = "t", text: str = "see ") -> Conversation:
    content = [{"type": "text", "text": text}, *({"type": "media", "media": Image(file)} for file in pictures)]
    return Conversation([{"role": "user", "content": content}], tenant=tenant)


async def answer(engine: LocalEngine, turn: Turn, tenant: str = "t") -> tuple[str, Delta]:
    wanted = GenerateRequest(turn.prompt, GREEDY, max_tokens=20, ignore_eos=True, tenant=tenant)
    deltas = [delta async for delta in await engine.generate(turn.applied(wanted))]
    return "".join(delta.text for delta in deltas), deltas[-1]


async def test_the_picture_decides_and_its_rows_count() -> None:
    engine = await load()
    red, blue = [await engine.open_turn(about(picture(color))) for color in (RED, BLUE)]
    [placed] = red.media
    assert red.prompt[placed.first : placed.first + ROWS] == [placed.rows.id] * ROWS
    assert (placed.rows.count, red.image_tokens) == (ROWS, ROWS)
    # The encoder's own marks stand around them.
    assert [red.prompt[placed.first - 1], red.prompt[placed.first + ROWS]] == [ord("["), ord("]")]
    texts = [await answer(engine, turn) for turn in (red, blue)]
    assert texts[0][0] != texts[1][0]
    assert texts[0][1].usage.prompt_tokens == len(red.prompt)
    assert (await answer(engine, red))[0] == texts[0][0]
    await engine.aclose()


async def test_in_the_next_turn_the_same_picture_is_not_computed_again() -> None:
    engine = await load()
    first = await engine.open_turn(about(picture()))
    again = await engine.open_turn(about(picture()))
    assert first.media[0].rows.id == again.media[0].rows.id
    await answer(engine, first)
    assert (await answer(engine, again))[1].usage.cached_tokens >= ROWS - 8  # whole blocks
    other = await engine.open_turn(about(picture(), tenant="other"))
    assert other.media[0].rows.id != first.media[0].rows.id
    assert (await answer(engine, other, "other"))[1].usage.cached_tokens == 0
    blue = await engine.open_turn(about(picture(BLUE)))
    # The words before it, at most.
    assert (await answer(engine, blue))[1].usage.cached_tokens <= blue.media[0].first
    await engine.aclose()


async def test_pictures_that_do_not_fit_are_refused_before_they_are_all_encoded() -> None:
    engine = await load(options={"context_tokens": 200, "kv_tokens": 256})
    with pytest.raises(ContextLengthExceeded) as caught:
        await engine.open_turn(about(*(picture((shade, 0, 0)) for shade in range(10))))
    assert caught.value.param == "messages"
    fitting = await engine.open_turn(about(*(picture((shade, 0, 0)) for shade in range(3))))
    assert fitting.image_tokens == 3 * ROWS
    await engine.aclose()


async def test_a_model_of_text_takes_none() -> None:
    engine = await LocalEngine.load("fake:")
    assert not engine.card.takes_pictures
    with pytest.raises(ImagesUnsupported):
        await engine.open_turn(about(picture()))
    await engine.aclose()


async def test_where_there_are_only_tokens_pictures_are_refused() -> None:
    engine = await load()
    assert engine.card.takes_pictures
    with pytest.raises(Unsupported):
        await engine.encode_chat(about(picture()).messages)
    with pytest.raises(InvalidImage):
        await engine.open_turn(about(b"no picture"))
    turn = await engine.open_turn(about(picture()))
    with pytest.raises(InvalidArgument):
        await engine.generate(GenerateRequest(turn.prompt, GREEDY))  # the ids without the rows
    await engine.aclose()


async def test_nothing_of_a_picture_goes_to_the_prefix_store(tmp_path: Path) -> None:
    """The ids would mean other pictures in another process."""
    words = "w" * 200
    engine = await load(prefix_store=str(tmp_path / "store"))
    turn = await engine.open_turn(about(picture(), text=words))
    await answer(engine, turn)
    plain = await engine.open_turn(Conversation([{"role": "user", "content": "p" * 300}], tenant="t"))
    await answer(engine, plain)
    await engine.aclose()

    engine = await load(prefix_store=str(tmp_path / "store"))
    again = await engine.open_turn(about(picture(BLUE), text=words))
    assert again.media[0].rows.id == turn.media[0].rows.id, "the ids begin anew"
    assert (await answer(engine, again))[1].usage.cached_tokens == 0
    assert (await answer(engine, plain))[1].usage.cached_tokens > 0
    await engine.aclose()


@pytest.mark.parametrize(
    ("path", "encoder"),
    [("fake:", "fake:"), ("fake:", "fake:image=0"), ("fake:", "elsewhere"), ("fake:embed=4", "fake:image=3")],
)
async def test_what_is_no_encoder_for_the_model_is_refused(path: str, encoder: str) -> None:
    with pytest.raises(InvalidArgument):
        await LocalEngine.load(path, media_encoder=encoder)


async def test_a_draft_model_needs_no_encoder() -> None:
    engine = await load(draft="fake:", engine={"speculate": "draft"})
    assert (await answer(engine, await engine.open_turn(about(picture()))))[0]
    await engine.aclose()
