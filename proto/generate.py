"""Generates the client package's Python from the proto files, or checks that what is committed is what they give.

Usage: generate.py FOLDER to write into it, generate.py --check to compare with this one.
"""

import difflib
import importlib.resources
import os
import sys
import sysconfig
import tempfile
from pathlib import Path

import google.rpc
from grpc_tools import protoc

HERE = Path(__file__).parent
PROTOS = sorted(str(path.relative_to(HERE)) for path in HERE.glob("payments/**/*.proto"))
SERVICES = [f"payments/v1/{name}.proto" for name in ("coalescing", "listing", "payments")]  # the others have no service, so no stubs
INCLUDES = [HERE, Path(next(iter(google.rpc.__path__))).parents[1], Path(str(importlib.resources.files("grpc_tools") / "_proto"))]
DESCRIPTORS = "payments/v1/payments.binpb"


def generate(folder: Path) -> None:
    """Writes messages, stubs, their types, and the descriptors with the comments. Exits where protoc fails."""
    os.environ["PATH"] = f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}"  # where mypy-protobuf's plugins are
    _protoc(f"--python_out={folder}", f"--mypy_out=quiet:{folder}", *PROTOS)
    _protoc(f"--grpc_python_out={folder}", f"--mypy_grpc_out=quiet:{folder}", *SERVICES)
    _protoc(f"--descriptor_set_out={folder / DESCRIPTORS}", "--include_imports", "--include_source_info", *PROTOS)


def _protoc(*arguments: str) -> None:
    if protoc.main(["protoc", *(f"-I{path}" for path in INCLUDES), *arguments]) != 0:
        sys.exit("generate.py: protoc failed")


def check() -> int:
    """0 where the committed files are those that the proto files give."""
    with tempfile.TemporaryDirectory() as name:
        fresh = Path(name)
        (fresh / "payments/v1").mkdir(parents=True)
        generate(fresh)
        stale = [path for path in sorted(fresh.rglob("*")) if path.is_file() and not _same(path, HERE / path.relative_to(fresh))]
        for path in stale:
            print(f"{path.relative_to(fresh)} is not what the proto files give; run `make proto`", file=sys.stderr)
            if path.suffix != ".binpb":
                _show(path, HERE / path.relative_to(fresh))
    return 1 if stale else 0


def _same(fresh: Path, committed: Path) -> bool:
    return committed.exists() and committed.read_bytes() == fresh.read_bytes()


def _show(fresh: Path, committed: Path) -> None:
    old = committed.read_text().splitlines() if committed.exists() else []
    sys.stderr.writelines(f"  {line}\n" for line in list(difflib.unified_diff(old, fresh.read_text().splitlines(), lineterm=""))[:20])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if sys.argv[1] == "--check":
        sys.exit(check())
    generate(Path(sys.argv[1]).resolve())
