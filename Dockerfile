# The server with its models inside: a CPU, no network, no root.
#   docker build -t offrecord .
#   docker run --init -p 127.0.0.1:8000:8000 -e OFFRECORD_API_KEYS=a-long-secret -v offrecord:/data offrecord

FROM python:3.12-slim-bookworm AS build
COPY pyproject.toml README.md LICENSE NOTICE /source/
COPY src /source/src
# The recogniser and the detector are files of the packages, so all that is ever needed is here after this line.
RUN python -m venv /offrecord && /offrecord/bin/pip install --no-cache-dir '/source[server]'

FROM python:3.12-slim-bookworm
COPY --from=build /offrecord /offrecord
RUN useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin offrecord \
 && install --directory --owner=10001 --group=10001 --mode=0700 /data
ENV PATH=/offrecord/bin:$PATH \
    HF_HUB_OFFLINE=1 \
    OFFRECORD_HOME=/data \
    ORT_DISABLE_TELEMETRY=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
# It listens to others here, so it does not start without OFFRECORD_API_KEYS.
ENTRYPOINT ["offrecord"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
