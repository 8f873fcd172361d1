# The HTTP API and its page on a CPU, without PyTorch; the weights are inside.
#   docker build -t salient .
#   docker run --rm --read-only --cap-drop=ALL -p 127.0.0.1:7860:7860 salient
FROM python:3.13-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE requirements.lock ./
COPY configs configs
COPY salient salient
# The versions of requirements.lock, of the few packages that are needed
RUN sed -e '/--hash/d' -e 's/ *\\$//' requirements.lock > versions.txt \
    && python -m venv /opt/salient \
    && /opt/salient/bin/pip install --no-cache-dir --constraint versions.txt '.[serve]'

FROM python:3.13-slim
COPY --from=build /opt/salient /opt/salient
ENV PATH=/opt/salient/bin:$PATH HOME=/tmp PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:7860/healthz', timeout=4)"]
ENTRYPOINT ["salient", "serve", "host=0.0.0.0"]
