# The example project: web process, worker, beat and preparation are the same image with different commands
# (compose.yaml). Without a SECRET_KEY of your own it refuses to start, unless DEMO=1 says that it is the demo.

FROM python:3.13-slim AS wheels
WORKDIR /build
COPY requirements/build.txt requirements/example.txt requirements/
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/build.txt \
 && pip wheel --no-cache-dir --disable-pip-version-check --require-hashes --wheel-dir /wheels -r requirements/example.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip wheel --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir /wheels .

FROM python:3.13-slim
ENV DEMO=0 \
    DATA_DIR=/data \
    DJANGO_SETTINGS_MODULE=example.settings \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
RUN groupadd --system --gid 10001 headway \
 && useradd --system --uid 10001 --gid headway --home-dir /data --no-create-home --shell /usr/sbin/nologin headway \
 && install --directory --owner=headway --group=headway --mode=0750 /data /caddy
RUN --mount=type=bind,from=wheels,source=/wheels,target=/wheels \
    pip install --no-cache-dir --disable-pip-version-check --no-index --no-deps /wheels/*.whl
WORKDIR /app
COPY manage.py ./
COPY example example
RUN python -m compileall -q example
USER 10001:10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=10s --start-period=30s --retries=3 \
    CMD ["python", "-m", "example.upkeep.probe", "http://127.0.0.1:8000/healthz"]
CMD ["python", "-m", "uvicorn", "example.asgi:application", "--host=0.0.0.0", "--port=8000", "--workers=2", \
     "--timeout-graceful-shutdown=5", "--no-access-log", "--log-level=warning", "--log-config=example/uvicorn-logs.json"]
