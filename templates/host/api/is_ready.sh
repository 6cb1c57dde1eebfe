# Exits 0 if the API server on this host says that it is ready.
# values: port addresses...
{% include "host/lib/readyz.sh" %}
for address; do
    answer=$(readyz "$port" "$address")
    [ "$answer" != ok ] || exit 0
done
echo "the API server on port $port is not ready: ${answer:-no answer}"
exit 1
