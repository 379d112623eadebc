"""The estimate in docs/iac.md is that of the prices and sizes in the code."""

from terraform import costs


def test_the_page_has_the_estimate_of_now() -> None:
    text = costs.PAGE.read_text()
    assert costs.page(text) == text, "make infra-costs writes it anew"


def test_production_has_a_standby_and_a_gateway_in_each_zone() -> None:
    assert costs.sizes("production") == {
        "zones": 3,
        "gateways": 3,
        "endpoints": 4,
        "nodes": 3,
        "node": "m7i.large",
        "database": "db.m7g.large",
        "storage": 100,
        "instances": 2,
    }
