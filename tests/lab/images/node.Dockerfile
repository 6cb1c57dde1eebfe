# A host of the lab. Keys, certificates and manifests are put in before its first start.
ARG BASE
FROM ${BASE} AS host
RUN useradd --create-home --shell /bin/bash ops && useradd --create-home --shell /bin/bash admin && \
    echo 'ops ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/ops && echo 'admin ALL=(ALL) ALL' >/etc/sudoers.d/admin && \
    chmod 0440 /etc/sudoers.d/* && \
    systemctl mask getty.target console-getty.service systemd-logind.service systemd-udevd.service \
        apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer dpkg-db-backup.timer fstrim.timer
# The lab has no DNS: a name that is not in /etc/hosts must fail at once. Docker's own server would take 10 s for it.
RUN sed -i 's/^hosts:.*/hosts: files/' /etc/nsswitch.conf
CMD ["/lib/systemd/systemd"]

FROM host AS node
COPY node/daemon.json /etc/docker/daemon.json
COPY node/kublr.service node/kublr-kubelet.service /etc/systemd/system/
COPY kublr kubelet /opt/kublr/bin/
RUN systemctl enable kublr.service

# Proves that a host needs nothing of ours: beside sh, coreutils and util-linux only what busybox brings.
FROM node AS bare
RUN rm -f /usr/bin/curl /usr/bin/perl* /usr/bin/*zstd* && \
    for tool in find xargs grep egrep fgrep sed awk tar gzip gunzip zcat diff cmp ps free pgrep pkill top vi; do \
        ln -sf /bin/busybox /usr/bin/$tool; \
    done
