"""What only those inside see: the metrics of the processes, and the versions that they say they are."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import requests

from tests.e2e.kubectl import Resource, get
from tests.smoke.check import Check, Clock, Failed, NotAsked, expect

GROUP = "inside"
_BUILD = re.compile(r"^payments_build_info\{(.*)\} 1", re.M)
_LABEL = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Inside:
    """`urls`: of metrics, as a Prometheus reads them. `version`: what has to run; nothing to take any. `images`: what the pods of kubectl's
    current context have to run, as ci/digests prints it: NAME=REPOSITORY@DIGEST."""

    urls: Sequence[str]
    version: str
    images: Sequence[str]
    clock: Clock

    def checks(self) -> list[Check]:
        found = [Check(GROUP, f"metrics of {url}", lambda url=url: self.metrics(url)) for url in self.urls]  # type: ignore[misc]
        return [*(found or [Check(GROUP, "metrics", self._not_asked)]), Check(GROUP, "images", self.deployed)]

    def _not_asked(self) -> str:
        raise NotAsked("no URL of metrics was given")

    def deployed(self) -> str:
        if not self.images:
            raise NotAsked("no images were given")
        told = []
        for image in self.images:
            name, _, reference = image.partition("=")
            digest = reference.rpartition("@")[2]
            pods = get("pods", "--selector", f"app.kubernetes.io/name={name}")
            expect(bool(pods), f"there are no pods of {name}")
            others = other_images(pods, digest)
            expect(not others, f"{name} is to be {digest}, and {'; '.join(others)}")
            told.append(f"{len(pods)} pods of {name}")
        return f"{', '.join(told)} run what was deployed"

    def metrics(self, url: str) -> str:
        try:
            answer = requests.get(url, timeout=self.clock.patience(), proxies={"http": "", "https": ""})
        except requests.RequestException as error:
            raise Failed(f"{url} got no answer ({type(error).__name__})") from error
        expect(answer.status_code == 200, f"{url} answers {answer.status_code}")
        found = _BUILD.search(answer.text)
        expect(found is not None, f"{url} has no payments_build_info")
        labels = dict(_LABEL.findall(found[1])) if found else {}
        expect(
            self.version in ("", labels.get("version")), f"{labels.get('component')} is version {labels.get('version')}, not {self.version}"
        )
        return f"{labels.get('component')}, version {labels.get('version')}"


def other_images(pods: Iterable[Resource], digest: str) -> list[str]:
    """Pods, save those that are going, with a container of an image that has another digest."""
    return [
        f"{pod['metadata']['name']} runs {container['imageID'] or 'nothing yet'}"
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"]
        for container in pod["status"].get("containerStatuses", [{"imageID": ""}])
        if not container["imageID"].endswith(f"@{digest}")
    ]
