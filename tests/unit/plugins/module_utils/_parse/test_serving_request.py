# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Requests for certificates: one that a real kubelet made, and whatever else a node could ask for."""

from __future__ import annotations

import base64
import ipaddress

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import serving_request
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

# of the kubelet of Kubernetes 1.37.2 in the lab
REAL = """-----BEGIN CERTIFICATE REQUEST-----
MIIBGTCBwAIBADA0MRUwEwYDVQQKEwxzeXN0ZW06bm9kZXMxGzAZBgNVBAMTEnN5
c3RlbTpub2RlOms4cy13MTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABPfO/aHe
5/J5LesBHJLBUq2tHuBPbScuJAs974JQuDzW0ZclhVekl7RTVD+EbPZeVHYLEev/
PKIrd2G4F4PgxyWgKjAoBgkqhkiG9w0BCQ4xGzAZMBcGA1UdEQQQMA6CBms4cy13
MYcECksADDAKBggqhkjOPQQDAgNIADBFAiAskuez0MuUGVrj35EQI8BZAYpW73Gj
+oAYUmQr6hMWnQIhAJ+NOzX71GImF+KDOldCex1KYDwjHgT3xCNIGILsP550
-----END CERTIFICATE REQUEST-----
"""
NODES = {"k8s-w1": ["10.75.0.12"], "k8s-cp1": ["10.75.0.11"], "six": ["fd00::1"]}
OWN = [x509.DNSName("k8s-w1"), x509.IPAddress(ipaddress.ip_address("10.75.0.12"))]


def made(names=None, subject=(("O", "system:nodes"), ("CN", "system:node:k8s-w1")), extension=None, attribute=None):
    kinds = {"O": x509.NameOID.ORGANIZATION_NAME, "CN": x509.NameOID.COMMON_NAME, "L": x509.NameOID.LOCALITY_NAME}
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([x509.NameAttribute(kinds[kind], value) for kind, value in subject]))
    if names != []:
        builder = builder.add_extension(x509.SubjectAlternativeName(OWN if names is None else names), critical=False)
    if extension:
        builder = builder.add_extension(extension, critical=True)
    if attribute:
        builder = builder.add_attribute(x509.oid.AttributeOID.CHALLENGE_PASSWORD, attribute)
    return builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def asked(pem=REAL, name="k8s-w1", **more):
    spec = {"signerName": serving_request.SIGNER, "username": f"system:node:{name}", "groups": ["system:nodes", "system:authenticated"],
            "usages": ["digital signature", "server auth"], "request": base64.b64encode(pem.encode()).decode()}  # fmt: skip
    return {"metadata": {"name": "csr-1"}, "spec": {**spec, **more}, "status": {}}


def against(*words, nodes=None, **more):
    return serving_request.objections(asked(*words, **more), NODES if nodes is None else nodes)


def test_what_a_kubelet_asks_for_itself_is_its_own():
    subject = [("CN", "system:node:k8s-w1"), ("O", "system:nodes")]
    assert serving_request.read(REAL) == {"subject": subject, "names": [("name", "k8s-w1"), ("address", "10.75.0.12")]}
    assert against() == [] and against(made()) == [] and against(usages=["key encipherment", "digital signature", "server auth"]) == []
    six = made([x509.DNSName("six"), x509.IPAddress(ipaddress.ip_address("fd00::1"))], (("O", "system:nodes"), ("CN", "system:node:six")))
    assert against(six, name="six") == []


@pytest.mark.parametrize(
    "name",
    [x509.DNSName("k8s-cp1"), x509.DNSName("k8s-w1\nx"), x509.DNSName("k8s-w1, DNS:k8s-cp1"), x509.DNSName("*"),
     x509.IPAddress(ipaddress.ip_address("10.75.0.11")), x509.RFC822Name("root@k8s-w1"), x509.UniformResourceIdentifier("https://k8s-w1")],
    ids=str,
)  # fmt: skip
def test_a_name_of_somebody_else_is_not(name):
    assert any("is not its own" in one for one in against(made([*OWN, name])))


# what openssl shows of it goes on in another line
def test_a_line_break_hides_nothing():
    assert len(against(made([x509.DNSName("k8s-w1\nx"), x509.DNSName("k8s-cp1"), *OWN]))) == 2


@pytest.mark.parametrize(
    ("more", "why"),
    [({"name": "k8s-cp1"}, "its subject"), ({"name": "stranger"}, "no node"), ({"username": "admin"}, "no node"), ({"username": "k8s-w1"}, "no node"),
     ({"groups": ["system:authenticated"]}, "no group"), ({"groups": None}, "no group"), ({"usages": ["client auth"]}, "not for serving"),
     ({"usages": ["server auth", "client auth"]}, "not for serving"), ({"usages": []}, "not for serving"), ({"request": "%%%"}, ""),
     ({"request": base64.b64encode(b"x").decode()}, "no request"), ({"nodes": {}}, "no node"), ({"nodes": {"k8s-w1": []}}, "address '10.75.0.12'")],
    ids=str,
)  # fmt: skip
def test_who_asks_and_for_what_counts(more, why):
    found = against(**more)
    assert found and any(why in one for one in found)


@pytest.mark.parametrize(
    "pem",
    [made([]), made(subject=(("O", "system:masters"), ("CN", "system:node:k8s-w1"))), made(subject=(("CN", "system:node:k8s-w1"),)),
     made(subject=(("O", "system:nodes"), ("O", "system:masters"), ("CN", "system:node:k8s-w1"))),
     made(subject=(("O", "system:nodes"), ("L", "x"), ("CN", "system:node:k8s-w1"))), made(extension=x509.BasicConstraints(ca=True, path_length=None)),
     made(attribute=b"secret"), REAL.replace("MIIB", "MIIC"), REAL.replace("MIIBGT", "MIIBGA"), REAL[:200] + REAL[-60:], "", REAL + REAL],
    ids=range(12),
)  # fmt: skip
def test_a_request_that_no_kubelet_makes_is_refused(pem):
    assert against(pem)


def test_what_no_kubelet_asks_for_is_named():
    assert against(made(extension=x509.BasicConstraints(ca=True, path_length=None))) == ["it has an extension that a kubelet does not ask for"]
    assert against(made(attribute=b"secret")) == ["it has an attribute that a kubelet does not ask for"]


def test_what_somebody_decided_about_waits_no_more():
    decided = {**asked(), "status": {"conditions": [{"type": "Denied"}]}}
    other = asked(signerName="kubernetes.io/kube-apiserver-client-kubelet")
    assert [serving_request.waits(one) for one in (asked(), {**asked(), "status": None}, decided, other)] == [True, True, False, False]
