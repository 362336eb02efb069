# syntax=docker/dockerfile:1.7
# One target an application: docker build --target api .   (also device-agent, iot-hub-emulator, local-vision)
# Each image holds what its application imports and nothing else; tools/production-tree.mjs finds that out.

ARG NODE_VERSION=24.21.0

FROM node:${NODE_VERSION}-bookworm-slim AS build
WORKDIR /src
ENV npm_config_cache=/npm-cache
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/npm-cache npm ci
COPY . .
RUN node tools/build.mjs

FROM build AS api-tree
RUN --mount=type=cache,target=/npm-cache node tools/production-tree.mjs api /out

FROM build AS device-agent-tree
RUN --mount=type=cache,target=/npm-cache node tools/production-tree.mjs device-agent /out

FROM build AS iot-hub-emulator-tree
RUN --mount=type=cache,target=/npm-cache node tools/production-tree.mjs iot-hub-emulator /out

FROM build AS local-vision-tree
RUN --mount=type=cache,target=/npm-cache node tools/production-tree.mjs local-vision /out

# What all of them run in: nothing is written but to volumes, and never as root.
FROM node:${NODE_VERSION}-bookworm-slim AS runtime
ENV NODE_ENV=production
WORKDIR /app
LABEL org.opencontainers.image.licenses="MIT"
USER 1000:1000

FROM runtime AS api
COPY --from=api-tree /out /app
ENV API_HOST=0.0.0.0
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8000/health/live').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# A small young generation: the bytes that the API passes on are freed soon.
CMD ["node", "--enable-source-maps", "--max-semi-space-size=1", "dist/apps/api/src/main.js"]

FROM runtime AS device-agent
# node-av brings an FFmpeg binary that is built with GPL parts: see NOTICE.
LABEL org.opencontainers.image.licenses="MIT AND GPL-3.0-or-later"
COPY --from=device-agent-tree /out /app
CMD ["node", "--enable-source-maps", "dist/apps/device-agent/src/main.js", "run"]

FROM runtime AS iot-hub-emulator
USER root
# Where docker/setup.mjs writes; the volumes first mounted here take their owner.
RUN install -d -o node -g node /setup/hub-data /setup/hub-secrets /setup/ca /setup/azurite-data /setup/azurite-secrets \
  /setup/api-secrets /setup/agent-data /setup/agent-secrets
USER 1000:1000
COPY --from=iot-hub-emulator-tree /out /app
COPY docker/setup.mjs docker/seed.yaml /app/docker/
COPY infra/routing/routes.json /app/infra/routing/
ENV IOT_HUB_EMULATOR_HOST=0.0.0.0 IOT_HUB_EMULATOR_DATA_DIR=/data
EXPOSE 8443
HEALTHCHECK --interval=5s --timeout=5s --start-period=10s \
  CMD ["node", "-e", "require('node:https').get({ port: 8443, path: '/health', ca: require('node:fs').readFileSync('/data/tls/ca.pem') }, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
CMD ["node", "--enable-source-maps", "dist/apps/iot-hub-emulator/src/main.js"]

FROM runtime AS local-vision
COPY --from=local-vision-tree /out /app
ENV LOCAL_VISION_HOST=0.0.0.0
EXPOSE 8100
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8100/health').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--enable-source-maps", "dist/apps/local-vision/src/main.js"]
