from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import pytest

from inferno.errors import OutOfMemory
from server.fake_client import FakeClient, queue_full
from server.harness import Call, Settings, soon
from server.response_client import PATH, Served, checked, events, opened, serving, text_of


@pytest.fixture
async def served(fake: FakeClient, tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(fake, tmp_path / "r.db") as found:
        yield found


class OneByOne(asyncio.Event):
    """A gate that lets through one for each time it is set."""

    async def wait(self) -> Literal[True]:
        await super().wait()
        self.clear()
        return True


async def begun(served: Served, text: str = "abc", **fields: Any) -> dict[str, Any]:
    response = await served.http.post(PATH, json={"input": text, "background": True, **fields})
    assert response.status_code == 200, response.text
    return checked(response.json())


async def now(served: Served, id_: str) -> dict[str, Any]:
    return checked((await served.http.get(f"{PATH}/{id_}")).json())


async def test_it_is_made_while_nobody_waits(fake: FakeClient, served: Served) -> None:
    fake.gate.clear()
    first = await begun(served)
    assert (first["status"], first["background"], first["output"]) == ("queued", True, [])
    assert (await now(served, first["id"]))["status"] == "queued"
    fake.gate.set()
    body = await served.ended(first["id"])
    assert (body["status"], text_of(body)) == ("completed", "cba")
    assert body["usage"]["total_tokens"] == 6
    again = await served.http.post(PATH, json={"input": "d", "previous_response_id": body["id"]})
    assert text_of(again.json()) == "d" + "abc" + "cba"


async def test_what_there_is_can_be_read_while_it_is_made(fake: FakeClient, served: Served) -> None:
    fake.gate = OneByOne()
    first = await begun(served)
    run = served.app.state.services.background.find("anonymous", first["id"])
    fake.gate.set()
    while run.body.status == "queued":
        await asyncio.sleep(0)
    body = await now(served, first["id"])
    assert (body["status"], body["output"][0]["status"]) == ("in_progress", "in_progress")
    refused = await served.http.post(PATH, json={"input": "x", "previous_response_id": first["id"]})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "previous_response_id")
    await served.http.delete(f"{PATH}/{first['id']}")


async def test_a_full_engine_is_waited_for(fake: FakeClient, served: Served) -> None:
    fake.refusal = queue_full(0.001)
    first = await begun(served)
    assert (await now(served, first["id"]))["status"] == "queued"
    fake.refusal = None
    assert text_of(await served.ended(first["id"])) == "cba"


async def test_no_more_are_taken_than_may_be_made_at_once(fake: FakeClient, served: Served) -> None:
    fake.gate.clear()
    running = [await begun(served) for _ in range(Settings().max_background)]
    refused = await served.http.post(PATH, json={"input": "x", "background": True})
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "queue_full")
    fake.gate.set()
    for one in running:
        await served.ended(one["id"])
    assert await begun(served)


async def test_what_the_engine_refuses_is_refused_at_once_and_leaves_nothing(
    fake: FakeClient, served: Served
) -> None:
    refused = await served.http.post(PATH, json={"input": "x" * 500, "background": True})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "context_length_exceeded")
    await served.store.aclose()
    refused = await served.http.post(PATH, json={"input": "x", "background": True})
    assert refused.status_code == 503
    assert fake.streams[-1].closed.is_set()
    assert not served.app.state.services.background._runs


async def test_cancelling_frees_the_engine_and_is_remembered(fake: FakeClient, served: Served) -> None:
    fake.gate.clear()
    first = await begun(served)
    path = f"{PATH}/{first['id']}"
    cancelled = checked((await served.http.post(f"{path}/cancel")).json())
    assert cancelled["status"] == "cancelled"
    assert fake.streams[0].closed.is_set()
    assert await now(served, first["id"]) == cancelled
    assert (await served.http.post(f"{path}/cancel")).json() == cancelled


async def test_only_what_is_made_in_the_background_can_be_cancelled(served: Served) -> None:
    plain = (await served.http.post(PATH, json={"input": "x"})).json()
    refused = await served.http.post(f"{PATH}/{plain['id']}/cancel")
    assert (refused.status_code, "background" in refused.json()["error"]["message"]) == (400, True)


async def test_deleting_what_runs_ends_it(fake: FakeClient, served: Served) -> None:
    fake.gate.clear()
    first = await begun(served)
    assert (await served.http.delete(f"{PATH}/{first['id']}")).status_code == 200
    assert fake.streams[0].closed.is_set()
    assert (await served.http.get(f"{PATH}/{first['id']}")).status_code == 404


async def test_a_failure_is_told_to_who_asks(fake: FakeClient, served: Served) -> None:
    fake.failure, fake.fail_after = OutOfMemory("no memory left"), 1
    body = await served.ended((await begun(served))["id"])
    assert (body["status"], body["error"]["message"]) == ("failed", "no memory left")
    assert body["output"][0]["status"] == "incomplete"
    secret = ValueError("prompt text")
    fake.failure = secret
    body = await served.ended((await begun(served))["id"])
    assert "prompt text" not in body["error"]["message"]


async def test_its_stream_can_be_left_and_read_on_from_anywhere(fake: FakeClient, served: Served) -> None:
    fake.gate.clear()
    call = Call(served.app, path=PATH, body=b'{"input": "abc", "background": true, "stream": true}')
    task = call.start()
    assert await soon(call.status()) == 200
    opening = events((await soon(call.sent.get()))["body"])
    assert [event["type"] for event in opening] == ["response.created", "response.queued"]
    call.leave()
    await soon(task)
    path = f"{PATH}/{opening[0]['response']['id']}"
    reading = asyncio.ensure_future(served.http.get(path, params={"stream": "true", "starting_after": 0}))
    await asyncio.sleep(0)
    fake.gate.set()
    live = (await soon(reading)).content
    rest = events(live, first=1)
    assert rest[0]["type"] == "response.queued"
    assert rest[1]["type"] == "response.in_progress"
    assert rest[-1]["type"] == "response.completed"
    assert rest[-1]["response"] == (await served.http.get(path)).json()
    stored = await served.http.get(path, params={"stream": "true", "starting_after": 0})
    assert stored.content == live
    last = len(rest)
    assert (await served.http.get(path, params={"stream": "true", "starting_after": last})).content == b""


async def test_a_stream_that_was_not_asked_for_was_not_kept(served: Served) -> None:
    body = await served.ended((await begun(served))["id"])
    refused = await served.http.get(f"{PATH}/{body['id']}", params={"stream": "true"})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "stream")


async def test_a_cancelled_stream_ends_with_an_error(fake: FakeClient, served: Served) -> None:
    fake.gate.clear()
    reading = asyncio.ensure_future(
        served.http.post(PATH, json={"input": "abc", "background": True, "stream": True})
    )
    await soon(fake.submitted.wait())
    while not (runs := list(served.app.state.services.background._runs.values())) or runs[0].task is None:
        await asyncio.sleep(0)
    await served.http.post(f"{PATH}/{runs[0].body.id}/cancel")
    told = events((await soon(reading)).content)
    assert (told[-1]["type"], told[-1]["code"]) == ("error", "cancelled")


async def test_a_server_that_stops_waits_and_then_says_what_it_ended(fake: FakeClient, tmp_path: Path) -> None:
    async with serving(fake, tmp_path / "r.db") as served:
        fake.gate.clear()
        first = await begun(served)
        drain = served.app.state.services.drain
        while not drain.running:
            await asyncio.sleep(0)
        drain.begin()
        assert not await drain.wait_idle(0)
        refused = await served.http.post(PATH, json={"input": "x", "background": True})
        assert refused.status_code == 503
    async with serving(fake, tmp_path / "r.db") as served:
        body = await now(served, first["id"])
        assert (body["status"], "stopped" in body["error"]["message"]) == ("failed", True)


async def test_what_a_process_did_not_live_to_finish_has_failed(fake: FakeClient, tmp_path: Path) -> None:
    fake.gate.clear()
    dying = opened(tmp_path / "r.db")
    async with serving(fake, tmp_path / "r.db") as served:
        first = await begun(served)
        record = await served.store.find("anonymous", first["id"], "response")
        assert record is not None
        assert await dying.find("anonymous", first["id"], "response") == record
        # Another server on the same store leaves it alone.
        assert await dying.orphans() == []
        served.app.state.services.responses._records._alive.close()
        assert [found[1] for found in await dying.orphans()] == [first["id"]]
        for run in list(served.app.state.services.background._runs.values()):
            run.task.cancel()
    await dying.aclose()
    async with serving(fake, tmp_path / "r.db") as served:
        body = await now(served, first["id"])
        assert (body["status"], body["error"]["code"], body["output"]) == ("failed", "server_error", [])


async def test_it_counts_as_one_request_in_the_metrics(served: Served) -> None:
    await served.ended((await begun(served))["id"])
    text = (await served.http.get("/metrics")).text
    [line] = [line for line in text.splitlines() if "requests_total" in line and PATH in line]
    assert line.endswith(" 1.0")
