"""Where a requester can be reached: asked of intake at the moment of sending, with a purpose, and kept nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

import httpx
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from services.notify.channels import Refused, Unreachable
from shared.vocabulary import Language, NoticeKind

TEXT_CHARACTERS_MAX = 300
FINAL = {404: "intake knows no address", 409: "there is nothing to answer any more"}
"""What intake answers for good. Others are faults between us, which somebody mends while the message waits."""


def shortened(text: str | None) -> str | None:
    """A text message has its length; the page it leads to says it whole."""
    if text is None or len(text) <= TEXT_CHARACTERS_MAX:
        return text
    return text[: TEXT_CHARACTERS_MAX - 1] + "…"


class Contact(BaseModel):
    """What intake says for one purpose: the address, and what only the requester may be told. `text` is what the
    message is about: the question asked, the answer given, the refusal and whom to turn to."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    phone: str | None = None
    language: Language = Language.CHINESE
    pickup_code: str | None = None
    tracking_url: str | None = None
    answer_url: str | None = Field(default=None, validation_alias="follow_up_url")
    text: Annotated[str | None, AfterValidator(shortened)] = None


class Contacts:
    """Asks `GET /api/intake/internal/contacts/{case_id}?purpose=<kind of notice>`; intake journals the purpose."""

    def __init__(self, intake_url: str, headers: Mapping[str, str], timeout_seconds: float) -> None:
        self._url = intake_url.rstrip("/") + "/api/intake/internal/contacts"
        self._client = httpx.AsyncClient(timeout=timeout_seconds, headers=dict(headers))

    async def ask(self, case_id: UUID, kind: NoticeKind) -> Contact | Refused | Unreachable:
        try:
            answer = await self._client.get(f"{self._url}/{case_id}", params={"purpose": kind})
        except httpx.HTTPError as wrong:
            return Unreachable(f"intake: {type(wrong).__name__}")
        if answer.status_code in FINAL:
            return Refused(FINAL[answer.status_code])
        if not answer.is_success:
            return Unreachable(f"intake: HTTP {answer.status_code}")
        try:
            contact = Contact.model_validate_json(answer.content)
        except ValidationError:
            return Unreachable("intake's answer was not understood")
        return contact if contact.phone else Refused("intake knows no address")

    async def close(self) -> None:
        await self._client.aclose()
