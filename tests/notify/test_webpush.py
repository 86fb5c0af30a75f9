"""Web Push against a real HTTP endpoint whose browser opens what it gets."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.jwk import ECKey

from services.notify.channels import Device, Message, Refused, Sent, Unreachable
from services.notify.channels.webpush import (
    WebPush,
    are_keys,
    decoded,
    encoded,
    is_push_service,
    public_key,
    sealed_with,
)
from shared.vocabulary import Language, NoticeKind
from tests.notify.browser import Browser, PushService, a_push_service

KEY = ECKey.generate_key("P-256", {"kid": "vapid", "alg": "ES256", "use": "sig"})


def a_message(*devices: Device, urgent: bool = True) -> Message:
    return Message(
        key="event.offer.person-a",
        kind=NoticeKind.OFFER,
        language=Language.CHINESE,
        to="",
        title="派单",
        text="王甲，建设路 12 号",
        data={"headline": "井盖缺失", "phone": "13812345678"},
        notice_id="n-1",
        devices=devices,
        urgent=urgent,
    )


def device(service: PushService, browser: Browser, id: str = "d-1") -> Device:
    known = browser.subscription(service.endpoint(browser))
    return Device(id, known["endpoint"], known["keys"]["p256dh"], known["keys"]["auth"])


def a_channel() -> WebPush:
    return WebPush(KEY, contact="mailto:desk@example.org", timeout_seconds=5)


def test_the_example_of_rfc_8291() -> None:
    """Appendix A, to the byte."""
    private = int.from_bytes(decoded("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big")
    own = ec.derive_private_key(private, ec.SECP256R1())
    sealed = sealed_with(
        b"When I grow up, I want to be a watermelon",
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "BTBZMqHH6r4Tts7J_aSIgg",
        own,
        decoded("DGv6ra1nlYgDCS1FRnbzlw"),
    )
    assert encoded(sealed) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PB"
        "ru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


async def test_the_browser_opens_it_and_finds_nobody_named() -> None:
    browser, channel = Browser(), a_channel()
    async with a_push_service() as service:
        assert isinstance(await channel.send(a_message(device(service, browser))), Sent)
        [pushed] = browser.pushed
        await channel.close()
        token = pushed.headers["authorization"].partition("t=")[2].partition(",")[0]
        claims = jwt.decode(token, KEY, algorithms=["ES256"]).claims
        audience = service.url
    assert pushed.payload == {"id": "n-1", "kind": "offer", "title": "派单", "lang": "zh", "urgent": True}
    assert (pushed.headers["urgency"], pushed.headers["ttl"]) == ("high", "120")
    assert pushed.headers["authorization"].endswith(f"k={public_key(KEY)}")
    assert (claims["aud"], claims["sub"]) == (audience, "mailto:desk@example.org")


@pytest.mark.parametrize(
    ("statuses", "expected", "gone"),
    [
        ((201,), Sent, ()),
        ((410,), Refused, ("d-0",)),
        ((404, 201), Sent, ("d-0",)),
        ((503,), Unreachable, ()),
        ((503, 201), Sent, ()),
        ((410, 429), Unreachable, ("d-0",)),
        ((403,), Unreachable, ()),
        ((413,), Refused, ()),
    ],
)
async def test_what_the_push_service_says(
    statuses: tuple[int, ...], expected: type, gone: tuple[str, ...]
) -> None:
    channel = a_channel()
    async with a_push_service() as service:
        devices = [
            device(service, Browser(status=status), f"d-{place}") for place, status in enumerate(statuses)
        ]
        result = await channel.send(a_message(*devices))
    await channel.close()
    assert isinstance(result, expected)
    assert result.gone == gone


async def test_nobody_is_reached_without_a_device() -> None:
    channel = a_channel()
    assert await channel.send(a_message()) == Refused("no device is subscribed")
    await channel.close()


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("https://fcm.googleapis.com/fcm/send/abc", True),
        ("https://web.push.apple.com/abc", True),
        ("https://updates.push.services.mozilla.com/wpush/v2/abc", True),
        ("http://fcm.googleapis.com/fcm/send/abc", False),
        ("https://registry:8000/api/registry/internal", False),
        ("https://fcm.googleapis.com.evil.example/x", False),
        ("https://user:pass@fcm.googleapis.com/x", False),
        ("https://[::1", False),
        ("http://127.0.0.1:8000/x", False),
    ],
)
def test_only_push_services_are_posted_to(endpoint: str, expected: bool) -> None:
    hosts = ["fcm.googleapis.com", "*.push.services.mozilla.com", "*.push.apple.com"]
    assert is_push_service(endpoint, hosts) is expected


def test_keys_that_are_none_are_seen() -> None:
    known = Browser().subscription("https://x")["keys"]
    assert are_keys(known["p256dh"], known["auth"])
    assert not are_keys(known["auth"], known["auth"])
    assert not are_keys(known["p256dh"], "AAAA")
    assert not are_keys("不是密钥", known["auth"])
