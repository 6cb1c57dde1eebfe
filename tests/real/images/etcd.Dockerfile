# etcd's own image since 3.5.x: its programs and nothing else, no shell.
FROM scratch
ENV PATH=/usr/local/bin
COPY . /usr/local/bin/
