# Every image of Postcards is a target of this file: docker build --target image .
#   language, composer, client, audio, image    what runs without a GPU and without downloaded weights
#   audio-models, image-models                  besides, torch and what the large models need
ARG BASE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE} AS builder
ENV PIP_CACHE_DIR=/build/.cache/pip \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_COMPILE=1 \
    PIP_QUIET=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY requirements/build.txt requirements/
RUN --mount=type=cache,target=/build/.cache/pip \
    ["pip", "install", "--require-hashes", "-r", "requirements/build.txt"]
COPY scripts/assemble_root.py scripts/strip_packages.py scripts/
RUN ["python", "scripts/assemble_root.py", "/assembled"]
RUN ["python", "-m", "venv", "--without-pip", "/venv"]

# ---- Locked packages: a stage for each image, so that a changed lock renews its own image alone ----

FROM builder AS packages-language
COPY requirements/images/language.txt requirements/
RUN --mount=type=cache,target=/build/.cache/pip \
    ["pip", "--python=/venv", "install", "--require-hashes", "--no-deps", "-r", "requirements/language.txt"]
RUN ["python", "scripts/strip_packages.py", "/venv/lib/python3.11/site-packages"]

FROM builder AS packages-composer
COPY requirements/images/composer.txt requirements/
RUN --mount=type=cache,target=/build/.cache/pip \
    ["pip", "--python=/venv", "install", "--require-hashes", "--no-deps", "-r", "requirements/composer.txt"]
RUN ["python", "scripts/strip_packages.py", "/venv/lib/python3.11/site-packages"]

FROM builder AS packages-client
COPY requirements/images/client.txt requirements/
RUN --mount=type=cache,target=/build/.cache/pip \
    ["pip", "--python=/venv", "install", "--require-hashes", "--no-deps", "-r", "requirements/client.txt"]
RUN ["python", "scripts/strip_packages.py", "/venv/lib/python3.11/site-packages"]

FROM builder AS packages-audio
COPY requirements/images/audio.txt requirements/
RUN --mount=type=cache,target=/build/.cache/pip \
    ["pip", "--python=/venv", "install", "--require-hashes", "--no-deps", "-r", "requirements/audio.txt"]
RUN ["python", "scripts/strip_packages.py", "/venv/lib/python3.11/site-packages"]

FROM builder AS packages-image
COPY requirements/images/image.txt requirements/
RUN --mount=type=cache,target=/build/.cache/pip \
    ["pip", "--python=/venv", "install", "--require-hashes", "--no-deps", "-r", "requirements/image.txt"]
# Of scipy the creature engine takes ndimage and sparse; the rest is a tenth of the image.
RUN ["python", "scripts/strip_packages.py", "/venv/lib/python3.11/site-packages", \
     "scipy/cluster", "scipy/datasets", "scipy/differentiate", "scipy/fft", "scipy/fftpack", "scipy/integrate", \
     "scipy/interpolate", "scipy/io", "scipy/linalg", "scipy/odr", "scipy/optimize", "scipy/signal", "scipy/spatial", \
     "scipy/stats", "scipy/sparse/csgraph", "scipy/sparse/linalg", "scipy/special/cython_special*.so"]

# torch has no hash: which build fits depends on the machine. For one without CUDA name PyTorch's index for processors:
# --build-arg PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
FROM builder AS torch
ARG PIP_EXTRA_INDEX_URL
ARG PIP_FIND_LINKS
COPY requirements/torch.txt requirements/
RUN --mount=type=cache,target=/build/.cache/pip \
    ["pip", "--python=/venv", "install", "-r", "requirements/torch.txt"]

FROM torch AS packages-audio-models
COPY requirements/images/audio-models.txt requirements/stable-audio.txt requirements/
RUN --mount=type=cache,target=/build/.cache/pip \
    ["pip", "--python=/venv", "install", "--require-hashes", "--no-deps", "-r", "requirements/audio-models.txt"]
RUN --mount=type=cache,target=/build/.cache/pip \
    ["pip", "--python=/venv", "install", "--require-hashes", "--no-deps", "-r", "requirements/stable-audio.txt"]
RUN ["python", "scripts/strip_packages.py", "/venv/lib/python3.11/site-packages"]

FROM torch AS packages-image-models
COPY requirements/images/image-models.txt requirements/
RUN --mount=type=cache,target=/build/.cache/pip \
    ["pip", "--python=/venv", "install", "--require-hashes", "--no-deps", "-r", "requirements/image-models.txt"]
RUN ["python", "scripts/strip_packages.py", "/venv/lib/python3.11/site-packages"]

# ---- Our own packages: what several images hold is installed once, and each image's own beside it ----

FROM builder AS own
COPY libs/stubs libs/stubs
COPY libs/weights libs/weights
RUN ["pip", "install", "--no-cache-dir", "--no-deps", "--no-index", "--no-build-isolation", "--target=/site", \
     "libs/stubs", "libs/weights"]

FROM own AS own-client
COPY libs/client libs/client
COPY libs/cli libs/cli
RUN ["pip", "install", "--no-cache-dir", "--no-deps", "--no-index", "--no-build-isolation", "--target=/site", \
     "libs/client", "libs/cli"]
RUN ["python", "scripts/strip_packages.py", "/site"]

FROM own AS own-service
COPY libs/species libs/species
COPY libs/serving libs/serving
RUN ["pip", "install", "--no-cache-dir", "--no-deps", "--no-index", "--no-build-isolation", "--target=/site", \
     "libs/species", "libs/serving"]

FROM own-service AS own-language
COPY services/language services/language
RUN ["pip", "install", "--no-cache-dir", "--no-deps", "--no-index", "--no-build-isolation", "--target=/site", \
     "services/language"]
RUN ["python", "scripts/strip_packages.py", "/site"]

FROM own-service AS own-composer
COPY libs/client libs/client
COPY services/composer services/composer
RUN ["pip", "install", "--no-cache-dir", "--no-deps", "--no-index", "--no-build-isolation", "--target=/site", \
     "libs/client", "services/composer"]
RUN ["python", "scripts/strip_packages.py", "/site"]

FROM own-service AS own-audio
COPY services/audio services/audio
RUN ["pip", "install", "--no-cache-dir", "--no-deps", "--no-index", "--no-build-isolation", "--target=/site", \
     "services/audio"]
RUN ["python", "scripts/strip_packages.py", "/site"]

FROM own-service AS own-image
COPY services/image services/image
RUN ["pip", "install", "--no-cache-dir", "--no-deps", "--no-index", "--no-build-isolation", "--target=/site", \
     "services/image"]
RUN ["python", "scripts/strip_packages.py", "/site"]

# ---- What images have in common, from nothing: an interpreter, nobody's rights, the settings of a container ----

FROM scratch AS root
COPY --from=builder /assembled /
ENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin \
    HOME=/tmp \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    PYTHONUNBUFFERED=1 \
    PYTHONSAFEPATH=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    GRPC_VERBOSITY=ERROR
USER 65532:65532
ARG VERSION=0.1.0
LABEL org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0"

FROM root AS service
ENV POSTCARDS_BIND_ADDRESS=0.0.0.0 \
    POSTCARDS_PORT=50051 \
    POSTCARDS_METRICS_ADDRESS=0.0.0.0 \
    POSTCARDS_METRICS_PORT=9464 \
    POSTCARDS_ON_LOAD_FAILURE=wait \
    POSTCARDS_DRAIN_PAUSE_SECONDS=5
EXPOSE 50051 9464
HEALTHCHECK --interval=10s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-m", "postcards_serving.server.health_probe"]

# A service that loads weights, from the folder of the hub's cache; it never asks the hub.
FROM service AS model-service
COPY --from=builder --chown=65532:65532 /empty /models
ENV HF_HOME=/models HF_HUB_OFFLINE=1

FROM model-service AS audio-service
ENTRYPOINT ["python", "-m", "postcards_audio"]
LABEL org.opencontainers.image.title="postcards-audio" \
      org.opencontainers.image.description="Audio service of Postcards: calls of imagined animals."

FROM model-service AS image-service
ENTRYPOINT ["python", "-m", "postcards_image"]
LABEL org.opencontainers.image.title="postcards-image" \
      org.opencontainers.image.description="Image service of Postcards: pictures of imagined animals."

# ---- The images ----

FROM service AS language
COPY --from=packages-language /venv/lib/python3.11/site-packages /usr/local/lib/python3.11/site-packages
COPY --from=own-language /site /usr/local/lib/python3.11/site-packages
ENTRYPOINT ["python", "-m", "postcards_language"]
LABEL org.opencontainers.image.title="postcards-language" \
      org.opencontainers.image.description="Language service of Postcards: phrases of imagined animals."

FROM service AS composer
COPY --from=builder --chown=65532:65532 /empty /var/lib/postcards
COPY --from=packages-composer /venv/lib/python3.11/site-packages /usr/local/lib/python3.11/site-packages
COPY --from=own-composer /site /usr/local/lib/python3.11/site-packages
ENTRYPOINT ["python", "-m", "postcards_composer"]
LABEL org.opencontainers.image.title="postcards-composer" \
      org.opencontainers.image.description="Composer of Postcards: fans out, assembles and keeps."

# The command fetches weights, so it may ask the hub.
FROM root AS client
COPY --from=builder --chown=65532:65532 /empty /models
COPY --from=packages-client /venv/lib/python3.11/site-packages /usr/local/lib/python3.11/site-packages
COPY --from=own-client /site /usr/local/lib/python3.11/site-packages
ENV HF_HOME=/models
ENTRYPOINT ["python", "-m", "postcards_cli"]
CMD ["--help"]
HEALTHCHECK NONE
LABEL org.opencontainers.image.title="postcards-client" \
      org.opencontainers.image.description="Command line of Postcards."

FROM audio-service AS audio
COPY --from=packages-audio /venv/lib/python3.11/site-packages /usr/local/lib/python3.11/site-packages
COPY --from=own-audio /site /usr/local/lib/python3.11/site-packages

# Steps of a large model take and give back blocks of memory so large that the system would map each anew.
FROM audio-service AS audio-models
COPY --from=packages-audio-models /venv/lib/python3.11/site-packages /usr/local/lib/python3.11/site-packages
COPY --from=own-audio /site /usr/local/lib/python3.11/site-packages
ENV MALLOC_MMAP_THRESHOLD_=268435456 MALLOC_TRIM_THRESHOLD_=1073741824

# There is no C compiler here for torch to call.
FROM image-service AS image-models
COPY --from=packages-image-models /venv/lib/python3.11/site-packages /usr/local/lib/python3.11/site-packages
COPY --from=own-image /site /usr/local/lib/python3.11/site-packages
ENV MALLOC_MMAP_THRESHOLD_=268435456 MALLOC_TRIM_THRESHOLD_=1073741824 POSTCARDS_IMAGE_COMPILE=none

FROM image-service AS image
COPY --from=packages-image /venv/lib/python3.11/site-packages /usr/local/lib/python3.11/site-packages
COPY --from=own-image /site /usr/local/lib/python3.11/site-packages
