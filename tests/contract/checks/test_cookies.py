"""Which cookies of a journey go where."""

import httpx
import pytest

from shared.adapters.checks.cookies import Cookies


def sent(set_at: str, written: str, to: str) -> str:
    cookies = Cookies()
    cookies.keep(httpx.URL(set_at), httpx.Headers([(b"set-cookie", written.encode("latin-1"))]))
    return cookies.sent_to(httpx.URL(to))


@pytest.mark.parametrize(
    ("written", "to", "cookie"),
    [
        ("a=1", "https://shop.example.com/x", "a=1"),
        ("a=1", "https://SHOP.example.com:8443/y", "a=1"),
        ("a=1; Domain=example.com", "https://shop.example.com/", "a=1"),
        ("a=1; Domain=example.com", "https://other.example.com/", ""),
        ("a=1; Domain=other.example.com", "https://other.example.com/", ""),
        ("a=1; Domain=other.example.com", "https://shop.example.com/", ""),
        ("a=1; Path=/in", "https://shop.example.com/in/side", "a=1"),
        ("a=1; Path=/in", "https://shop.example.com/", ""),
        ("a=1; Secure", "https://shop.example.com/", "a=1"),
        ("a=1; Secure", "http://shop.example.com/", ""),
        ("a=1; Max-Age=60", "https://shop.example.com/", "a=1"),
        ("a=1; Max-Age=0", "https://shop.example.com/", ""),
        ("a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "https://shop.example.com/", ""),
        ("", "https://shop.example.com/", ""),
    ],
)
def test_a_host_gets_back_what_it_set_and_nothing_else(written: str, to: str, cookie: str) -> None:
    assert sent("https://shop.example.com/", written, to) == cookie


@pytest.mark.parametrize(
    "written", ["=", ";;;", "a", "a=\xff", "a=1; Max-Age=never", "a=1; Expires=soon", "a" * 70_000]
)
def test_whatever_a_site_sets_nothing_breaks(written: str) -> None:
    assert sent("https://shop.example.com/", written, "https://shop.example.com/").isascii()
