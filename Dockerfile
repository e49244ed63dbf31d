FROM node:24-slim AS build
WORKDIR /app
# Packages first: this layer is rebuilt only when they change.
COPY package.json package-lock.json .npmrc ./
COPY mcp/cli/package.json mcp/cli/
RUN npm ci --include=dev
COPY . .
# The legal texts are served, so the folder must exist.
RUN node scripts/run.mjs build && find dist -name '*.map' -delete && mkdir -p legal

FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY mcp/cli/package.json mcp/cli/
COPY scripts/prune-packages.mjs scripts/
# --omit=optional leaves out the embedded PostgreSQL (DATABASE_URL is required here) and the compiler, an optional peer dependency.
RUN npm ci --omit=dev --omit=optional && node scripts/prune-packages.mjs node_modules

FROM node:24-slim
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=8787 \
    DATA_DIR=/data
WORKDIR /app
COPY package.json ./
COPY --from=packages /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/legal ./legal
COPY --from=build /app/docs ./docs
COPY scripts/server.mjs ./scripts/
COPY scripts/bootstrap/programs.mjs ./scripts/bootstrap/
RUN ln -s /app/scripts/server.mjs /usr/local/bin/whitemagic-server \
 && install -d -o node -g node -m 0711 /data
# The root file system may be read-only: only /data is written to.
USER node
VOLUME /data
EXPOSE 8787
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health`).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["whitemagic-server"]
CMD ["api"]
