# One image for kube-apiserver, kube-controller-manager and kube-scheduler: one program under three names, no shell.
FROM scratch
ENV PATH=/usr/local/bin
COPY . /usr/local/bin/
