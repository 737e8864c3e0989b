# One image for migrate, worker, loader, monitor, dashboard and gateway; the command says which. No Kafka, no embedded engine.
FROM python:3.11-slim

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 TZ=Asia/Ho_Chi_Minh
WORKDIR /app

COPY requirements.runtime.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.runtime.lock

COPY producers ./producers
COPY streams ./streams
COPY dashboards ./dashboards
COPY ops ./ops
COPY sql ./sql

RUN useradd --system --create-home dongbo && mkdir /data && chown dongbo /data
USER dongbo
ENV DONGBO_DATA_DIR=/data DONGBO_LOG_JSON=true DONGBO_KAFKA_EXTERNAL=true DONGBO_CLICKHOUSE_EXTERNAL=true

ENTRYPOINT ["python", "-m", "ops"]
