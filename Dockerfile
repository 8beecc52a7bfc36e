# The worker and the commands, without devkit. Two stages: the final image has no compiler, cache or source tree.
FROM python:3.11.14-slim-bookworm AS build
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
COPY surfaces ./surfaces
COPY web ./web
RUN /opt/hushtag/bin/pip install --no-deps ./client .

FROM python:3.11.14-slim-bookworm
ENV PATH=/opt/hushtag/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    NUMBA_CACHE_DIR=/tmp/numba \
    HUSHTAG_POLICY=/etc/hushtag/policy.yaml
RUN useradd --system --uid 10001 --user-group --home-dir /var/lib/hushtag --create-home --shell /usr/sbin/nologin hushtag \
    && printf '%s\n' \
        '#!/usr/bin/env python' \
        'import os, urllib.request' \
        'port = os.environ.get("HUSHTAG_METRICS_PORT") or "9464"' \
        'urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=4).close()' \
        > /usr/local/bin/hushtag-healthy \
    && chmod 0755 /usr/local/bin/hushtag-healthy \
    # A volume mounted there inherits this owner.
    && install --directory --owner hushtag --group hushtag --mode 0700 /var/lib/hushtag-heads
COPY --from=build /opt/hushtag /opt/hushtag
COPY config /etc/hushtag
USER hushtag
WORKDIR /var/lib/hushtag
EXPOSE 9464
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 CMD ["hushtag-healthy"]
ENTRYPOINT ["hushtag"]
CMD ["worker"]
