# Dozvon in a container. Asterisk comes from the same Debian suite as in the two-command start; the packages' archive is whatever
# the base image is set to.
ARG DEBIAN_SUITE=forky
FROM debian:${DEBIAN_SUITE}-slim

RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      asterisk asterisk-modules asterisk-moh-opsound-wav redis-server nodejs npm ca-certificates util-linux \
 && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/dozvon
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev && npm cache clean --force
COPY bin bin
COPY config config
COPY dialplans dialplans
COPY sounds sounds
COPY src src

# The servers never run as root: the container's own user is an ordinary one, and owns only the data.
RUN useradd --system --home-dir /var/lib/dozvon --create-home dozvon
USER dozvon
ENV NODE_ENV=production \
    DOZVON_HOME=/var/lib/dozvon/home
VOLUME /var/lib/dozvon

EXPOSE 5060/udp 8080/tcp 10000-10099/udp
STOPSIGNAL SIGTERM
CMD ["node", "bin/dozvon", "up"]
