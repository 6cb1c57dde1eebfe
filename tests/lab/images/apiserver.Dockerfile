# The stand-in kube-apiserver with the Python it needs and nothing else, so that nodes load it quickly.
ARG BASE
FROM ${BASE} AS python
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends python3 >/dev/null
RUN mkdir /image && cp -a --parents /usr/lib/python3.11 /image && rm -rf /image/usr/lib/python3.11/test && \
    cp -L --parents /usr/bin/python3 /lib64/ld-linux-x86-64.so.2 \
    $(ldd /usr/bin/python3 /usr/lib/python3.11/lib-dynload/*.so | awk '/=> \//{print $3}' | sort -u) /image

FROM scratch
COPY --from=python /image /
ENV PATH=/usr/local/bin:/usr/bin PYTHONDONTWRITEBYTECODE=1
COPY apiserver.py kubernetes_objects.py /usr/local/bin/
ENTRYPOINT ["/usr/bin/python3", "/usr/local/bin/apiserver.py"]
