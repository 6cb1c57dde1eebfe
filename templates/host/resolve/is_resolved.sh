# Exits 0 if every name resolves to its address.
# values: pairs...
#   pairs   NAME=ADDRESS
code=0
for pair; do
    timeout 5 getent ahosts "${pair%%=*}" 2>/dev/null | grep -q "^${pair#*=} " && continue
    echo "${pair%%=*} does not resolve to ${pair#*=}"
    code=1
done
exit $code
