"""How people want to be told, and the devices that may be pushed to."""

from __future__ import annotations

from dataclasses import replace
from datetime import time
from typing import Any

from services.notify.channels.webpush import are_keys, is_push_service
from services.notify.commands import ChoosePreferences, Subscribe
from services.notify.handlers.office import Office, number_context
from services.notify.handlers.sending import Subscription, device_context
from services.notify.queries import people
from services.notify.rules.ways import Preferences, Via
from shared.database import Transaction
from shared.identity import SignedIn
from shared.ids import uuid7
from shared.problems import Problem, not_found


async def preferences_of(
    office: Office, tx: Transaction, who: SignedIn
) -> tuple[Preferences, people.Person | None]:
    """What holds for the caller, and their row if they have one."""
    row = await people.person(tx, who.person_id)
    return office.preferences_in(row), row


async def choose(
    office: Office, tx: Transaction, who: SignedIn, command: ChoosePreferences, expected: int | None
) -> people.Person:
    """Replace the caller's preferences; `expected` is the version they were read at."""
    _refuse(office, command)
    row = await people.locked(tx, who.person_id, office.sealer.new_case_key()[1])
    if expected is not None and expected != row.version:
        raise Problem(
            412,
            "changed-meanwhile",
            "设置已在别处修改 / Your preferences were changed elsewhere",
            detail="重新读取后再保存 / Read them again and save once more",
            version=row.version,
        )
    number = row.sealed_number
    if "sms_number" in command.model_fields_set:
        number = _sealed_number(office, row, command.sms_number)
    chosen: dict[str, Any] = {
        "channels": list(command.channels),
        "quiet_from": _clock(command.quiet.starts) if command.quiet else None,
        "quiet_until": _clock(command.quiet.ends) if command.quiet else None,
        "digest": command.digest,
        "digest_at": _clock(command.digest_at) if command.digest == "daily" and command.digest_at else None,
        "language": command.language,
        "sealed_number": number,
    }
    await people.choose(tx, who.person_id, **chosen)
    _remember(office, tx)
    return replace(row, **chosen, chosen=True, version=row.version + 1)


def _refuse(office: Office, command: ChoosePreferences) -> None:
    if len(set(command.channels)) != len(command.channels):
        raise Problem(422, "channel-twice", "渠道重复 / A channel is named twice")
    if Via.FEED not in command.channels:
        raise Problem(
            422,
            "feed-needed",
            "站内消息不能关闭 / The feed cannot be switched off",
            detail="请保留 feed，可调整顺序 / Keep feed; its place is yours to choose",
        )
    if command.digest == "daily" and command.digest_at is None:
        raise Problem(422, "hour-missing", "请选择每日汇总时间 / A daily digest needs digest_at")
    if command.quiet is not None and command.quiet.starts == command.quiet.ends:
        raise Problem(422, "quiet-all-day", "免打扰起止时间相同 / Quiet hours begin when they end")
    if command.sms_number is not None and Via.SMS not in office.open:
        raise Problem(
            409,
            "no-gateway",
            "未开通短信 / Text messages are not available here",
            detail="请管理员设置 SMS_GATEWAY_URL / An administrator has to set SMS_GATEWAY_URL",
        )


def _clock(at: time) -> time:
    return at.replace(second=0, microsecond=0, tzinfo=None)


def _sealed_number(office: Office, row: people.Person, number: str | None) -> bytes | None:
    if number is None:
        return None
    key = office.sealer.unwrap(row.wrapped_key)
    return office.sealer.seal(key, number, number_context(row.person_id))


async def subscribe(office: Office, tx: Transaction, who: SignedIn, command: Subscribe) -> people.Device:
    """Take a browser into the caller's devices; one that was somebody else's is theirs no longer."""
    settings = office.settings
    if settings.vapid_key is None:
        raise no_push()
    if not is_push_service(command.endpoint, settings.webpush_hosts.split()):
        raise Problem(
            422,
            "no-push-service",
            "不是已知的推送服务 / Not a push service we know",
            detail="请换用其他浏览器，或请管理员加入 WEBPUSH_HOSTS"
            " / Use another browser, or have it added to WEBPUSH_HOSTS",
        )
    if not are_keys(command.keys.p256dh, command.keys.auth):
        raise Problem(422, "no-push-keys", "推送密钥无效 / The subscription's keys cannot be used")
    indexes = office.sealer.blind_indexes(command.endpoint)
    before = await people.owners_of(tx, indexes)
    row = await people.locked(tx, who.person_id, office.sealer.new_case_key()[1], *before)
    if row.devices >= settings.devices_per_person_max and who.person_id not in before:
        raise Problem(
            409,
            "too-many-devices",
            f"最多 {settings.devices_per_person_max} 台设备 / {settings.devices_per_person_max} devices at most",
            detail="请先删除不用的设备 / Delete one you no longer use first",
        )
    known = Subscription(endpoint=command.endpoint, p256dh=command.keys.p256dh, auth=command.keys.auth)
    key = office.sealer.unwrap(row.wrapped_key)
    sealed = office.sealer.seal(key, known.model_dump_json(), device_context(who.person_id))
    device_id = await people.add_device(
        tx, id=uuid7(), person_id=who.person_id, indexes=indexes, sealed=sealed, name=command.name
    )
    await people.count_devices(tx, [who.person_id, *before])
    _remember(office, tx)
    found = await people.devices(tx, [who.person_id])
    return next(device for device in found if device.id == device_id)


async def unsubscribe(office: Office, tx: Transaction, who: SignedIn, device_id: Any) -> None:
    if not await people.drop_devices(tx, [device_id], who.person_id):
        raise not_found("没有这台设备 / You have no such device")
    _remember(office, tx)


def no_push() -> Problem:
    return Problem(
        409,
        "no-push",
        "未开通推送 / Push is not available here",
        detail="请管理员设置 VAPID_KEY_FILE / An administrator has to set VAPID_KEY_FILE",
    )


def _remember(office: Office, tx: Transaction) -> None:
    """What is in memory is read anew right after the COMMIT."""

    async def wake() -> None:
        office.changed.set()

    tx.at_end(wake)
