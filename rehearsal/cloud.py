"""What stands for AWS: moto for its APIs, a registry for what ECR stores, and the current kubectl context for EKS."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import requests

ACCOUNT, REGION = "123456789012", "us-east-1"
IMAGES = ("payments-server", "payments-gateway")
CREDENTIALS = {"aws_access_key_id": "rehearsal", "aws_secret_access_key": "rehearsal"}
MANIFESTS = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
# Of the machine's own environment no job sees what could be a secret, or speaks to the real AWS.
WITHHELD = re.compile(r"^(AWS|CI|TRAVIS|PAYMENTS|GITHUB)_|SECRET|TOKEN|PASSWORD|_KEY$", re.IGNORECASE)

# `aws eks update-kubeconfig` gives the context that the rehearsal was started with, as a member of the pipeline's group.
AWS = """#!/usr/bin/env bash
set -euo pipefail
if [ "$1 $2" = "eks update-kubeconfig" ]; then
  while [ $# -gt 0 ]; do
    case $1 in --name) name=$2 ;; --kubeconfig) file=$2 ;; esac
    shift
  done
  %(aws)s eks describe-cluster --name "$name" --region %(region)s --query cluster.name --output text
  cp %(kubeconfig)s "$file"
  exit
fi
exec %(aws)s "$@"
"""


@dataclass(frozen=True)
class Cloud:
    """An emptied AWS. `registry` is a registry's address, or nothing; it is not emptied."""

    url: str
    registry: str
    folder: Path

    def environment(self) -> dict[str, str]:
        """Of the machine that jobs run on."""
        given = {name: value for name, value in os.environ.items() if not WITHHELD.search(name)}
        return {
            **given,
            "PATH": f"{self.folder / 'programs'}{os.pathsep}{os.environ['PATH']}",
            "AWS_ENDPOINT_URL": self.url,
            "REGISTRY": self.registry,
            "DOCKER_CONFIG": str(self.folder / "docker"),
            "OVERLAY": "local",
            **{name: f"127.0.0.1,localhost,{self.registry.split(':')[0]},{os.environ.get(name, '')}" for name in ("NO_PROXY", "no_proxy")},
        }

    def client(self, service: str) -> "boto3.client":
        return boto3.client(service, region_name=REGION, endpoint_url=self.url, **CREDENTIALS)

    def mirror(self) -> None:
        """Tells ECR of what was pushed to the registry. A tag is written once, as in the account: a second time is an error."""
        if not self.registry:
            return
        ecr = self.client("ecr")
        for name in IMAGES:
            known = {
                each["imageTag"]: each["imageDigest"] for each in ecr.list_images(repositoryName=name)["imageIds"] if "imageTag" in each
            }
            for tag, (digest, manifest, kind) in self.pushed(name).items():
                if tag not in known:
                    ecr.put_image(
                        repositoryName=name, imageManifest=manifest, imageManifestMediaType=kind, imageTag=tag, imageDigest=digest
                    )
                elif known[tag] != digest:
                    raise AssertionError(f"{name}:{tag} was pushed twice, as {known[tag]} and {digest}: ECR would have refused that")

    def pushed(self, name: str) -> dict[str, tuple[str, str, str]]:
        """By tag: digest, manifest, media type."""
        found = {}
        for tag in self._get(f"{name}/tags/list").json().get("tags") or []:
            answer = self._get(f"{name}/manifests/{tag}")
            if answer.ok:
                found[tag] = (answer.headers["Docker-Content-Digest"], answer.text, answer.headers["Content-Type"])
        return found

    def _get(self, path: str) -> requests.Response:
        proxies = {"http": "", "https": ""}
        return requests.get(f"http://{self.registry}/v2/{path}", headers={"Accept": MANIFESTS}, timeout=20, proxies=proxies)

    def digest(self, name: str, commit: str) -> str:
        """What ECR has of a commit. The empty string where there is nothing."""
        tagged = [each for each in self.client("ecr").list_images(repositoryName=name)["imageIds"] if each.get("imageTag") == commit[:12]]
        return tagged[0]["imageDigest"] if tagged else ""


@contextlib.contextmanager
def cloud(folder: Path) -> Iterator[Cloud]:
    """With the registry at REHEARSAL_REGISTRY, where that is set."""
    with _moto(folder / "moto.log") as url:
        made = Cloud(url, os.environ.get("REHEARSAL_REGISTRY", ""), folder)
        ecr, kms, eks = (made.client(service) for service in ("ecr", "kms", "eks"))
        for name in IMAGES:
            ecr.create_repository(repositoryName=name, imageTagMutability="IMMUTABLE")
        key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName="alias/payments-signing", TargetKeyId=key)
        for environment in ("staging", "production"):
            network = {"subnetIds": ["subnet-1"]}
            eks.create_cluster(name=f"payments-{environment}", roleArn=f"arn:aws:iam::{ACCOUNT}:role/cluster", resourcesVpcConfig=network)
        _stand_in_for_aws(folder)
        yield made


def _stand_in_for_aws(folder: Path) -> None:
    programs, kubeconfig = folder / "programs", folder / "kubeconfig"
    programs.mkdir(parents=True, exist_ok=True)
    shown = subprocess.run(
        ["kubectl", "config", "view", "--raw", "--minify", "--flatten", "--output", "json"], capture_output=True, text=True
    )
    config = json.loads(shown.stdout) if shown.returncode == 0 else {}
    for user in config.get("users", []):
        user["user"] |= {"as": "payments-ci", "as-groups": ["payments-deployers"]}
    kubeconfig.write_text(json.dumps(config))
    kubeconfig.chmod(0o600)
    (programs / "aws").write_text(AWS % {"aws": shutil.which("aws"), "region": REGION, "kubeconfig": kubeconfig})
    (programs / "aws").chmod(0o755)


@contextlib.contextmanager
def _moto(log: Path) -> Iterator[str]:
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        process = subprocess.Popen([sys.executable, "-m", "rehearsal.emulator", str(port)], stdout=output, stderr=subprocess.STDOUT)
        try:
            deadline = time.monotonic() + 60
            while process.poll() is None and time.monotonic() < deadline:
                with contextlib.suppress(requests.ConnectionError):
                    requests.get(f"http://127.0.0.1:{port}/moto-api/data.json", timeout=2, proxies={"http": "", "https": ""})
                    break
                time.sleep(0.2)
            else:
                raise RuntimeError(f"moto does not answer: {log}")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)
