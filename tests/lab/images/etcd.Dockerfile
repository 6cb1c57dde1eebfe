# The etcd container of a master: etcd's static programs, busybox, and the stand-in of Kublr's start-up script.
ARG BASE
FROM ${BASE} AS base

FROM scratch
COPY --from=base /bin/busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
ENV PATH=/usr/local/bin:/bin
COPY etcd etcdctl etcdutl etcd-pod /usr/local/bin/
ENTRYPOINT ["/usr/local/bin/etcd-pod"]
