"""Each channel against a real receiver: what is sent, and which answers are final."""

from __future__ import annotations

import base64
import logging
from email.header import decode_header, make_header

import pytest

from services.notify.channels import Message, Refused, Result, Sent, Unreachable
from services.notify.channels.console import Console
from services.notify.channels.contact import Contact, Contacts
from services.notify.channels.smtp import Smtp
from services.notify.channels.webhook import Webhook, signature
from shared.ids import uuid7
from shared.keys import Secret
from shared.vocabulary import Language, NoticeKind
from tests.notify.receiver import a_gateway, a_postbox

NEW, OLD = Secret("demo-new", b"n" * 32), Secret("demo-old", b"o" * 32)


def a_message(to: str, key: str = "e.registered.requester") -> Message:
    data = {"number": "2603-0017-4"}
    return Message(key, NoticeKind.REGISTERED, Language.CHINESE, to, "已登记", "您的诉求已登记", data)


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """The example of the specification's own libraries."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    assert signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == (
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


@pytest.mark.parametrize("secret", [NEW, OLD])
async def test_while_a_secret_is_being_changed_both_sides_fit(secret: Secret) -> None:
    async with a_gateway(secret.value) as gateway:
        webhook = Webhook((NEW, OLD), timeout_seconds=2)
        assert await webhook.send(a_message(f"{gateway.url}/hook")) == Sent()
        await webhook.close()
    [taken] = gateway.taken.values()
    assert taken["type"] == "registered"
    assert taken["text"] == "您的诉求已登记"
    assert taken["data"] == {"number": "2603-0017-4"}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, Sent()),
        (302, Refused("HTTP 302")),
        (400, Refused("HTTP 400")),
        (410, Refused("HTTP 410")),
        (408, Unreachable("HTTP 408")),
        (429, Unreachable("HTTP 429")),
        (500, Unreachable("HTTP 500")),
        (503, Unreachable("HTTP 503")),
    ],
)
async def test_what_a_gateway_answers_decides(status: int, expected: Result) -> None:
    async with a_gateway(NEW.value) as gateway:
        gateway.answer = lambda nth: status
        webhook = Webhook((NEW,), timeout_seconds=2)
        assert await webhook.send(a_message(f"{gateway.url}/hook")) == expected
        await webhook.close()


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("http://127.0.0.1:1/hook", Unreachable("ConnectError")),
        ("ftp://example.org", Refused("the address is no http or https URL")),
        ("http://example.org:port/", Refused("the address is no URL")),
    ],
)
async def test_addresses_that_lead_nowhere(to: str, expected: Result) -> None:
    webhook = Webhook((NEW,), timeout_seconds=1)
    assert await webhook.send(a_message(to)) == expected
    await webhook.close()


def an_smtp(port: int) -> Smtp:
    return Smtp(host="127.0.0.1", port=port, sender="yike@example.org", timeout_seconds=2, start_tls=False)


async def test_a_mail_carries_the_key_as_its_message_id() -> None:
    with a_postbox() as postbox:
        assert await an_smtp(postbox.port).send(a_message("s@example.org", "e1.case_raised.s")) == Sent()
    [mail] = postbox.mails
    assert mail["Message-ID"] == "<e1.case_raised.s@example.org>"
    assert str(make_header(decode_header(mail["Subject"]))) == "已登记"
    content = mail.get_payload(decode=True)
    assert isinstance(content, bytes)
    assert content.decode().strip() == "您的诉求已登记"
    assert postbox.recipients == ["s@example.org"]


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ("550 no such box", Refused("SMTP 550")),
        ("550 5.1.1 <s@example.org>: no such box", Refused("SMTP 550 5.1.1")),
        ("450 4.2.1 box busy", Unreachable("SMTP 450 4.2.1")),
        ("421 come later", Unreachable("SMTP 421")),
    ],
)
async def test_what_a_mail_server_answers_decides(says: str, expected: Result) -> None:
    """Kept are its codes: the sentence names the mailbox, and goes into a story that loses nothing."""
    with a_postbox() as postbox:
        postbox.says = says
        assert await an_smtp(postbox.port).send(a_message("s@example.org")) == expected
    assert postbox.mails == []


async def test_a_mail_server_that_is_away_is_tried_again() -> None:
    assert isinstance(await an_smtp(1).send(a_message("s@example.org")), Unreachable)


async def test_a_line_break_cannot_add_headers_to_a_mail() -> None:
    with a_postbox() as postbox:
        result = await an_smtp(postbox.port).send(a_message("s@example.org\r\nBcc: all@example.org"))
    assert isinstance(result, Refused)
    assert postbox.mails == []


async def test_the_console_shows_the_words_and_masks_the_address(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert await Console(is_read=True).send(a_message("13812345678")) == Sent()
    assert "138****5678" in caplog.text
    assert "您的诉求已登记" in caplog.text
    assert "13812345678" not in caplog.text


async def test_in_production_nothing_is_called_sent_that_only_the_log_saw(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What residents are sent holds pickup codes and links that answer for them: never into a kept log."""
    with caplog.at_level(logging.DEBUG):
        result = await Console(is_read=False).send(a_message("13812345678"))
    assert result == Refused("RESIDENT_WEBHOOK_URL is not set")
    assert "您的诉求已登记" not in caplog.text


async def test_intake_is_asked_with_a_purpose_and_our_token() -> None:
    async with a_gateway(NEW.value) as intake:
        contacts = Contacts(intake.url, {"Authorization": "Bearer us"}, 2)
        assert await contacts.ask(uuid7(), NoticeKind.REGISTERED) == Refused("intake knows no address")
        intake.status = 409
        assert isinstance(await contacts.ask(uuid7(), NoticeKind.REGISTERED), Refused)
        intake.status = 401
        assert await contacts.ask(uuid7(), NoticeKind.REGISTERED) == Unreachable("intake: HTTP 401")
        intake.contacts = {"phone": "13812345678", "language": "en", "more": 1}
        found = await contacts.ask(uuid7(), NoticeKind.PLEASE_ANSWER)
        await contacts.close()
    assert found == Contact(phone="13812345678", language=Language.ENGLISH)
    assert set(intake.asked) == {("registered", "Bearer us"), ("please_answer", "Bearer us")}


async def test_intake_being_away_is_no_refusal() -> None:
    contacts = Contacts("http://127.0.0.1:1", {}, 1)
    assert await contacts.ask(uuid7(), NoticeKind.REGISTERED) == Unreachable("intake: ConnectError")
    await contacts.close()
