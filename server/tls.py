"""TLS of the gRPC port: who the server is, and which clients it lets in."""

import grpc

from process.certificates import Certificates, CertificateWatch
from process.metrics import note_certificate


def server_credentials(watch: CertificateWatch) -> grpc.ServerCredentials:
    """TLS 1.2 or newer by the files of `watch`, looked at again before every handshake; with a CA clients need a certificate of it.

    Connections that are open keep what they began with: MAX_CONNECTION_AGE ends them within half an hour.
    """

    def renewed() -> grpc.ServerCertificateConfiguration | None:
        certificates = watch.renewed()
        return _configuration(certificates) if certificates else None

    return grpc.dynamic_ssl_server_credentials(
        _configuration(watch.current),
        renewed,  # type: ignore[arg-type]  # the stubs lack None, which gRPC documents: nothing has changed
        require_client_authentication=watch.current.ca is not None,
    )


def _configuration(certificates: Certificates) -> grpc.ServerCertificateConfiguration:
    assert certificates.key and certificates.certificate
    note_certificate("server", certificates)
    return grpc.ssl_server_certificate_configuration([(certificates.key, certificates.certificate)], certificates.ca)
