"""Routes: one transaction per request, one rule per route, and the answer leaves only after COMMIT.

    router = router_for("dispatch")

    @router.post("/offers/{offer_id}/accept", dependencies=[allow(Role.GRID_WORKER)])
    async def accept(offer_id: UUID, body: AcceptOffer, tx: Tx, who: Caller) -> AcceptedAnswer: ...

A POST may carry an `Idempotency-Key`; a GET cannot write. `router_for(…, one_transaction=False)` is for the few that
open their own (micro-batches): they get rules and callers, but neither `tx` nor stored answers.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.params import Depends as DependsParameter
from fastapi.params import Form
from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from shared import idempotency, metrics
from shared.database import Database, Transaction
from shared.directory import Directory
from shared.idempotency import RequestKey, StoredAnswer
from shared.identity import SignedIn, is_internal, not_allowed, not_signed_in
from shared.vocabulary import Role

if TYPE_CHECKING:
    from shared.service import Service

READING = frozenset({"GET", "HEAD"})


# ── rules: who may ask ────────────────────────────────────────────────────────────────────────────────────────────


class Rule:
    """Who may use a route. Exactly one stands on each (tests/architecture)."""

    def __init__(self, name: str, roles: frozenset[Role] = frozenset()) -> None:
        self.name, self.roles = name, roles

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(sorted(self.roles))})"

    async def __call__(self, request: Request) -> None:
        if self.name == "allow":
            who = await signed_in(request)
            if not who.has_role(*self.roles):
                raise not_allowed(self.roles)
        elif self.name == "internal_only" and not is_internal(
            _bearer(request) or "", _service(request).settings
        ):
            raise not_signed_in("internal")


def allow(*roles: Role) -> Any:
    """Somebody signed in who holds one of `roles` somewhere; `who.must(…)` then asks for the unit. For every
    signed-in person write `allow(*Role)`."""
    if not roles:
        raise ValueError("allow() needs roles; write allow(*Role) for everybody who is signed in")
    return Depends(Rule("allow", frozenset(roles)))


def open_to_everybody() -> Any:
    """No sign-in: residents and the curious. What it answers must hold no personal data."""
    return Depends(Rule("open_to_everybody"))


def internal_only() -> Any:
    """Our own services, by the internal token. Caddy does not pass these paths on."""
    return Depends(Rule("internal_only"))


def rules_of(app: FastAPI) -> dict[str, list[Rule]]:
    """The rules of every route by `METHOD path`; a sound app has lists of one."""
    found: dict[str, list[Rule]] = {}
    for route in app.routes:
        methods: Iterable[str] = sorted(getattr(route, "methods", None) or ["*"])
        rules = [given.dependency for given in getattr(route, "dependencies", [])]
        for method in methods:
            path = f"{method} {getattr(route, 'path', route)}"
            found[path] = [rule for rule in rules if isinstance(rule, Rule)]
    return found


# ── what an endpoint may ask for ──────────────────────────────────────────────────────────────────────────────────


async def signed_in(request: Request) -> SignedIn:
    """Whoever shows a token in the Authorization header; 401 without."""
    if (who := await maybe_signed_in(request)) is None:
        raise not_signed_in()
    return who


async def maybe_signed_in(request: Request) -> SignedIn | None:
    token = _bearer(request)
    if token is None:
        return None
    known = getattr(request.state, "who", None)
    if isinstance(known, SignedIn):
        return known
    service = _service(request)

    async def business_now() -> datetime:
        tx = getattr(request.state, "tx", None)
        return await tx.now() if isinstance(tx, Transaction) else (await service.database.read_clock()).now

    who = await service.verifier.person_of(token, service.directory, business_now)
    request.state.who = who
    return who


async def _transaction(request: Request) -> Transaction:
    tx = getattr(request.state, "tx", None)
    if not isinstance(tx, Transaction):
        raise TypeError(
            f"{request.url.path} opens its own transactions; take `database: Db` instead of `tx: Tx`"
        )
    if request.method in READING:
        tx.read_only = True
    return tx


def _database(request: Request) -> Database:
    return _service(request).database


def _directory(request: Request) -> Directory:
    return _service(request).directory


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def service_of(request: Request) -> Service:
    return _service(request)


async def _key(
    request: Request,
    idempotency_key: Annotated[
        str | None, Header(alias=idempotency.HEADER, json_schema_extra={"pattern": idempotency.KEY_PATTERN})
    ] = None,
) -> RequestKey | None:
    """The header is declared for the API's description; it is read where the body is."""
    who = await maybe_signed_in(request)
    return await idempotency.request_key(
        request, who.person_id if who else None, _service(request).digest_secret
    )


Tx = Annotated[Transaction, Depends(_transaction)]
"""The request's transaction, committed before the answer leaves."""

Db = Annotated[Database, Depends(_database)]
"""For streams and micro-batches, which open their own transactions."""

Registry = Annotated[Directory, Depends(_directory)]
"""Registry's things in memory."""

Caller = Annotated[SignedIn, Depends(signed_in)]
"""Who asks; 401 for nobody. In handlers and tests the type is `SignedIn`."""

Key = Annotated[RequestKey | None, Depends(_key)]
"""The request's Idempotency-Key, for routes that store it themselves."""


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


# ── the transaction edge ──────────────────────────────────────────────────────────────────────────────────────────


class _AnsweredBefore(Exception):
    def __init__(self, answer: StoredAnswer) -> None:
        self.answer = answer


async def _claim_key(request: Request, key: Key) -> None:
    """Runs after the route's rule, so that a stored answer is only shown to who may ask."""
    if key is None:
        return
    if (answer := await idempotency.claim(await _transaction(request), key)) is not None:
        raise _AnsweredBefore(answer)
    request.state.key = key


async def _take_at_its_word(request: Request) -> None:
    """A JSON body is what it is described as: no `0` for false, no number for a time, no half of a character, all of
    which pydantic takes from Python. Runs after the route's rule, like everything that looks into a request."""
    described: TypeAdapter[Any] | None = request.scope["route"].body_json
    if described is None or "json" not in request.headers.get("content-type", ""):
        return
    if body := await request.body():
        try:
            described.validate_json(body, strict=True)
        except ValidationError as wrong:
            faults = [fault for fault in wrong.errors(include_url=False) if not _is_whole(fault)]
            if faults:
                raise RequestValidationError(
                    [{**fault, "loc": ("body", *fault["loc"])} for fault in faults]
                ) from None


def _is_whole(fault: Mapping[str, Any]) -> bool:
    """JSON has one kind of number: 83.0 is as whole as 83."""
    return fault["type"] == "int_type" and isinstance(fault["input"], float) and fault["input"].is_integer()


class LimitedRoute(APIRoute):
    """Takes at most `max_body_size` bytes, REQUEST_BYTES_MAX if it names none. FastAPI's own limit would answer in
    plain text."""

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        max_body_size: int | None = None,
        dependencies: Sequence[DependsParameter] | None = None,
        **options: Any,
    ) -> None:
        self.bytes_max = max_body_size
        given = [*(dependencies or ()), Depends(_take_at_its_word)]
        super().__init__(path, endpoint, dependencies=given, **options)
        self.body_json: TypeAdapter[Any] | None = None
        if self.body_field is not None and not isinstance(self.body_field.field_info, Form):
            shape: Any = self.body_field.field_info.annotation
            self.body_json = TypeAdapter(shape)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def with_limit(request: Request) -> Response:
            bytes_max = self.bytes_max or _service(request).settings.request_bytes_max
            return await answer(Request(request.scope, _limited(request.receive, bytes_max)))

        return with_limit


def _limited(receive: Receive, bytes_max: int) -> Receive:
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > bytes_max:
            raise HTTPException(413)
        return message

    return limited


class CommandRoute(LimitedRoute):
    """Opens one transaction, runs the endpoint, stores the answer under its key, commits; only then is the answer
    sent. FastAPI's `yield` dependencies would commit after the 201 is on its way: seen."""

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        dependencies: Sequence[DependsParameter] | None = None,
        methods: set[str] | list[str] | None = None,
        **options: Any,
    ) -> None:
        given = list(dependencies or [])
        if "POST" in (methods or []):
            given.append(Depends(_claim_key))
        super().__init__(path, endpoint, dependencies=given, methods=methods, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def in_one_transaction(request: Request) -> Response:
            try:
                async with _service(request).database.transaction() as tx:
                    request.state.tx = tx
                    response = await answer(request)
                    await _keep_answer(request, tx, response)
            except _AnsweredBefore as before:
                return _replay(before.answer)
            return response

        return in_one_transaction


async def _keep_answer(request: Request, tx: Transaction, response: Response) -> None:
    key: RequestKey | None = getattr(request.state, "key", None)
    if key is None:
        return
    secret = "no-store" in response.headers.get("cache-control", "")
    headers = {name: response.headers[name] for name in idempotency.KEPT_HEADERS if name in response.headers}
    body = None if secret else bytes(response.body)
    await idempotency.keep(tx, key, StoredAnswer(response.status_code, headers, body))


def _replay(answer: StoredAnswer) -> Response:
    metrics.IDEMPOTENT_REPLAYS.inc()
    return Response(answer.body, answer.status, headers={**answer.headers, idempotency.REPLAYED: "true"})


def router_for(service: str, *, prefix: str | None = None, one_transaction: bool = True) -> APIRouter:
    """A router under `/api/<service>` (or `prefix`, for facades such as /open311)."""
    return APIRouter(
        prefix=f"/api/{service}" if prefix is None else prefix,
        route_class=CommandRoute if one_transaction else LimitedRoute,
    )
