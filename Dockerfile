# One image for every service. Build: docker compose build
FROM python:3.12-slim

RUN useradd --uid 10001 --create-home aggregator && install -d -o aggregator -g aggregator /data
WORKDIR /src

# PyTorch first and from its CPU index: it is the largest layer and changes least.
RUN pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu torch==2.13.0
COPY pyproject.toml README.md LICENSE config.toml ./
COPY aggregator aggregator
COPY templates templates
COPY migrations migrations
RUN pip install --no-cache-dir ".[postgres]"

USER aggregator
WORKDIR /data
VOLUME /data
ENV AGGREGATOR_CONFIG=/data/config.toml PYTHONUNBUFFERED=1
ENTRYPOINT ["aggregator"]
CMD ["serve"]
