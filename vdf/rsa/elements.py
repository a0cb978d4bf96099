"""The group Z_N*/{±1} of the RSA-2048 challenge modulus: its elements, their one encoding, hashing into it.

    canonical(a) = min(a mod N, N − a mod N)         1 ≤ canonical(a) ≤ (N−1)/2, gcd(a, N) = 1, 256 bytes
    hash_to_element(d) = canonical(expand("escapement/v1/rsa-element", d ‖ u64(j), |N| + 128) mod N)

−1 is the one element of low order that everybody knows; the quotient makes it the identity. |N| + 128 bits
before reduction leave no bias above 2^−128 and no short integer to factor. Cost: 5 µs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import _escapement
from gmpy2 import gcd, mpz

from vdf.encoding import expand, u64
from vdf.errors import Malformed, Rejected, UsageError
from vdf.group import require_context


@dataclass(frozen=True)
class Elements:
    """Z_N*/{±1}. `modulus` is N, odd and of unknown factorisation; `kernel` None: the fastest that runs here.

    Only RSA2048 is for use; tests build others, whose factors they know.
    """

    modulus: int
    kernel: str | None = None

    @cached_property
    def element_bytes(self) -> int:
        """Length of an encoded element."""
        return -(-self.modulus.bit_length() // 8)

    @cached_property
    def modulus_bits(self) -> int:
        """|N|, in bits."""
        return self.modulus.bit_length()

    @cached_property
    def modulus_encoded(self) -> bytes:
        """N, big-endian."""
        return self.modulus.to_bytes(self.element_bytes, "big")

    @cached_property
    def native(self) -> _escapement.Modulus:
        """Arithmetic modulo N."""
        return _escapement.Modulus(self.modulus_encoded, self.kernel)

    def encode(self, element: int) -> bytes:
        """The canonical representative of ±element, `element_bytes` long, big-endian."""
        residue = int(element) % self.modulus
        return min(residue, self.modulus - residue).to_bytes(self.element_bytes, "big")

    def decode(self, name: str, data: bytes) -> int:
        """The element that `data` canonically encodes; `name` (x, y or pi) goes into codes and messages.

        Raises UsageError `delay-type`; Malformed `delay-<name>-length`, `delay-<name>-range`; Rejected
        `delay-<name>-unit`.
        """
        self.check_length(name, data)
        element = self.parse(name, data)
        self.check_unit(name, element)
        return element

    def check(self, named: Sequence[tuple[str, bytes]]) -> None:
        """Decode several: first all lengths, then all ranges, then all gcds."""
        for name, data in named:
            self.check_length(name, data)
        decoded = [(name, self.parse(name, data)) for name, data in named]
        product = mpz(1)
        for _, element in decoded:
            product = product * element % self.modulus
        if gcd(product, self.modulus) != 1:  # one gcd for all, and one each only to name the culprit
            for name, element in decoded:
                self.check_unit(name, element)

    def check_length(self, name: str, data: bytes) -> None:
        """Require bytes of `element_bytes`: the first third of `decode`."""
        if not isinstance(data, bytes):
            raise UsageError("delay-type", f"{name}: expected bytes, got {type(data).__name__}")
        if len(data) != self.element_bytes:
            raise Malformed(
                f"delay-{name}-length", f"{name}: expected {self.element_bytes} bytes, got {len(data)}"
            )

    def parse(self, name: str, data: bytes) -> int:
        """The integer, in canonical range: the second third of `decode`."""
        element = int.from_bytes(data, "big")
        # x = 1 would make every delay free; hashing never gives it.
        least = 2 if name == "x" else 1
        if not least <= element <= (self.modulus - 1) // 2:
            raise Malformed(
                f"delay-{name}-range",
                f"{name}: not the canonical element: expected {least} ≤ {name} ≤ (N−1)/2, the smaller "
                f"of ±{name} mod N, got {_short(element)}",
            )
        return element

    def check_unit(self, name: str, element: int) -> None:
        """Require gcd(element, N) = 1: the last third of `decode`."""
        if gcd(element, self.modulus) != 1:
            raise Rejected(f"delay-{name}-unit", f"{name}: expected gcd({name}, N) = 1, got a factor of N")


def hash_to_element(elements: Elements, context: bytes) -> bytes:
    """A delay's input x: the element that `context` (32 bytes, d_i of protocol §8) selects, encoded.

    Raises UsageError `delay-context` for anything but 32 bytes. Source: protocol §9.
    """
    require_context(context)
    attempt = 0
    while True:
        wide = expand(ELEMENT_TAG, context + u64(attempt), elements.modulus_bits + EXTRA_BITS)
        data = elements.encode(int.from_bytes(wide, "big"))
        element = int.from_bytes(data, "big")
        if element > 1 and gcd(element, elements.modulus) == 1:
            return data
        attempt += 1


def _short(element: int) -> str:
    """Enough of a large number to recognise it."""
    digits = f"{element:x}"
    return (
        f"0x{digits}" if len(digits) <= 24 else f"0x{digits[:12]}…{digits[-8:]} ({element.bit_length()} bits)"
    )


ELEMENT_TAG = "escapement/v1/rsa-element"
EXTRA_BITS = 128  # security: statistical distance of x from uniform ≤ 2^−128

# RSA-2048 of the RSA Factoring Challenge (RSA Laboratories, 2001): 617 digits, digit sum 2738, not factored.
# SHA-256 of its 256 bytes: 6ae9d033c1d76c4f535b5ad5c0073933a0b375b4120a75fbb66be814eab1a9ce (tests/vdf).
RSA2048 = Elements(
    int(
        "251959084756578934940271832400483985714292821262040320277771378360436620207075955562640185"
        "258807844069182906412495150821892985591491761845028084891200728449926873928072877767359714"
        "183472702618963750149718246911650776133798590957000973304597488084284017974291006424586918"
        "171951187461215151726546322822168699875491824224336372590851418654620435767984233871847744"
        "479207399342365848238242811981638150106748104516603773060562016196762561338441436038339044"
        "149526344321901146575444541784240209246165157233507787077498171257724679629263863563732899"
        "12154831438167899885040445364023527381951378636564391212010397122822120720357"
    ),
)
