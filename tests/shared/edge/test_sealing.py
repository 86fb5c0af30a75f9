"""Personal data at rest."""

from __future__ import annotations

import pytest

from shared.keys import Secret
from shared.sealing import TOKEN_BITS, CannotUnsealError, Sealer

OLD, NEW = Secret("key-old", b"o" * 32), Secret("key-new", b"n" * 32)
CONTEXT = "requesters.phone:1"


@pytest.fixture
def sealer() -> Sealer:
    return Sealer([OLD])


def test_what_is_sealed_can_be_unsealed_with_the_cases_key_only(sealer: Sealer) -> None:
    key, wrapped = sealer.new_case_key()
    sealed = sealer.seal(key, "张三 13800000000", CONTEXT)

    assert b"13800000000" not in sealed
    assert sealer.unseal(sealer.unwrap(wrapped), sealed, CONTEXT) == "张三 13800000000"
    with pytest.raises(CannotUnsealError):
        sealer.unseal(sealer.new_case_key()[0], sealed, CONTEXT)


def test_a_sealed_value_cannot_be_moved_or_changed(sealer: Sealer) -> None:
    key, _ = sealer.new_case_key()
    sealed = sealer.seal(key, "x", CONTEXT)

    for changed, context in (
        (sealed, "requesters.phone:2"),
        (sealed[:-1] + b"?", CONTEXT),
        (sealed[:9], CONTEXT),
    ):
        with pytest.raises(CannotUnsealError):
            sealer.unseal(key, changed, context)


def test_the_same_text_is_sealed_differently_each_time(sealer: Sealer) -> None:
    key, _ = sealer.new_case_key()

    assert sealer.seal(key, "x", CONTEXT) != sealer.seal(key, "x", CONTEXT)


def test_a_new_master_key_on_top_opens_what_the_old_one_wrapped(sealer: Sealer) -> None:
    key, wrapped = sealer.new_case_key()
    later = Sealer([NEW, OLD])

    assert later.unwrap(wrapped) == key
    assert not later.is_current(wrapped)
    again = later.rewrap(wrapped)
    assert later.is_current(again)
    assert Sealer([NEW]).unwrap(again) == key


def test_without_its_master_key_a_case_stays_shut_and_the_key_is_named(sealer: Sealer) -> None:
    _, wrapped = sealer.new_case_key()

    with pytest.raises(CannotUnsealError, match="key-old"):
        Sealer([NEW]).unwrap(wrapped)
    for broken in (b"", b"\x05", b"\x07key-old", wrapped[:-1]):
        with pytest.raises(CannotUnsealError):
            sealer.unwrap(broken)


def test_a_number_is_found_again_also_after_a_change_of_the_master_key(sealer: Sealer) -> None:
    later = Sealer([NEW, OLD])
    assert sealer.blind_index("13800000000") in later.blind_indexes("13800000000")
    assert later.blind_index("13800000000") == Sealer([NEW]).blind_index("13800000000")
    assert sealer.blind_index("13800000000") != sealer.blind_index("13800000001")
    assert sealer.blind_index("13800000000") != Sealer([NEW]).blind_index("13800000000")


def test_pieces_of_a_text_are_found_under_every_key(sealer: Sealer) -> None:
    pieces, later = ["井盖", "盖丢"], Sealer([NEW, OLD])
    assert later.blind_tokens_of_each(pieces) == [
        Sealer([NEW]).blind_tokens(pieces),
        sealer.blind_tokens(pieces),
    ]
    assert all(0 <= token < 2**TOKEN_BITS for token in sealer.blind_tokens(pieces))
    assert sealer.blind_tokens(["井盖"]) != sealer.blind_tokens(["盖丢"])


def test_what_is_wrapped_under_the_key_in_use_is_told_by_its_beginning(sealer: Sealer) -> None:
    _, wrapped = sealer.new_case_key()
    assert wrapped.startswith(sealer.current_prefix)
    assert not wrapped.startswith(Sealer([NEW, OLD]).current_prefix)


def test_a_digest_compares_within_a_case_and_not_across(sealer: Sealer) -> None:
    one, _ = sealer.new_case_key()
    other, _ = sealer.new_case_key()

    assert sealer.digest(one, "text") == sealer.digest(one, "text") != sealer.digest(other, "text")
