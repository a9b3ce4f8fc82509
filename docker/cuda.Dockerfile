# n2m on NVIDIA GPUs: the targets `train` and `generate`. torch's own packages bring CUDA's libraries, so the small base image is enough;
# gcc and Python's headers are for torch.compile.
FROM nvidia/cuda:13.0.2-base-ubuntu24.04 AS n2m
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends gcc libc6-dev python3-dev python3-venv \
 && rm -rf /var/lib/apt/lists/*
ENV PATH=/opt/n2m/bin:$PATH
WORKDIR /noise2music
COPY constraints.txt pyproject.toml ./
RUN python3 -m venv /opt/n2m \
 && pip install --no-cache-dir --constraint constraints.txt uv \
 && uv pip install --no-cache --python /opt/n2m/bin/python --constraint constraints.txt --requirements pyproject.toml
COPY . .
ENV N2M_CACHE=/var/cache/noise2music
RUN uv pip install --no-cache --python /opt/n2m/bin/python --no-deps --editable . \
 && n2m setup \
 && chmod -R a+rwX "$N2M_CACHE"
ENV HOME=/tmp LOGNAME=n2m NVIDIA_DRIVER_CAPABILITIES=compute,utility

FROM n2m AS train
ENTRYPOINT ["n2m", "train"]

FROM n2m AS generate
ENTRYPOINT ["n2m", "generate"]
