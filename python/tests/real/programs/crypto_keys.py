"""Keys, certificates and ciphers of cryptography: OpenSSL's structs behind Rust's."""

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID
from telling import Truth, digest

START = datetime.datetime(2026, 1, 1)


class Identity:
    def __init__(self, number: int) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.sign = ed25519.Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big"))
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"identity {number}")])
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.key.public_key())
        builder = builder.serial_number(number + 1).not_valid_before(START).not_valid_after(START.replace(year=2030))
        self.certificate = builder.sign(self.key, hashes.SHA256())
        self.box = AESGCM(bytes(32))


IDENTITIES = [Identity(number) for number in range(400)]


def work() -> object:
    signed = [identity.sign.sign(b"text") for identity in IDENTITIES[:50]]
    sealed = [identity.box.encrypt(bytes(12), b"text" * 50, None) for identity in IDENTITIES]
    names = [identity.certificate.subject.rfc4514_string() for identity in IDENTITIES]
    public = [
        identity.sign.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        for identity in IDENTITIES
    ]
    return digest(*signed, *sealed, names, *public)


truth = Truth("cryptography")
truth.instances(Identity)
truth.hand_over(work)
