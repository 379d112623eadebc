"""What only those inside see: the metrics of the processes, and the versions that they say they are."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import requests

from tests.smoke.check import Check, Clock, Failed, NotAsked, expect

GROUP = "inside"
_BUILD = re.compile(r"^payments_build_info\{(.*)\} 1", re.M)
_LABEL = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Inside:
    """`urls`: of metrics, as a Prometheus reads them. `version`: what has to run; nothing to take any."""

    urls: Sequence[str]
    version: str
    clock: Clock

    def checks(self) -> list[Check]:
        if not self.urls:
            return [Check(GROUP, "metrics", self._not_asked)]
        return [Check(GROUP, f"metrics of {url}", lambda url=url: self.metrics(url)) for url in self.urls]  # type: ignore[misc]

    def _not_asked(self) -> str:
        raise NotAsked("no URL of metrics was given")

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
