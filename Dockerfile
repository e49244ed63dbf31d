FROM node:24-slim AS build
WORKDIR /app
# Packages first: this layer is rebuilt only when they change.
COPY package.json package-lock.json .npmrc ./
COPY mcp/cli/package.json mcp/cli/
RUN npm ci --include=dev
COPY . .
# The legal texts are served, so the folder must exist.
RUN node scripts/run.mjs build && mkdir -p legal

FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY mcp/cli/package.json mcp/cli/
# --omit=optional leaves out the embedded PostgreSQL (DATABASE_URL is required here) and the compiler, an optional peer
# dependency. onnxruntime-node contains its library for every platform: only this one's is kept.
RUN npm ci --omit=dev --omit=optional \
 && find node_modules/onnxruntime-node/bin/napi-v6 -mindepth 2 -maxdepth 2 -not -path "*/linux/$(node -p process.arch)" -exec rm -rf {} +

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
RUN install -d -o node -g node -m 0711 /data
USER node
VOLUME /data
EXPOSE 8787
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health`).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/api/main.js"]
