"""Which addresses are asked, and which URLs show by themselves that they are not."""

import ipaddress

import pytest

from contracts.errors import AddressRefused, ErrorCode
from fetching.addresses import AddressRules
from fetching.source_url import SourceUrl, SourceUrlInvalid

PUBLIC = [
    *("1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"),
    *("128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0"),
    *("192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255"),
    *("2001:4860:4860::8888", "2606:4700::1111", "2a00:1450:4001::1", "2001:200::1", "3fff:1000::1"),
    *("::ffff:8.8.8.8", "64:ff9b::808:808"),
]
NOT_PUBLIC = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.100.100.200", "100.127.255.255"),
    *("127.0.0.1", "127.255.255.255", "168.63.129.16", "169.254.169.254", "169.254.0.0", "172.16.0.0"),
    *("172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1", "192.168.255.255", "198.18.0.0"),
    *("198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::2", "fc00::1", "fd00:ec2::254", "fe80::1", "febf::1", "fec0::1", "ff02::1", "ff0e::1"),
    *("100::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:10::1", "2001:db8::1", "3fff::1", "4000::1"),
    *("2002:7f00:1::1", "2002:808:808::1"),
    *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "::127.0.0.1", "::8.8.8.8"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808"),
]


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_is_asked(address: str) -> None:
    AddressRules().check(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_what_is_not_public_is_refused(address: str) -> None:
    with pytest.raises(AddressRefused) as caught:
        AddressRules().check(ipaddress.ip_address(address))
    assert caught.value.code is ErrorCode.ADDRESS_REFUSED
    assert not caught.value.retryable


def test_a_network_that_the_operator_allows_is_asked_and_nothing_beside_it() -> None:
    rules = AddressRules(["10.20.0.0/16", "fd00:1::/32"])
    for allowed in ("10.20.1.2", "::ffff:10.20.1.2", "fd00:1::7"):
        rules.check(ipaddress.ip_address(allowed))
    for refused in ("10.21.0.0", "127.0.0.1", "fd00:2::7", "::ffff:10.21.0.0"):
        with pytest.raises(AddressRefused):
            rules.check(ipaddress.ip_address(refused))


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "0", "10.1"),
        *("[::1]", "[::ffff:127.0.0.1]", "[fd00:ec2::254]", "169.254.169.254", "2852039166"),
        *("localhost", "LOCALHOST", "localhost.", "a.b.localhost", "ip6-loopback"),
    ],
)
def test_a_host_that_shows_where_it_leads_is_refused_before_anything_is_resolved(host: str) -> None:
    with pytest.raises(AddressRefused):
        SourceUrl.parse(f"http://{host}/a.mp4").check(AddressRules())


@pytest.mark.parametrize(
    "host", ["example.com", "8.8.8.8", "[2606:4700::1111]", "localhost.example.com", "bücher.example"]
)
def test_a_name_is_left_to_be_resolved_and_a_public_address_is_taken(host: str) -> None:
    SourceUrl.parse(f"https://{host}/a.mp4").check(AddressRules())


@pytest.mark.parametrize(
    "url",
    [
        *("", "clip.mp4", "/clip.mp4", "//example.com/clip.mp4", "file:///etc/passwd", "ftp://example.com/a.mp4"),
        *("gopher://example.com", "javascript:alert(1)", "data:video/mp4;base64,AAAA", "https:///a.mp4", "http://."),
        *("https://user:secret@example.com/a.mp4", "https://user@example.com/a.mp4", "http://example.com:0/"),
        *(
            "http://example.com:99999/",
            "http://exa mple.com/",
            "http://[::1/",
            "http://example.com/\x00",
            "http://[v1.a]/",
        ),
        "http://0177.0.0.1/",
        "https://example.com/" + "a" * 8192,
    ],
)
def test_what_is_no_url_of_a_file_is_told(url: str) -> None:
    with pytest.raises(SourceUrlInvalid, match=r"\.$"):
        SourceUrl.parse(url)


@pytest.mark.parametrize(
    ("url", "filename"),
    [
        ("https://example.com/a/b.mp4?x=/c.mov#d", "b.mp4"),
        ("https://example.com/%C3%BCber%20alles.MOV", "über alles.MOV"),
        ("https://example.com/..%2F..%2Fetc", "../../etc"),
        ("https://example.com/", ""),
        ("https://example.com", ""),
    ],
)
def test_the_last_part_of_the_path_is_the_name(url: str, filename: str) -> None:
    assert SourceUrl.parse(url).filename == filename
