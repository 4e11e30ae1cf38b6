# Two stages: the first fetches and checks every file against the lock, the second holds only what
# runs. `docker build -t microblog .`, then `docker run -p 5000:5000 -v microblog:/srv/microblog/instance microblog`.

FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_PROGRESS_BAR=off
WORKDIR /build
COPY requirements.lock ./
RUN pip download --quiet --require-hashes --no-deps --dest files --requirement requirements.lock
RUN pip install --quiet --no-index --find-links files hatchling
COPY . .
# Dependencies come from the checked files only; those for development are not among what is asked for.
RUN hatchling build --target wheel --directory files \
    && python -m venv /srv/venv \
    && /srv/venv/bin/pip install --quiet --no-index --find-links files 'microblog[redis]' \
    && /srv/venv/bin/python -m compileall -q /srv/venv/lib

FROM python:3.13-slim
ENV PATH=/srv/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LOG_TO_STDOUT=1 \
    MICROBLOG_SERVER_HOST=0.0.0.0 \
    PORT=5000
RUN useradd --system --uid 10001 --no-create-home microblog \
    && install -d -o microblog -g microblog -m 700 /srv/microblog/instance
COPY --from=build /srv/venv /srv/venv
WORKDIR /srv/microblog
USER microblog
VOLUME /srv/microblog/instance
EXPOSE 5000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=90s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/livez', timeout=3)"]
# --migrate brings the database to head, and waits for one that is still starting.
CMD ["microblog", "serve", "--migrate"]
