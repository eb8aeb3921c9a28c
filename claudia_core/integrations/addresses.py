"""Which addresses may be called on behalf of users: none of this machine, of private networks or for special use."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable

from claudia_core.errors import AddressRefused, SettingsError

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address
type Resolver = Callable[[str, int], list[str]]

SPECIAL = tuple(
    map(
        ipaddress.ip_network,
        (
            # IANA IPv4 Special-Purpose Address Registry, multicast and class E
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
            "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16",
            "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
            # IANA IPv6 Special-Purpose Address Registry, what holds an IPv4 address, multicast, site-local
            "::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64",
            "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20", "5f00::/16", "fc00::/7",
            "fe80::/10", "fec0::/10", "ff00::/8",
        ),
    )
)  # fmt: skip
"""Ranges that no public service has, or that lead somewhere else. `ipaddress.is_global` is not asked: it lacks some."""


class Allowed:
    """What may be called in spite of that, from the setting `outgoing_allow`: networks, addresses and host names.

    Raises:
        SettingsError: an entry is none of these.
    """

    def __init__(self, entries: Iterable[str] = ()) -> None:
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        self._hosts: set[str] = set()
        for entry in entries:
            self._add(entry)

    def _add(self, entry: str) -> None:
        try:
            self._networks.append(ipaddress.ip_network(entry, strict=False))
        except ValueError as error:
            name = entry.lower().rstrip(".")
            if not name or not all(part and part.replace("-", "a").isalnum() for part in name.split(".")):
                hint = "use 10.0.0.0/8, an address, or a host's name"
                raise SettingsError(f"outgoing_allow holds {entry!r:.80}", field="outgoing_allow", hint=hint) from error
            self._hosts.add(name)

    def is_open(self, host: str, address: Address) -> bool:
        """Whether `host`, which has this address, may be called."""
        if not any(address in network for network in SPECIAL if network.version == address.version):
            return True
        if host.lower().rstrip(".") in self._hosts:
            return True
        return any(address in network for network in self._networks if network.version == address.version)


def resolve(host: str, port: int) -> list[str]:
    """All addresses of a name, as the system knows them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def checked(host: str, addresses: Iterable[str], allowed: Allowed) -> list[str]:
    """The addresses, when each of them may be called.

    Raises:
        AddressRefused: one may not, or there is none. A name with one good and one bad address is refused as a whole.
    """
    found = list(addresses)
    for text in found:
        try:
            address = ipaddress.ip_address(text)
        except ValueError as error:
            raise AddressRefused(f"{host!r:.100} has an address that cannot be read") from error
        if not allowed.is_open(host, address):
            raise AddressRefused(
                f"{host!r:.100} leads to this machine, a private network or a special range",
                hint="an admin can allow it with CLAUDIA_OUTGOING_ALLOW",
            )
    if not found:
        raise AddressRefused(f"{host!r:.100} has no address")
    return found
