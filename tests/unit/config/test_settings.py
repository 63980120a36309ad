"""Settings: addresses, and who has the last word."""

from pathlib import Path

import pytest

from pointsman.config import Address, Settings, host_port, read_settings


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:9000", "127.0.0.1", 9000),
        ("localhost:0", "localhost", 0),
        ("depot-1.example:65535", "depot-1.example", 65535),
        ("[::1]:8080", "::1", 8080),
        ("[fe80::1%eth0]:8080", "fe80::1%eth0", 8080),
    ],
)
def test_an_address_is_a_host_with_a_port(text: str, host: str, port: int) -> None:
    address = host_port(text)
    assert address == (host, port)
    assert str(address) == text


NO_ADDRESSES = """
9000
:9000
localhost
localhost:
localhost:65536
localhost:-1
localhost:1e3
::1:80
[::1]
[::1:80
[localhost]:80
http://localhost:80
a b:80
"""


@pytest.mark.parametrize("text", NO_ADDRESSES.strip("\n").split("\n"))
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no address: write HOST:PORT as in '127\.0\.0\.1"):
        host_port(text)


def test_without_a_word_the_defaults_hold() -> None:
    settings = read_settings({})
    assert settings == Settings()
    assert settings.ocpp == Address("127.0.0.1", 9000)
    assert settings.grpc == Address("127.0.0.1", 50051)
    assert settings.grpc_url == "grpc://127.0.0.1:50051?ssl=false"
    assert settings.journal == Path("pointsman.db")
    assert settings.data == Path("pointsman-data")


def test_the_environment_replaces_a_default() -> None:
    assert read_settings({"POINTSMAN_OCPP": "[::1]:0"}).ocpp == Address("::1", 0)


def test_a_flag_replaces_the_environment() -> None:
    settings = read_settings({"POINTSMAN_URL": "http://a"}, url="http://b", key=None)
    assert (settings.url, settings.key) == ("http://b", None)


def test_an_empty_variable_says_nothing() -> None:
    assert read_settings({"POINTSMAN_JOURNAL": ""}).journal == Path("pointsman.db")


def test_a_bad_value_names_its_place() -> None:
    with pytest.raises(ValueError, match=r"^POINTSMAN_OCPP: '9000' is no address"):
        read_settings({"POINTSMAN_OCPP": "9000"})
    with pytest.raises(ValueError, match=r"^--ocpp: '9000' is no address"):
        read_settings({"POINTSMAN_OCPP": "localhost:1"}, ocpp="9000")


def test_a_flag_that_is_no_setting_is_our_mistake() -> None:
    with pytest.raises(TypeError, match="no such settings: speed"):
        read_settings({}, speed="1")


def test_a_flag_of_two_words_is_named_as_it_is_written() -> None:
    with pytest.raises(ValueError, match=r"^--grpc: '50051' is no address"):
        read_settings({}, grpc="50051")
    found = read_settings({"POINTSMAN_TLS_KEY": "a.pem"}, tls_certificate=Path("b.pem"))
    assert (found.tls_key, found.tls_certificate) == (Path("a.pem"), Path("b.pem"))


@pytest.mark.parametrize("variable", ["POINTSMAN_KEY", "POINTSMAN_SECRET"])
def test_a_key_and_a_secret_are_never_printed(variable: str) -> None:
    assert "hidden" not in repr(read_settings({variable: "hidden"}))
