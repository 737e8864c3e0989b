"""The addresses of questions: the list, and each answer as JSON and as files.

`/questions/NAME.json|csv|xlsx|parquet?<parameters>&lang=vi|en&info=yes|no&as_of=`: `as_of` is the number of a
cut, or an instant in Hanoi's time. JSON without it is as of the newest cut and says which; a file's link
without a number leads to the link that has one, so that it gives the same for ever.
"""

from __future__ import annotations

import re
from typing import Final, cast

from aiohttp import web

from dashboards.server.access.limits import client_of
from dashboards.server.access.viewer import viewer_of, ward_aware
from dashboards.server.exports.routes import instant_of, send
from dashboards.server.problem import Problem, json_response
from dashboards.server.questions import files
from dashboards.server.questions.answer import Answer, Order
from dashboards.server.questions.catalogue import RESERVED, Catalogue
from dashboards.server.questions.desk import Desk
from dashboards.server.questions.files import Ending
from dashboards.server.tables import words
from dashboards.server.tables.words import Lang
from dashboards.server.views.city.cuts import Cut
from dashboards.server.words import page_words
from producers.contract.errors import Stop
from streams.warehouse import values
from streams.warehouse.questions import Question
from streams.warehouse.store import Store

_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_ENDINGS: Final = "json|csv|xlsx|parquet"


class Questions:
    """Handlers around one desk."""

    def __init__(self, store: Store, catalogue: Catalogue, proxies: int = 0) -> None:
        self._store, self._catalogue, self._proxies = store, catalogue, proxies
        self._desk = Desk(store, catalogue)

    def add_to(self, app: web.Application) -> None:
        """Register the addresses."""
        app.router.add_get("/api/questions", self.listed)
        path = f"/questions/{{name:[a-z][a-z0-9-]*}}.{{ending:{_ENDINGS}}}"
        app.router.add_get(path, self.answer, allow_head=False)

    def close(self) -> None:
        """Start nothing more."""
        self._desk.close()

    @ward_aware
    async def listed(self, request: web.Request) -> web.StreamResponse:
        """All questions that the viewer may ask, with the lists and words that the page needs."""
        found = self._catalogue.listed(viewer_of(request).ward)
        return json_response(found | {"words": page_words(), "table_words": words.as_json()})

    @ward_aware
    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One answer, or a redirection to the link that names its cut."""
        question = self._question(request)
        given = _given(request, question)
        lang, info = _common(request)
        ending = request.match_info["ending"]
        with self._desk.turn(self._viewer(request)):
            cut = await self._cut(request, question)
            if ending != "json" and cut and request.query.get("as_of") != str(cut.number):
                raise web.HTTPFound(_with_cut(request, cut))
            order = Order(question.name, tuple(sorted(given.items())), cut.number if cut else None)
            found = await self._desk.answer(order, cut)
            if ending == "json":
                return json_response(found.as_json())
            return await self._file(request, found, lang, info=info)

    async def _file(
        self, request: web.Request, answer: Answer, lang: Lang, *, info: bool
    ) -> web.StreamResponse:
        ending = cast("Ending", request.match_info["ending"])
        made = await self._desk.work(
            lambda: files.make(self._store, self._catalogue, answer, ending, lang, info=info)
        )
        with made.file:
            return await send(request, made)

    def _question(self, request: web.Request) -> Question:
        name = request.match_info["name"]
        if name not in self._catalogue:
            raise Problem("no_such_question")
        question = self._catalogue[name]
        if viewer_of(request).role == "ward" and question.ward is None:
            raise Problem("not_for_wards")
        return question

    def _viewer(self, request: web.Request) -> str:
        viewer = viewer_of(request)
        return f"{viewer.role} {viewer.name}" if viewer.name else client_of(request, self._proxies)

    async def _cut(self, request: web.Request, question: Question) -> Cut | None:
        """As of when; None for a question about this moment, and while there is no cut yet."""
        text = request.query.get("as_of", request.query.get("cut", ""))
        if not self._catalogue.travels(question):
            if text:
                raise Problem("not_as_of")
            return None
        if not text:
            return await self._desk.newest_cut()
        if _NUMBER.fullmatch(text):
            return await self._desk.cut(int(text))
        return await self._desk.cut_at(instant_of(text))


def _given(request: web.Request, question: Question) -> dict[str, str]:
    """What the address says for the question's parameters, a ward's viewer's own ward forced upon it."""
    if len(set(request.query)) != len(request.query):
        raise Problem("twice")
    given = {name: text for name, text in request.query.items() if name not in RESERVED}
    known = {one.name: one for one in question.parameters}
    for name, text in given.items():
        if name not in known:
            raise Problem("unknown_parameter")
        try:
            values.checked(question.name, [known[name]], {name: text})
        except Stop:
            raise Problem("bad_value", name=name) from None
    viewer = viewer_of(request)
    if viewer.role != "ward":
        return given
    if (
        question.ward is None
        or viewer.ward is None
        or given.get(question.ward) not in (None, "", viewer.ward)
    ):
        raise Problem("other_ward")
    return given | {question.ward: viewer.ward}


def _common(request: web.Request) -> tuple[Lang, bool]:
    lang, info = request.query.get("lang", "vi"), request.query.get("info", "yes")
    if lang not in ("vi", "en"):
        raise Problem("bad_lang")
    if info not in ("yes", "no"):
        raise Problem("bad_info")
    return ("en" if lang == "en" else "vi"), info == "yes"


def _with_cut(request: web.Request, cut: Cut) -> str:
    query = {name: text for name, text in request.query.items() if name != "cut"}
    return str(request.rel_url.with_query(query | {"as_of": str(cut.number)}))
