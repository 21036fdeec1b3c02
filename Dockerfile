# The server with its command line. `compose.yaml` starts it beside a PostgreSQL; docs/how-to/local.md.
FROM python:3.13-slim AS build
ENV UV_NO_CACHE=1 UV_LINK_MODE=copy
WORKDIR /source
COPY pyproject.toml README.md LICENSE requirements-local.txt ./
COPY zava zava
COPY sql sql
RUN python -m pip install --no-cache-dir "uv>=0.9"
RUN uv venv /opt/zava
RUN uv pip install --python /opt/zava/bin/python --require-hashes -r requirements-local.txt
RUN uv pip install --python /opt/zava/bin/python --no-deps .

FROM python:3.13-slim
RUN useradd --create-home --uid 10001 zava && mkdir /data && chown zava /data
COPY --from=build /opt/zava /opt/zava
USER zava
WORKDIR /data
VOLUME /data
ENV PATH=/opt/zava/bin:$PATH ZAVA_HOME=/data HOST=0.0.0.0 PORT=7071
EXPOSE 7071
HEALTHCHECK --interval=10s --timeout=5s --start-period=300s \
  CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/health/ready', timeout=4)"]
CMD ["zava", "run"]
