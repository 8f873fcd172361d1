# Training and scoring, with PyTorch for CUDA. Data and results stay outside.
#   docker build -f train.Dockerfile -t salient-train .
#   docker run --rm --gpus all --shm-size 8g -u "$(id -u)" -v "$PWD":/work salient-train train
FROM python:3.13-slim
WORKDIR /source
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY configs configs
COPY salient salient
RUN pip install --no-cache-dir --no-deps .
ENV HOME=/tmp MPLCONFIGDIR=/tmp PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /work
ENTRYPOINT ["salient"]
CMD ["--help"]
