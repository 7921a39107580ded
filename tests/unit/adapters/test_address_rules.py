"""Which addresses a name may lead to, held against the registries of special-purpose addresses."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.address_rules import refusal

# https://www.iana.org/assignments/iana-ipv4-special-registry, what is not globally reachable, and 224.0.0.0/4.
SPECIAL_V4 = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "172.16.0.0/12",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
]
SPECIAL_V6 = ["::/128", "::1/128", "64:ff9b:1::/48", "100::/64", "2001:db8::/32", "fc00::/7", "fe80::/10", "ff00::/8"]
OLD_V6 = ["fec0::/10", "::/96", "2001::/32"]  # site-local, IPv4-compatible, Teredo
METADATA = ["169.254.169.254", "169.254.170.2", "169.254.130.1", "168.63.129.16", "100.100.100.200"]
LINK_LOCAL_V4 = "169.254.0.0/16"
NAME = "shop.example"

special_v4 = st.sampled_from(SPECIAL_V4).flatmap(lambda network: st.ip_addresses(network=network))
special_v6 = st.sampled_from(SPECIAL_V6 + OLD_V6).flatmap(lambda network: st.ip_addresses(network=network))
special = (special_v4 | special_v6).filter(lambda address: str(address) not in METADATA)
public_v4 = st.ip_addresses(v=4).filter(
    lambda address: (
        not any(address in IPv4Network(network) for network in [*SPECIAL_V4, LINK_LOCAL_V4, "192.0.0.0/24"])
        and str(address) not in METADATA
    )
)
public_v6 = st.ip_addresses(network="2600::/12")


def carriers(inner: IPv4Address) -> list[IPv6Address]:
    """How an address of IPv4 travels in one of IPv6: mapped, by NAT64, by 6to4."""
    number = int(inner)
    return [
        IPv6Address(int(IPv6Address("::ffff:0:0")) | number),
        IPv6Address(int(IPv6Address("64:ff9b::")) | number),
        IPv6Address((0x2002 << 112) | (number << 80) | 1),
    ]


@given(special)
def test_a_special_address_needs_the_word_of_the_policy(address: IPv4Address | IPv6Address) -> None:
    said = refusal(NAME, str(address), private=False)
    assert said is not None
    assert said.startswith(f"{NAME} leads to {address}, a ")
    assert refusal(NAME, str(address), private=True) is None


@given(public_v4 | public_v6)
def test_a_public_address_needs_none(address: IPv4Address | IPv6Address) -> None:
    assert refusal(NAME, str(address), private=False) is None


@given(special_v4.filter(lambda address: str(address) not in METADATA))
def test_an_address_that_carries_a_special_one_is_one(inner: IPv4Address) -> None:
    for address in carriers(inner):
        assert refusal(NAME, str(address), private=False)
        assert refusal(NAME, str(address), private=True) is None


@given(public_v4)
def test_an_address_that_carries_a_public_one_is_one(inner: IPv4Address) -> None:
    for address in carriers(inner):
        assert refusal(NAME, str(address), private=False) is None


@pytest.mark.parametrize("private", [True, False])
@pytest.mark.parametrize("inner", METADATA)
def test_metadata_is_out_of_reach_in_every_disguise(inner: str, private: bool) -> None:
    for address in [inner, *map(str, carriers(IPv4Address(inner)))]:
        for host in (NAME, address):
            assert "no policy can allow that" in str(refusal(host, address, private=private))


def test_metadata_has_an_address_of_ipv6_too() -> None:
    assert refusal("fd00:ec2::254", "fd00:ec2::254", private=True)


@given(special)
def test_an_address_that_is_written_itself_speaks_for_itself(address: IPv4Address | IPv6Address) -> None:
    assert refusal(str(address), str(address), private=False) is None


def test_an_address_does_not_speak_for_another_one() -> None:
    assert refusal("10.0.0.1", "127.0.0.1", private=False)


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "0177.0.0.1", "localhost"])
def test_other_spellings_of_an_address_are_names(host: str) -> None:
    assert refusal(host, "127.0.0.1", private=False)


def test_the_zone_of_an_address_changes_nothing() -> None:
    assert "link-local" in str(refusal(NAME, "fe80::1%eth0", private=False))


def test_what_is_no_address_is_refused() -> None:
    assert refusal(NAME, "nonsense", private=True)


def test_the_oracle_is_about_addresses_that_python_knows_too() -> None:
    for network in [*SPECIAL_V4, *SPECIAL_V6]:
        assert ip_address(network.split("/")[0]) in (IPv4Network if "." in network else IPv6Network)(network)


@pytest.mark.parametrize("inner", METADATA)
@pytest.mark.parametrize("prefix", ["64:ff9b:1::", "64:ff9b:1:abcd::", "::"])
def test_old_ways_to_write_an_address_of_ipv4_hide_nothing(inner: str, prefix: str) -> None:
    address = IPv6Address(int(IPv6Address(prefix)) | int(IPv4Address(inner)))
    assert "where a cloud keeps credentials" in (refusal(NAME, str(address), private=True) or "")
