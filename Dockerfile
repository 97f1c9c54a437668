# The orchestrator and command line, `baton`, alone; adapters are images of their own.
#
#   docker build -t baton .
#   docker run -e BATON_INSECURE=true -p 127.0.0.1:7420:7420 -v baton:/var/lib/baton baton
#
# BATON_INSECURE says that the network of the container may be trusted: without a certificate baton
# refuses to listen beyond its own machine unless it is told so. With one:
#
#   docker run -p 7420:7420 -v baton:/var/lib/baton -v ./certificates:/certificates:ro \
#     -e BATON_TLS_CERTIFICATE=/certificates/tls.crt -e BATON_TLS_KEY=/certificates/tls.key \
#     -e BATON_SERVER=https://localhost:7420 -e BATON_TLS_CA=/certificates/ca.crt baton
#
# where BATON_SERVER and BATON_TLS_CA are for the health check and the commands in the container.
#
# BUILD_IMAGE has Swift 6.3 or later on Debian 12; RUN_IMAGE is Debian 12. Both can be replaced by
# images made elsewhere:  docker build --build-arg BUILD_IMAGE=... --build-arg RUN_IMAGE=... .
ARG BUILD_IMAGE=swift:6.3-bookworm
ARG RUN_IMAGE=debian:bookworm-slim

FROM ${BUILD_IMAGE} AS build
RUN apt-get update \
  && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    libnghttp2-dev libprotobuf-c-dev libsqlite3-dev libssl-dev zlib1g-dev pkg-config \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY Package.swift ./
COPY codegen codegen
COPY Sources Sources
# The manifest names them; they are not built.
COPY Tests Tests
RUN swift build -c release --product baton --static-swift-stdlib \
  && install -D -s "$(swift build -c release --show-bin-path)/baton" /out/baton

FROM ${RUN_IMAGE}
RUN apt-get update \
  && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    libnghttp2-14 libprotobuf-c1 libsqlite3-0 libssl3 zlib1g libstdc++6 ca-certificates \
  && rm -rf /var/lib/apt/lists/* \
  && useradd --system --uid 10001 --home-dir /var/lib/baton --create-home baton
COPY --from=build /out/baton /usr/local/bin/baton
USER 10001
WORKDIR /var/lib/baton
VOLUME /var/lib/baton
ENV BATON_LISTEN=0.0.0.0:7420 \
  BATON_HTTP=0.0.0.0:7421 \
  BATON_STORE=sqlite:/var/lib/baton/baton.db \
  BATON_SERVER=127.0.0.1:7420
EXPOSE 7420 7421
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s \
  CMD ["baton", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["baton"]
CMD ["serve"]
