"""What is scanned of the files: those that Git knows, as they are now, and the manifests that Kustomize makes of them."""

import shutil
import subprocess

from scanning.program import ROOT, TREE, ScannerFailed

KUSTOMIZATIONS = (
    *("overlays/local", "overlays/staging", "overlays/production"),
    *("platform/local", "platform/staging", "platform/production", "platform/kube-bench"),
)
MANIFESTS = TREE / "manifests"


def lay_out() -> None:
    """Copies them to build/scan/tree. What is in no commit, such as a Terraform state, is no part of the repository."""
    shutil.rmtree(TREE, ignore_errors=True)
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (TREE / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, TREE / name)
    MANIFESTS.mkdir()
    for folder in KUSTOMIZATIONS:
        built = subprocess.run(["kubectl", "kustomize", f"kustomize/{folder}"], cwd=TREE, capture_output=True, text=True)
        if built.returncode != 0:
            raise ScannerFailed(f"kubectl kustomize {folder}: {built.stderr.strip()}")
        (MANIFESTS / f"{folder.replace('/', '-')}.yaml").write_text(built.stdout)


def origin(name: str) -> str:
    """The folder that a built manifest comes from, or the file itself: manifests/overlays-local.yaml is of kustomize/overlays/local."""
    if name.startswith("manifests/"):
        return f"kustomize/{name.removeprefix('manifests/').removesuffix('.yaml').replace('-', '/', 1)}"
    return name
