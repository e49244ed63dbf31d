FROM node:24-slim AS build
WORKDIR /app
# The packages first: this layer is built again only when they change.
COPY package.json package-lock.json .npmrc ./
RUN npm ci --include=dev
COPY . .
# An image has no use for the embedded database; the legal texts are served.
RUN node scripts/run.mjs build && mkdir -p legal

FROM node:24-slim
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=8787 \
    DATA_DIR=/data
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev && npm cache clean --force
COPY --from=build /app/dist ./dist
COPY --from=build /app/legal ./legal
RUN install -d -o node -g node -m 0711 /data
USER node
VOLUME /data
EXPOSE 8787
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health`).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/api/main.js"]
