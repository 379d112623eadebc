"""Every overlay, and every sensible combination of components, built once by kustomize."""

from pathlib import Path

import pytest

from tests.manifests.build import COMBINATIONS, OVERLAYS, PLATFORM, Manifest, build, build_combination


@pytest.fixture(scope="module", autouse=True)
def empty_tables() -> None:
    """Nothing here talks to the service, so none is started."""


@pytest.fixture(scope="session", params=OVERLAYS, ids=lambda path: path.name)
def overlay(request: pytest.FixtureRequest) -> tuple[str, list[Manifest]]:
    """The name and what is in it."""
    return request.param.name, build(request.param)


@pytest.fixture(scope="session", params=PLATFORM, ids=lambda path: path.name)
def platform(request: pytest.FixtureRequest) -> list[Manifest]:
    return build(request.param)


@pytest.fixture(scope="session", params=COMBINATIONS, ids="+".join)
def combination(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Manifest]:
    """The base with these components."""
    folder: Path = tmp_path_factory.mktemp("combination")
    return build_combination(request.param, folder)
