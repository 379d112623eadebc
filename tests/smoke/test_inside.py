"""Which images pods run, by what a cluster says of them."""

from tests.smoke.inside import other_images

DIGEST = "sha256:" + "a" * 64


def pod(name: str, *images: str, going: bool = False) -> dict[str, object]:
    """As the API of Kubernetes has it, as far as it is read."""
    metadata = {"name": name} | ({"deletionTimestamp": "2026-11-24T12:00:00Z"} if going else {})
    return {"metadata": metadata, "status": {"containerStatuses": [{"imageID": image} for image in images]} if images else {}}


def test_pods_with_the_digest_are_what_was_deployed() -> None:
    assert other_images([pod("a", f"registry/payments-server@{DIGEST}"), pod("b", f"docker.io/x@{DIGEST}")], DIGEST) == []


def test_pods_of_another_image_or_of_none_yet_are_named_and_those_that_go_are_not() -> None:
    pods = [pod("old", "r/x@sha256:bb"), pod("going", "r/x@sha256:bb", going=True), pod("new", ""), pod("pending")]
    assert other_images(pods, DIGEST) == ["old runs r/x@sha256:bb", "new runs nothing yet", "pending runs nothing yet"]
