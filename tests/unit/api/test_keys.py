"""Who may: keys, signatures, and rights."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from frequenz.client.base import signing
from grpc.aio import ClientCallDetails, Metadata

from pointsman.api import keys as judged
from pointsman.api.keys import (
    Exposed,
    Forbidden,
    Keys,
    Right,
    Unauthenticated,
    check_exposure,
    check_right,
    signature,
)
from pointsman.config import Address
from pointsman.config.keys import Key, Role

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SERVICE = "/frequenz.api.dispatch.v1.MicrogridDispatchService/"
CREATE = "CreateMicrogridDispatch"
LIST = "ListMicrogridDispatches"
PLANNER = Key("planner", "open-sesame", Role.OPERATOR, None)
SIGNER = Key("signer", "show-this", Role.ADMIN, frozenset({1, 2}), "keep-this")
WATCHER = Key("watcher", "let-me-look", Role.OBSERVER, None)


@pytest.fixture
def keys() -> Keys:
    return Keys([PLANNER, SIGNER, WATCHER])


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def signed(
    nonce: str = "once", *, seconds: int = 0, method: str = CREATE, by: str = "keep-this"
) -> dict[str, str | bytes]:
    ts = str(int(at(seconds).timestamp()))
    sig = signature(by, SIGNER.key, ts, nonce, method)
    return {"key": SIGNER.key, "ts": ts, "nonce": nonce, "sig": sig}


def refusal(keys: Keys, metadata: Mapping[str, str | bytes], now: datetime = NOW) -> str:
    with pytest.raises(Unauthenticated) as caught:
        keys.who(CREATE, metadata, now)
    message = str(caught.value)
    assert not any(word in message for word in ("sesame", "show-this", "keep-this", "look"))
    return message


def test_who_shows_a_key_is_known_by_it(keys: Keys) -> None:
    assert keys.who(CREATE, {"key": "open-sesame"}, NOW) == PLANNER


def test_who_shows_no_key_of_ours_is_nobody(keys: Keys) -> None:
    assert "key is missing" in refusal(keys, {})
    assert "key is not known" in refusal(keys, {"key": "open-sesam"})
    assert "key is not known" in refusal(keys, {"key": ""})
    assert "key is not known" in refusal(keys, {"key": b"\xff\xfe"})


def test_a_key_with_a_secret_must_sign(keys: Keys) -> None:
    assert keys.who(CREATE, signed(), NOW) == SIGNER
    for left_out in ("ts", "nonce", "sig"):
        rest = {name: value for name, value in signed("two").items() if name != left_out}
        assert "must sign its calls" in refusal(keys, rest)


def test_the_real_client_signs_as_we_check(keys: Keys) -> None:
    path, shown = f"{SERVICE}{CREATE}".encode(), Metadata(("key", SIGNER.key))
    details = ClientCallDetails(path, None, shown, None, None)  # type: ignore[arg-type]
    signing._add_hmac(b"keep-this", details, int(NOW.timestamp()), b"sixteen bytes!!!")  # noqa: SLF001
    assert details.metadata is not None
    assert keys.who(CREATE, dict(details.metadata), NOW) == SIGNER


@pytest.mark.parametrize(
    "wrong",
    [
        {"sig": "A" * 43},
        {"sig": ""},
        {"sig": "ä"},
        {"nonce": "another"},
        {"ts": str(int(NOW.timestamp()) + 1)},
    ],
)
def test_a_signature_fits_one_call_only(keys: Keys, wrong: dict[str, str]) -> None:
    assert "sig" in refusal(keys, signed() | wrong)


def test_a_signature_is_of_one_method_and_one_secret(keys: Keys) -> None:
    assert "sig does not fit" in refusal(keys, signed(method=LIST))
    assert "sig does not fit" in refusal(keys, signed(by="keep-thin"))


def test_a_signature_is_good_for_five_minutes_either_way(keys: Keys) -> None:
    for n, seconds in enumerate((-300, -1, 0, 300)):
        assert keys.who(CREATE, signed(f"fresh {n}", seconds=seconds), NOW) == SIGNER
    for seconds in (-301, 301, 86_400):
        assert "more than 300 s" in refusal(keys, signed(f"{seconds}", seconds=seconds))


@pytest.mark.parametrize("ts", ["soon", "1e9", "-5", "12.5", "9" * 400, "\u0661\u0662"])
def test_a_time_that_cannot_be_read_is_refused_as_such(keys: Keys, ts: str) -> None:
    assert "ts cannot be read" in refusal(keys, signed() | {"ts": ts})


def test_a_nonce_is_good_for_one_call(keys: Keys) -> None:
    assert keys.who(CREATE, signed(), NOW) == SIGNER
    assert "nonce was used before" in refusal(keys, signed())
    assert "nonce was used before" in refusal(keys, signed(seconds=70), at(70))
    assert "nonce was used before" in refusal(keys, signed(), at(300))


def test_a_call_that_was_refused_uses_up_no_nonce(keys: Keys) -> None:
    refusal(keys, signed() | {"sig": "A" * 43})
    assert keys.who(CREATE, signed(), NOW) == SIGNER


def test_nonces_are_forgotten_when_their_signatures_are_too_old(keys: Keys) -> None:
    keys.who(CREATE, signed(), NOW)
    later = 300 + 120
    assert keys.who(CREATE, signed(seconds=later), at(later)) == SIGNER


def test_a_clock_that_is_set_back_lets_no_nonce_in_again(keys: Keys) -> None:
    keys.who(CREATE, signed(), NOW)
    keys.who(CREATE, signed("later", seconds=3600), at(3600))
    assert "older than what this server remembers" in refusal(keys, signed(), NOW)


def test_nonces_are_bounded_and_none_is_forgotten_for_that(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judged, "NONCES_MOST", 2)
    keys.who(CREATE, signed("one"), NOW)
    keys.who(CREATE, signed("two"), NOW)
    assert "try again later" in refusal(keys, signed("three"))
    assert "nonce was used before" in refusal(keys, signed("one"))
    assert keys.who(CREATE, signed("four", seconds=420), at(420)) == SIGNER


def test_a_nonce_has_an_end(keys: Keys) -> None:
    assert "nonce is too long" in refusal(keys, signed("n" * 129))


def test_an_observer_may_look_and_nothing_else() -> None:
    check_right(WATCHER, Right.SEE, 7)
    with pytest.raises(Forbidden, match="may not change anything"):
        check_right(WATCHER, Right.CHANGE, 7)


def test_operators_and_admins_may_change_things() -> None:
    check_right(PLANNER, Right.CHANGE, 7)
    check_right(SIGNER, Right.CHANGE, 2)


def test_a_key_of_some_microgrids_is_of_no_others() -> None:
    for right in Right:
        with pytest.raises(Forbidden, match="no right to microgrid 7"):
            check_right(SIGNER, right, 7)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "localhost"])
def test_without_keys_a_server_is_for_this_machine(host: str) -> None:
    check_exposure(Address(host, 1), keyed=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "example.org"])  # noqa: S104
def test_without_keys_a_server_is_for_nobody_else(host: str) -> None:
    with pytest.raises(Exposed, match="there are no keys"):
        check_exposure(Address(host, 1), keyed=False)
    check_exposure(Address(host, 1), keyed=True)
