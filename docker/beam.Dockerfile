# A Beam worker (SDK harness) that knows n2m's stages. Beam's own entrypoint /opt/apache/beam/boot stays; its version is that of the
# apache-beam that constraints.txt pins.
FROM apache/beam_python3.11_sdk:2.77.0
WORKDIR /noise2music
COPY constraints.txt pyproject.toml ./
RUN pip install --no-cache-dir --constraint constraints.txt uv \
 && uv pip install --no-cache --system --constraint constraints.txt --requirements pyproject.toml
COPY . .
ENV N2M_CACHE=/var/cache/noise2music
RUN uv pip install --no-cache --system --no-deps --editable . \
 && n2m setup \
 && chmod -R a+rwX "$N2M_CACHE"
