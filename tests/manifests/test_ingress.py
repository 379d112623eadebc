"""The public's door: which paths, which host, and limits that agree with the gateway's."""

import re

import click

from gateway.cli import main
from gateway.serve import KEEP_ALIVE
from tests.manifests.build import Manifest, of_kind

Overlay = tuple[str, list[Manifest]]
HOSTS = {"local": "sre-test.nuveo.ai", "staging": "staging.sre-test.nuveo.ai", "production": "sre-test.nuveo.ai"}
DEFAULTS = {option.name: option.default for option in main.commands["serve"].params if isinstance(option, click.Option)}


def _ingress(manifests: list[Manifest]) -> Manifest:
    (ingress,) = of_kind(manifests, "Ingress")
    return ingress


def _annotation(manifests: list[Manifest], name: str) -> str:
    text: str = _ingress(manifests)["metadata"]["annotations"][f"nginx.org/{name}"]
    return text


def test_one_host_by_tls_and_of_class_nginx(overlay: Overlay) -> None:
    spec = _ingress(overlay[1])["spec"]
    assert spec["ingressClassName"] == "nginx"
    assert [rule["host"] for rule in spec["rules"]] == [HOSTS[overlay[0]]]
    assert spec["tls"] == [{"hosts": [HOSTS[overlay[0]]], "secretName": "payments-tls"}]


def test_only_the_api_is_public(overlay: Overlay) -> None:
    (rule,) = _ingress(overlay[1])["spec"]["rules"]
    paths = {path["path"]: path["pathType"] for path in rule["http"]["paths"]}
    exact = dict.fromkeys(("/", "/create", "/create:batch", "/list", "/status"), "Exact")
    assert paths == exact | dict.fromkeys(("/get", "/update", "/delete"), "Prefix")
    assert {path["backend"]["service"]["name"] for path in rule["http"]["paths"]} == {"payments-gateway"}


def test_no_request_is_redirected_and_tls_is_remembered(overlay: Overlay) -> None:
    assert _annotation(overlay[1], "ssl-redirect") == "false"
    assert _annotation(overlay[1], "hsts") == "true" and int(_annotation(overlay[1], "hsts-max-age")) >= 31_536_000


def test_a_clients_rate_is_limited_with_429(overlay: Overlay) -> None:
    assert _annotation(overlay[1], "limit-req-key") == "${binary_remote_addr}"
    assert _annotation(overlay[1], "limit-req-reject-code") == "429"
    assert re.fullmatch(r"\d+r/s", _annotation(overlay[1], "limit-req-rate"))


def test_nginx_waits_longer_and_takes_more_than_the_gateway(overlay: Overlay) -> None:
    def seconds(name: str) -> float:
        return float(_annotation(overlay[1], name).removesuffix("s"))

    assert seconds("proxy-read-timeout") > DEFAULTS["request_timeout"]
    assert seconds("proxy-send-timeout") > DEFAULTS["receive_timeout"]
    assert int(_annotation(overlay[1], "client-max-body-size").removesuffix("m")) << 20 > DEFAULTS["max_body"]
    assert KEEP_ALIVE > 60  # nginx's keepalive_timeout in an upstream
