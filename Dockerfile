# One file, one target a process. Each installs only its own extra of pyproject.toml, at the versions of requirements.txt.
# The base is named by its bytes. To renew it: `docker buildx imagetools inspect python:3.11-slim` prints the digest of
# today's, which goes here; then `make test-compose`. Where it cannot be pulled, the environment's PYTHON_IMAGE replaces it.
ARG PYTHON_IMAGE=python:3.11.15-slim@sha256:90744cff8f32887f075c47d747a173ff333e9e98801667af93c357fa9f5e28ff
# What pip reads of pyproject.toml, without the settings of the linters: a change of those installs nothing anew.
FROM ${PYTHON_IMAGE} AS needs
COPY pyproject.toml requirements.txt /needs/
RUN sed -i '/^\[tool\.ruff\]/,$d' /needs/pyproject.toml

FROM ${PYTHON_IMAGE} AS base
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 \
    MOODFEED_BUNDLES=/bundles MOODFEED_DATA=/data/own
# The mount points belong to the user, so that a new volume does too, and to group 0, in which OpenShift runs any user id.
RUN useradd --uid 10001 --gid 0 --no-create-home --home-dir /tmp moodfeed \
    && mkdir /bundles /data /store && chown moodfeed:0 /bundles /data /store && chmod g=u /bundles /data /store
WORKDIR /app
# With only these two files the project is an empty package: its dependencies are a layer that code does not change.
COPY --from=needs /needs ./
# What the base brings beside Python, at our versions.
RUN pip install --constraint requirements.txt pip setuptools wheel
# The bytecode of what a health probe imports, which the official base lacks: each probe would compile it anew.
RUN python -I -S -c 'import ssl'

FROM base AS gateway
RUN pip install --constraint requirements.txt '.[gateway]'
COPY moodfeed moodfeed
COPY rpc rpc
COPY gateway gateway
USER 10001:0
CMD ["python", "-m", "gateway"]

FROM base AS post_index_service
RUN pip install --constraint requirements.txt '.[post-index]'
COPY moodfeed moodfeed
COPY rpc rpc
COPY bundle bundle
COPY compute compute
COPY store store
COPY post_collection post_collection
COPY post_index_service post_index_service
USER 10001:0
CMD ["python", "-m", "post_index_service"]

FROM base AS bundle_sync
RUN pip install --constraint requirements.txt '.[s3]'
COPY rpc rpc
COPY bundle bundle
COPY bundle_sync bundle_sync
USER 10001:0
CMD ["python", "-m", "bundle_sync"]

FROM base AS user_tower_service
RUN pip install --constraint requirements.txt '.[user-tower]'
COPY moodfeed moodfeed
COPY rpc rpc
COPY bundle bundle
COPY mood_encoder mood_encoder
COPY two_tower two_tower
COPY compute compute
COPY store store
COPY user_tower_service user_tower_service
USER 10001:0
CMD ["python", "-m", "user_tower_service"]

FROM base AS torch
# Alone and first: with the bare pin pip takes a CPU build where one lies at hand.
RUN pip install --constraint requirements.txt "$(grep '^torch==' requirements.txt)"
RUN pip install --constraint requirements.txt '.[user-tower-torch]'

# The same program for MOODFEED_USER_TOWER_RUNTIME=torch: a gigabyte more.
FROM torch AS user_tower_service_torch
COPY --from=user_tower_service /app ./
USER 10001:0
CMD ["python", "-m", "user_tower_service"]

FROM torch AS pipeline
RUN pip install --constraint requirements.txt '.[pipeline,s3]'
COPY moodfeed moodfeed
COPY bundle bundle
COPY bundle_sync bundle_sync
COPY post_collection post_collection
COPY mood_encoder mood_encoder
COPY two_tower two_tower
COPY sample_api sample_api
COPY store store
COPY pipeline pipeline
COPY rpc rpc
COPY cli cli
USER 10001:0
ENTRYPOINT ["python", "-m", "cli"]
