# Needs user namespaces for the sandbox: with Docker's default seccomp profile clips are received, sealed and kept
# waiting, and the start says so. See docs/operations.md, "Sandbox".

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund --loglevel=error
COPY tsconfig.json ./
COPY .config .config
COPY scripts scripts
COPY src src
RUN node scripts/launch.mjs build && npm prune --omit=dev --no-audit --no-fund --loglevel=error

# Node comes along in node_modules, the same one everywhere.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends bubblewrap ffmpeg perl util-linux \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin footbridge \
    && install -d -m 0700 -o footbridge /var/lib/footbridge
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json ./
COPY scripts/footbridge scripts/healthcheck.mjs scripts/
COPY src src
ENV FOOTBRIDGE_STORAGE=/var/lib/footbridge
ENV FOOTBRIDGE_INTAKE_LISTEN=0.0.0.0:4800
ENV FOOTBRIDGE_DESK_LISTEN=0.0.0.0:4801
VOLUME /var/lib/footbridge
EXPOSE 4800 4801
USER footbridge
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=12s --start-period=60s CMD ["node_modules/.bin/node", "scripts/healthcheck.mjs"]
ENTRYPOINT ["scripts/footbridge"]
CMD ["serve"]
