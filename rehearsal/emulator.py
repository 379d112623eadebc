"""moto, which stands for AWS, on the port that is given; its KMS signs a digest as a digest, as AWS does and moto 5.2 does not."""

import sys

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from moto.kms.utils import ECDSAPrivateKey
from moto.server import main


def sign(key: ECDSAPrivateKey, message: bytes, signing_algorithm: str) -> bytes:
    """Of MessageType DIGEST, the only one that cosign asks for; moto takes it for RAW and hashes it once more."""
    signature: bytes = key.private_key.sign(message, ec.ECDSA(Prehashed(SHA256())))
    return signature


if __name__ == "__main__":
    ECDSAPrivateKey.sign = sign
    main(["-H", "127.0.0.1", "-p", sys.argv[1]])
