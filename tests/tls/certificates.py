"""Certificates for tests, made when they are asked for: issuers, servers, clients, good and bad."""

from __future__ import annotations

import datetime
import functools
import ipaddress
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Made:
    """A certificate and its key, in files and as they are."""

    certificate: Path
    key: Path
    parsed: x509.Certificate
    private: ec.EllipticCurvePrivateKey


@functools.cache
def directory() -> Path:
    return Path(tempfile.mkdtemp(prefix="likewise-tls-"))


@functools.cache
def _make(
    file: str, name: str, issuer: Made | None, days: tuple[int, int], hosts: tuple[str, ...], is_issuer: bool
) -> Made:
    private = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer = issuer.private if issuer else private
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.parsed.subject if issuer else subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + days[0] * DAY)
        .not_valid_after(now + days[1] * DAY)
        .add_extension(x509.BasicConstraints(ca=is_issuer, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if is_issuer:
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        builder = builder.add_extension(usage, critical=True)
    else:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        names = [_general(host) for host in hosts]
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    parsed = builder.sign(signer, hashes.SHA256())
    made = Made(directory() / f"{file}.pem", directory() / f"{file}.key", parsed, private)
    made.certificate.write_bytes(parsed.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    made.key.write_bytes(
        private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    return made


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def issuer(name: str = "Test issuer") -> Made:
    """One who signs certificates."""
    return _make(name.replace(" ", "-"), name, None, (-1, 30), (), True)


def server(
    file: str = "server", hosts: tuple[str, ...] = ("localhost", "127.0.0.1"), days: tuple[int, int] = (-1, 30)
) -> Made:
    """A server's certificate by the test issuer; ``days`` from now are its first and last."""
    return _make(file, hosts[0], issuer(), days, hosts, False)


def client(name: str = "alice", by: str = "Test issuer", days: tuple[int, int] = (-1, 30)) -> Made:
    """A client's certificate, with its user in the common name."""
    return _make(f"client-{name}-{by.replace(' ', '-')}-{days[1]}", name, issuer(by), days, (), False)
