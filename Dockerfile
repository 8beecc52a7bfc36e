# The worker and the commands, without devkit. Two stages: the final image has no compiler, cache or source tree.
# It runs with a read-only root filesystem and as any user; /tmp and /var/lib/hushtag are the folders to write to.

# Kernels are compiled here, for any x86-64 processor with AVX2, and only read at the start. Both values must be equal in
# both stages. For another architecture build with, for example, --build-arg NUMBA_CPU_NAME=neoverse-n1.
ARG NUMBA_CPU_NAME=x86-64-v3

FROM python:3.11.14-slim-bookworm AS build
ARG NUMBA_CPU_NAME
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/hushtag
WORKDIR /build
COPY requirements.lock ./
RUN /opt/hushtag/bin/pip install --require-hashes --requirement requirements.lock
COPY client ./client
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY streams ./streams
COPY models ./models
COPY moderation ./moderation
COPY docs/verify_proof.py ./docs/verify_proof.py
COPY surfaces ./surfaces
COPY web ./web
RUN /opt/hushtag/bin/pip install --no-deps ./client .
# Empty features: those of the processor type, not of the machine that builds.
ENV NUMBA_CPU_NAME=$NUMBA_CPU_NAME NUMBA_CPU_FEATURES=
WORKDIR /
RUN /opt/hushtag/bin/hushtag warm-up

FROM python:3.11.14-slim-bookworm
ARG NUMBA_CPU_NAME
ENV PATH=/opt/hushtag/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    NUMBA_CPU_NAME=$NUMBA_CPU_NAME \
    NUMBA_CPU_FEATURES= \
    HUSHTAG_POLICY=/etc/hushtag/policy.yaml
RUN groupadd --system --gid 10001 hushtag \
    && useradd --system --uid 10001 --gid 10001 --home-dir /var/lib/hushtag --create-home --shell /usr/sbin/nologin hushtag \
    && printf '%s\n' \
        '#!/usr/bin/env python' \
        'import os, urllib.request' \
        'port = os.environ.get("HUSHTAG_METRICS_PORT") or "9464"' \
        'urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=4).close()' \
        > /usr/local/bin/hushtag-healthy \
    && chmod 0755 /usr/local/bin/hushtag-healthy \
    # A volume mounted there inherits this owner.
    && install --directory --owner hushtag --group hushtag --mode 0700 /var/lib/hushtag-log
COPY --from=build /opt/hushtag /opt/hushtag
COPY config /etc/hushtag
# By number: Kubernetes checks runAsNonRoot without the image's user table.
USER 10001:10001
WORKDIR /var/lib/hushtag
EXPOSE 9464
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 CMD ["hushtag-healthy"]
ENTRYPOINT ["hushtag"]
CMD ["worker"]
