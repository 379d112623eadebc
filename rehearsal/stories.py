"""What is rehearsed. A story is a build or several, and what has to be true of them afterwards; AssertionError says what is not."""

import contextlib
import json
import os
import subprocess
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import requests

from rehearsal.build import Build, pull_request, push, tagged
from rehearsal.cloud import ACCOUNT, IMAGES, REGION, Cloud
from rehearsal.job import Machine, folder_name
from rehearsal.pipeline import read
from rehearsal.run import Ran, report, run
from rehearsal.settings import Settings, Variable

VERSION = "v1.0.0"
# As docs/ci.md has them: of the key, its secret half alone is a line of .travis.yml.
SETTINGS = Settings(
    {
        "AWS_ACCESS_KEY_ID": Variable("rehearsal"),
        "AWS_ACCOUNT_ID": Variable(ACCOUNT),
        "AWS_REGION": Variable(REGION),
        "CI_EXTERNAL_ID": Variable("an-external-id-of-the-rehearsal"),
    },
    {"AWS_SECRET_ACCESS_KEY": "rehearsal-secret"},
)
QUICK = {"style, types and contract", "code, history, packages and manifests"}
PUSH = {"payments-server", "payments-gateway"}


@dataclass(frozen=True)
class Rehearsal:
    """A repository to break things in, a clone of this one, and what jobs of its builds run on."""

    cloud: Cloud
    repository: Path
    folder: Path

    def run(self, title: str, build: Build, only: Collection[str] | None) -> Ran:
        machine = Machine(self.repository, self.cloud.environment(), self.folder / folder_name(title))
        print(f"\n{title}: {build.type} of {build.tag or build.branch}, {build.commit[:12]}", flush=True)
        ran = run(
            read(self.repository / ".travis.yml"),
            build,
            SETTINGS,
            machine,
            only=only,
            after_job=self.cloud.mirror,
            say=lambda line: print(line, flush=True),
        )
        report(title, ran, self.folder / f"{folder_name(title)}.md")
        return ran

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=rehearsal", "-c", "user.email=rehearsal@example.invalid", "-c", "commit.gpgsign=false")
        return subprocess.run(
            ["git", *identity, *arguments], cwd=self.repository, check=True, capture_output=True, text=True
        ).stdout.strip()

    def commit(self, file: str, change: Callable[[str], str]) -> str:
        path = self.repository / file
        path.write_text(change(path.read_text()))
        self.git("commit", "--all", "--message", f"Break {file}")
        return self.git("rev-parse", "HEAD")

    @property
    def head(self) -> str:
        return self.git("rev-parse", "HEAD")


def fork(on: Rehearsal) -> None:
    """A fork's pull request is checked, has no secret, and pushes nothing."""
    before = on.cloud.client("ecr").list_images(repositoryName=IMAGES[0])["imageIds"]
    build = pull_request(on.head, fork=True)
    ran = on.run("a fork's pull request", build, QUICK)
    assert ran.passed, "its checks failed"
    assert not any(SETTINGS.secrets(outcome.job, build) for outcome in ran.outcomes), "a job has a secret"
    assert not PUSH & {outcome.job.name for outcome in ran.outcomes}, "a job pushes"
    assert on.cloud.client("ecr").list_images(repositoryName=IMAGES[0])["imageIds"] == before


def broken(on: Rehearsal) -> None:
    """A script that fails stops the pipeline in its stage: nothing is deployed."""
    bad = on.commit("ci/images", lambda text: text.replace("set -euo pipefail\n", "set -euo pipefail\nls /nowhere\n", 1))
    ran = on.run("a broken script", push(bad), PUSH | {"deploy to staging"})
    state = ran.state("payments-server")
    assert state == "failed", f"the job that builds an image {state}: its log says why"
    assert ran.canceled == ["staging"], "the pipeline went on"
    assert not on.cloud.digest("payments-server", bad), "something was pushed"


def images(on: Rehearsal) -> None:
    """A good commit on main is built, scanned and pushed, and both images and their SBOMs are signed."""
    ran = on.run("images", push(on.head), PUSH)
    assert ran.passed, "a job failed"
    for name in IMAGES:
        beside = on.cloud.digest(name, on.head).replace(":", "-")
        assert {f"{beside}.sig", f"{beside}.att"} <= set(on.cloud.pushed(name)), f"{name} has no signature, or no SBOM"


def again(on: Rehearsal) -> None:
    """A build that is started again ends with the digests that the registry has, builds nothing and signs nothing."""
    before = {name: on.cloud.pushed(name) for name in IMAGES}
    ran = on.run("images again", push(on.head), PUSH)
    assert ran.passed, "a job failed"
    assert all(f"ECR has {name}" in ran.log(name) for name in IMAGES), "an image was built again"
    assert {name: on.cloud.pushed(name) for name in IMAGES} == before


def main(on: Rehearsal) -> None:
    """After the images, staging runs their digests."""
    ran = on.run("main", push(on.head), PUSH | {"deploy to staging"})
    assert ran.passed, "a job failed"
    assert serving() == {name: on.cloud.digest(name, on.head) for name in IMAGES}, "staging runs other digests"


def release(on: Rehearsal) -> None:
    """A version's tag brings the digests that main built to production, and builds none."""
    on.git("tag", "--force", VERSION)
    before = {name: on.cloud.digest(name, on.head) for name in IMAGES}
    ran = on.run("a version", tagged(on.head, VERSION), {"deploy to production", "publish payments-proto"})
    assert ran.passed, "a job failed"
    assert serving() == before, "production runs other digests"
    assert VERSION in kubectl("get", "deployment", "payments-server", "--output", "jsonpath={.metadata.annotations}")


def locked(on: Rehearsal) -> None:
    """A deployment that starts during another waits, and gives up in the end; a lock that was left behind is taken over."""
    lock = on.repository / "ci" / "lock"
    subprocess.run([lock, "take", "another deployment"], check=True)
    ran = on.run("a second deployment", tagged(on.head, VERSION), {"deploy to production"})
    assert ran.state("deploy to production") == "failed" and "another deployment deploys" in ran.log("deploy to production")
    kubectl("patch", "configmap", "deployment", "--type", "merge", "--patch", '{"data": {"until": "1"}}')
    ran = on.run("after a lock that was left", tagged(on.head, VERSION), {"deploy to production"})
    assert ran.passed and "it is taken over" in ran.log("deploy to production")


def unready(on: Rehearsal) -> None:
    """An image that never gets ready is taken back: the build fails, and the old digests serve, all the time, without a failed request."""
    good = serving()
    sleeps = 'ENTRYPOINT ["python", "-c", "import time; time.sleep(3600)"]'
    bad = on.commit("Dockerfile", lambda text: text.replace('ENTRYPOINT ["payments-gateway"]', sleeps))
    with requests_all_the_time() as failures:
        ran = on.run("an image that is never ready", push(bad), PUSH | {"deploy to staging"})
    assert ran.state("payments-gateway") == "passed", "the image was not even pushed"
    assert ran.state("deploy to staging") == "failed" and "serves what it served before" in ran.log("deploy to staging")
    assert serving() == good, "something new serves"
    assert not failures, failures[:5]


ANYWHERE = (fork, broken)
WITH_REGISTRY = (images, again)
WITH_CLUSTER = (main, release, locked, unready)


def kubectl(*arguments: str) -> str:
    return subprocess.run(["kubectl", "--namespace", "payments", *arguments], check=True, capture_output=True, text=True).stdout


def serving() -> dict[str, str]:
    """The digests of both Deployments, by image."""
    found = {}
    for name in IMAGES:
        deployment = json.loads(kubectl("get", "deployment", name, "--output", "json"))
        found[name] = deployment["spec"]["template"]["spec"]["containers"][0]["image"].partition("@")[2]
    return found


@contextlib.contextmanager
def requests_all_the_time() -> Iterator[list[str]]:
    """Requests through the ingress, each on a connection of its own, until the context ends; what failed."""
    url, ca = os.environ["SERVICE_URL"], os.environ["SERVICE_CA"]
    failures: list[str] = []
    ended = threading.Event()

    def ask() -> None:
        while not ended.wait(0.1):
            try:
                answer = requests.get(f"{url}/list", params={"page_size": "1"}, timeout=10, verify=ca, headers={"Connection": "close"})
                if answer.status_code != 200:
                    failures.append(f"{answer.status_code} {answer.text[:100]}")
            except requests.RequestException as error:
                failures.append(repr(error))

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield failures
    finally:
        ended.set()
        asking.join()
