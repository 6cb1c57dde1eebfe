# Exits 0 if the API server on this host says that it is ready.
# values: port addresses...
for address; do
    if command -v curl >/dev/null; then
        answer=$(curl --silent --insecure --max-time 5 "https://$address:$port/readyz")
    else
        answer=$(printf 'GET /readyz HTTP/1.0\r\n\r\n' |
            timeout 5 openssl s_client -quiet -connect "$address:$port" 2>/dev/null | tail -n 1)
    fi
    [ "$answer" != ok ] || exit 0
done
echo "the API server on port $port is not ready: ${answer:-no answer}"
exit 1
