# The hub's server as an image; docker-compose.yml uses it. Not built by the project's own tests: they have no Docker.
FROM python:3.13-slim

WORKDIR /opt/claudia
COPY pyproject.toml README.md LICENSE constraints.txt panel_serve.py ./
COPY claudia_core claudia_core
COPY dashboards dashboards
RUN pip install --no-cache-dir -c constraints.txt '.[auth,grpc,mail,mongodb,rabbitmq,redis]'

RUN useradd --create-home claudia && mkdir /data && chown claudia /data
USER claudia
# A file, where no database is named, and the server's token beside it.
WORKDIR /data
ENV PYTHONUNBUFFERED=1
EXPOSE 5006
CMD ["claudia", "serve"]
