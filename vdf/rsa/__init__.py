"""Delays over RSA-2048 (protocol §9.1): Z_N*/{±1}, N a challenge that nobody is known to have factored."""

from vdf.rsa.elements import RSA2048
from vdf.rsa.group import RsaGroup

RSA_2048 = RsaGroup("rsa-2048", RSA2048)

__all__ = ["RSA_2048", "RsaGroup"]
