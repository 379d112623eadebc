"""A build of Travis: what started it, and what its jobs are told of that."""

from collections.abc import Mapping
from dataclasses import dataclass

NUMBER = "17"


@dataclass(frozen=True)
class Build:
    type: str
    """push or pull_request."""
    branch: str
    """The branch pushed; the one that a pull request goes into; the tag's name for a tag."""
    commit: str
    tag: str = ""
    fork: bool = False
    """Whether a pull request comes from another repository."""
    head_branch: str = ""

    @property
    def gets_secrets(self) -> bool:
        """Travis gives none to pull requests of forks (https://docs.travis-ci.com/user/pull-requests)."""
        return not (self.type == "pull_request" and self.fork)

    def for_conditions(self) -> dict[str, str]:
        return {
            "type": self.type,
            "branch": self.branch,
            "tag": self.tag,
            "fork": str(self.fork).lower(),
            "head_branch": self.head_branch,
            "os": "linux",
        }

    def environment(self) -> Mapping[str, str]:
        """https://docs.travis-ci.com/user/environment-variables#default-environment-variables"""
        return {
            "CI": "true",
            "CONTINUOUS_INTEGRATION": "true",
            "TRAVIS": "true",
            "TRAVIS_BRANCH": self.branch,
            "TRAVIS_BUILD_NUMBER": NUMBER,
            "TRAVIS_COMMIT": self.commit,
            "TRAVIS_EVENT_TYPE": self.type,
            "TRAVIS_PULL_REQUEST": "1" if self.type == "pull_request" else "false",
            "TRAVIS_PULL_REQUEST_BRANCH": self.head_branch,
            "TRAVIS_SECURE_ENV_VARS": str(self.gets_secrets).lower(),
            "TRAVIS_TAG": self.tag,
        }


def push(commit: str, branch: str = "main") -> Build:
    return Build("push", branch, commit)


def tagged(commit: str, tag: str) -> Build:
    return Build("push", tag, commit, tag=tag)


def pull_request(commit: str, *, fork: bool) -> Build:
    return Build("pull_request", "main", commit, fork=fork, head_branch="change")
