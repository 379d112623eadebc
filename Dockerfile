# The images of the server and of the gateway: docker build --target server|gateway. `make images` builds both, reproducibly.
# The digest makes the same commit give the same image; a bot raises tag and digest together.
ARG BASE=python:3.13-slim-trixie@sha256:9d2e5553305c7c7b0097999bb17187c69b921ccd6bc9d40e4bb5ebe652c00285

# What installs and builds, and stays behind.
FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0
WORKDIR /build
COPY requirements/build.txt requirements/
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --quiet --require-hashes --no-deps --only-binary :all: -r requirements/build.txt \
    && python -m venv --without-pip /opt/venv

# Dependencies change less often than code, so they are made before it comes, and are a layer of their own.
FROM build AS server-dependencies
COPY requirements/server.txt requirements/
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/venv/bin/python install --quiet --require-hashes --no-deps --only-binary :all: --no-compile \
      -r requirements/server.txt \
    # botocore knows every service of AWS, 26 MiB of descriptions; a token for RDS takes these two.
    && find /opt/venv/lib/python3.*/site-packages/botocore/data -mindepth 1 -maxdepth 1 -type d ! -name rds ! -name sts -exec rm -r {} + \
    && python -m compileall -q --invalidation-mode unchecked-hash /opt/venv/lib

FROM build AS gateway-dependencies
COPY requirements/gateway.txt requirements/
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/venv/bin/python install --quiet --require-hashes --no-deps --only-binary :all: --no-compile \
      -r requirements/gateway.txt \
    && python -m compileall -q --invalidation-mode unchecked-hash /opt/venv/lib

# What both images have of our own: the contract, and the rooms that know neither server nor gateway.
FROM build AS code
COPY proto proto
COPY LICENSE README.md pyproject.toml ./
COPY process process
COPY batching batching

FROM code AS server-code
COPY server server
RUN pip wheel --quiet --no-cache-dir --no-deps --no-index --no-build-isolation --wheel-dir dist ./proto . \
    && pip --python /opt/venv/bin/python install --quiet --no-cache-dir --no-deps --no-index --no-compile --prefix /opt/code dist/*.whl \
    && rm /opt/code/bin/payments-gateway /opt/code/bin/payments-load \
    && python -m compileall -q --invalidation-mode unchecked-hash /opt/code/lib

FROM code AS gateway-code
COPY gateway gateway
RUN pip wheel --quiet --no-cache-dir --no-deps --no-index --no-build-isolation --wheel-dir dist ./proto . \
    && pip --python /opt/venv/bin/python install --quiet --no-cache-dir --no-deps --no-index --no-compile --prefix /opt/code dist/*.whl \
    && rm /opt/code/bin/payments-server /opt/code/bin/payments-load \
    && python -m compileall -q --invalidation-mode unchecked-hash /opt/code/lib

# What runs. Neither pip nor the copy of it that venv would install.
FROM ${BASE} AS runtime
RUN python -m pip uninstall --yes --quiet --root-user-action=ignore pip \
    && find /usr -xdev -depth \( -name ensurepip -o -name 'pip-*.whl' \) -exec rm -r {} +
# The file system is read-only to it, so no bytecode is written; that of /opt/venv is there, and is not checked against times.
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
ARG REVISION=unknown SOURCE=unknown VERSION=unknown
LABEL org.opencontainers.image.licenses=Apache-2.0 \
      org.opencontainers.image.revision=${REVISION} \
      org.opencontainers.image.source=${SOURCE} \
      org.opencontainers.image.version=${VERSION}
# Numeric: Kubernetes' runAsNonRoot cannot judge a name.
USER 65532:65532
STOPSIGNAL SIGTERM

FROM runtime AS server
LABEL org.opencontainers.image.title=payments-server
COPY --link --from=server-dependencies /opt/venv /opt/venv
COPY --link --from=server-code /opt/code /opt/venv
ENV PAYMENTS_SERVER_LISTEN=0.0.0.0:50051 PAYMENTS_SERVER_METRICS_LISTEN=0.0.0.0:9464 PAYMENTS_SERVER_SHUTDOWN_DELAY=5
EXPOSE 50051 9464
ENTRYPOINT ["payments-server"]
CMD ["serve"]

FROM runtime AS gateway
LABEL org.opencontainers.image.title=payments-gateway
COPY --link --from=gateway-dependencies /opt/venv /opt/venv
COPY --link --from=gateway-code /opt/code /opt/venv
ENV PAYMENTS_GATEWAY_LISTEN=0.0.0.0:8080 PAYMENTS_GATEWAY_METRICS_LISTEN=0.0.0.0:9465 PAYMENTS_GATEWAY_SHUTDOWN_DELAY=5
EXPOSE 8080 9465
ENTRYPOINT ["payments-gateway"]
CMD ["serve"]
