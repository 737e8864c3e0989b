"""The national portal's two paths behind the gateway's door; requests and answers in the portal's own form.

What the records say is answered with HTTP 200 and an `error_code`, since the portal's clients read no other
body (see `portal.answer`). What the door refuses (token, size, rate) and Kafka away keep their HTTP status,
with the same form of body.
"""

from __future__ import annotations

import asyncio
from collections import Counter as Count
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import Counter

from producers.contract.errors import OutboxFull, Unavailable
from producers.gateway import body as bodies
from producers.gateway.app import Door, Registrar
from producers.gateway.problem import Problem, answer_of, body_of
from producers.portal.answer import Answer
from producers.portal.errors import PROBLEMS, Refused
from producers.portal.intake import PortalIntake, Service
from producers.portal.payload import is_bare

SERVICES: Final[tuple[Service, ...]] = ("DongBoHoSoMC", "CapNhatTienDoHoSoMC")
_THREADS: Final = 2


def registrar(intake: PortalIntake) -> Registrar:
    """Routes for `run_gateway(registrars=...)`; `intake` must use the outbox that the gateway publishes."""

    def register(app: web.Application, door: Door) -> None:
        portal = _Portal(intake, door)
        for service in SERVICES:
            app.router.add_post(f"/portal/{service}", portal.handler(service))
        app.on_cleanup.append(portal.close)

    return register


class _Portal:
    """The two handlers, and threads that may block on the outbox's disk."""

    def __init__(self, intake: PortalIntake, door: Door) -> None:
        self._intake, self._door = intake, door
        # More than one, so that requests share a sync to the disk.
        self._disk = ThreadPoolExecutor(_THREADS, thread_name_prefix="gateway-portal")
        self._found = Counter(
            "dongbo_portal_findings",
            "Doubts about portal records.",
            ["code"],
            registry=door.service.metrics.registry,
        )

    async def close(self, _app: web.Application) -> None:
        """Let the threads go."""
        self._disk.shutdown(wait=False)

    def handler(self, service: Service) -> Handler:
        """The handler of one service."""

        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                return await self._take(request, service)
            except Problem as problem:
                return _refused(problem)
            except OutboxFull:
                return _refused(Problem("outbox_full", retry_after_s=30.0))
            except Unavailable:
                return _refused(Problem("busy", retry_after_s=5.0))

        return handle

    async def _take(self, request: web.Request, service: Service) -> web.Response:
        ward = await self._door.ward(request)
        with self._door.room.lease() as lease:
            body = await bodies.read(request, self._door.service.config, lease)
            lease.grow(len(body))  # the records are copies
            try:
                records = self._intake.read(service, body)
            except Refused as refused:
                self._door.charge(ward, 1)
                return _answered(Answer([], [], is_bare(body), refused))
            self._door.charge(ward, len(records.items))
            work = asyncio.get_running_loop().run_in_executor(
                self._disk, self._intake.take_body, ward, service, records
            )
            answer = await work
        self._count(answer)
        numbered = self._door.service.numbered
        if numbered is not None and answer.highest_seq:
            await numbered.sent(ward, answer.highest_seq)
            self._door.service.acked(ward, numbered.epoch, answer.highest_seq)
        return _answered(answer)

    def _count(self, answer: Answer) -> None:
        outcomes = Count((one.refused.code if one.refused else "", one.kind) for one in answer.outcomes)
        for (code, kind), count in outcomes.items():
            self._door.service.metrics.events("rejected" if code else kind, count, code)
        for finding in answer.findings:
            self._found.labels(finding.code).inc()


def _answered(answer: Answer) -> web.Response:
    return web.Response(
        body=answer.body(), content_type="application/json", headers={"Cache-Control": "no-store"}
    )


def _refused(problem: Problem) -> web.Response:
    """What the door refuses, with its status and headers, and the portal's form of body."""
    response, words = answer_of(problem), body_of(problem.code)
    response.body = msgspec.json.encode(
        {
            "error_code": PROBLEMS["not_admitted" if response.status < 500 else "unavailable"].number,
            "code": problem.code,
            "message": f"{words.vi}. {words.remedy_vi}",
            "message_en": f"{words.en}. {words.remedy_en}",
        }
    )
    return response
