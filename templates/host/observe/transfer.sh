# What a transfer from master to master would need here, and which other masters this one reaches over its own network:
# their sshd's host keys. Changes nothing.
# values: peers...
#   peers   NAME ADDRESS PORT KIND by turns; KIND is the type of its host key
# It prints: has PROGRAM, keys LOGIN FILE or closed WHY, sees NAME ADDRESS PORT KEY_TYPE KEY
for program in zstd gzip ssh ssh-keygen ssh-keyscan; do
    ! command -v "$program" >/dev/null || echo "has $program"
done

# sshd_config(5): which keys sshd would accept for the login that this question came with.
login=${SUDO_USER:-$(id -un)}
home=$(getent passwd "$login" | cut -d : -f 6)
sshd=$(PATH=$PATH:/usr/sbin:/sbin command -v sshd)
settings=$(${sshd:-false} -T -C "user=$login,host=localhost,addr=127.0.0.1" 2>/dev/null)
setting() { echo "$settings" | while read -r name value; do [ "$name" != "$1" ] || echo "$value"; done; }
file=$(setting authorizedkeysfile)
file=${file%% *}
case $file in *%h*) file=$home${file#*%h} ;; esac
case $file in *%u*) file=${file%%%u*}$login${file#*%u} ;; esac
case $file in /*) ;; *) file=$home/$file ;; esac
if [ -z "$settings" ]; then
    echo "closed its sshd's settings cannot be read"
elif [ "$(setting pubkeyauthentication)" != yes ] || [ "$(setting authorizedkeysfile)" = none ]; then
    echo "closed its sshd takes no keys from files"
elif [ "$(setting forcecommand)" != none ]; then
    echo "closed its sshd has a ForceCommand"
else
    echo "keys $login $file"
fi

command -v ssh-keyscan >/dev/null || exit 0
while [ $# -ge 4 ]; do
    name=$1 address=$2 port=$3
    { ssh-keyscan -T 4 -p "$port" -t "$4" "$address" 2>&1 | {
        openssh=
        while read -r first type key; do
            case "$first $type $key" in
            '# '*SSH-2.0-OpenSSH*) openssh=yes ;;
            '#'* | *' ') ;;
            *) [ -z "$openssh" ] || echo "sees $name $address $port $type $key" ;;
            esac
        done
    }; } &
    shift 4
done
wait
