# Handing a file on from host to host as it arrives: `relay_key`, `take`, `give`, `adopt`, after host.sh. What flows is packed.
# A host appends what comes to a file of its own, from which it unpacks its copy and hands on, each at its own pace: a slow
# next host holds nobody else up. The caller sets the variables that a function's first line names.
#
#   RUN/relay.TRY/       0700; goes with the shell that uses it, or by the next settle
#     packed  end        what has come; that no more comes
#     sum  complaint     sha256 of the whole unpacked file; why it cannot be unpacked
#     key  known_hosts   to log in to the next host: a key of this transfer alone, and that host's own key, pinned
#     gave               how handing on has ended
#   RUN/relay.keys       the authorized_keys files in which this run has a line
#   /run/orchestrator-RUN/TRY   the pipe that the line's forced command writes to, and nothing else

# Known by its identity, a process can be ended later without harming one that has got its pid since.
as='file=$1; shift; since=$(read -r stat <"/proc/$$/stat"; set -- ${stat##*) }; echo "${20}")
echo "$(cat /proc/sys/kernel/random/boot_id) $$ $since" >"$file" && exec "$@"'

# relay_key: folder pinned. Prints `key` and the public half of a new key.
relay_key() {
    mkdir -p "$folder" && printf '%s\n' "$pinned" >"$folder/known_hosts" &&
        ssh-keygen -q -t ed25519 -N '' -C '' -f "$folder/key" </dev/null >&2 && echo "key $(cat "$folder/key.pub")"
}

# take: state run attempt path part offset packing folder; from a pipe: user keys line; to hand on: address port login
# Prints `ready`; `at BYTES` all the while; `sum SHA256` at the end of what came; `gave CODE WHY` once handing on is over.
take() {
    begin && truncate -s "$offset" "$part" || return 1
    exec 3<&0
    if [ -n "$line" ]; then
        (newest_is "$state" "$run" "$attempt" && let_in) || return 1
    fi
    arriving &
    unpacked &
    flushed &
    [ -z "$address" ] || handed_on follow &
    echo ready
    until [ -e "$folder/sum" ]; do stand || return 1; done
    sync "$part" && echo "at $(stat -c %s "$part")" && echo "sum $(cat "$folder/sum")" || return 1
    [ -z "$address" ] || until [ -n "$told" ]; do stand || return 1; done
}

# give: state run attempt path offset packing folder address port login. Hands on a file that lies here whole.
give() {
    line= part=$path
    begin || return 1
    echo ready
    handed_on packed &
    until [ -n "$told" ]; do stand || return 1; done
}

# adopt STATE RUN ATTEMPT PATH SHA256 PART: a part whose sum was right becomes the file. Prints `whole` or `fenced ATTEMPT`.
adopt() {
    newest_is "$1" "$2" "$3" || return 0
    rm -f "$4.receiver"
    mv "$6" "$4" && sync "${4%/*}" && echo whole
}

# forget_key: folder. Of a chain that has not come to use it.
forget_key() { rm -rf "$folder"; }

begin() {
    told= pipe=/run/orchestrator-$run/${folder##*.}
    trap leave EXIT
    trap 'exit 1' HUP INT TERM PIPE
    mkdir -p "$folder" && : >"$folder/packed"
}

stand() { # says how it stands; fails where somebody has put an end to it, or nothing more can come of it
    sleep 0.2
    [ -d "$folder" ] || return 1
    if [ -s "$folder/complaint" ]; then tail -n 1 "$folder/complaint" >&2 && return 1; fi
    if [ -n "$line" ] && [ -s "$folder/packed" ]; then shut_after -n && line=; fi
    echo "at $(stat -c %s "$part")" || return 1
    [ ! -e "$folder/gave" ] || [ -n "$told" ] || { told=yes && echo "gave $(cat "$folder/gave")"; }
}

shut_after() { # OPTION...: of flock; a later settle does the same
    (flock "$@" 9 && shut_out "$run" "$keys" && rm -f "$state/$run/relay.keys") 9>>"$state/lock"
}

leave() {
    [ -z "$line" ] || shut_after -w 10
    for one in reader hop; do stop_receiver "$folder/$one"; done
    rm -rf "$folder" "$pipe"
    rmdir "${pipe%/*}" 2>/dev/null
}

arriving() {
    {
        sh -c "$as" as "$folder/reader" cat ${line:+"$pipe"} <&3 >>"$folder/packed" 2>>"$folder/complaint"
        : >"$folder/end"
    } 2>/dev/null
}

follow() { # prints what comes, until no more comes. An open file keeps its place from one `cat` to the next.
    exec 4<"$folder/packed" || return 1
    while :; do
        ended=
        [ ! -e "$folder/end" ] || ended=yes
        cat <&4 || return 1
        [ -z "$ended" ] || return 0
        [ -d "$folder" ] || return 1
        sleep 0.1
    done
}

unpacked() {
    {
        { head -c "$offset" "$part"; follow | unpack | sh -c "$as" as "$path.receiver" tee -a "$part"; } |
            sha256 >"$folder/sum.part"
    } 2>>"$folder/complaint"
    mv "$folder/sum.part" "$folder/sum"
}

unpack() {
    case $packing in
    zstd) quietly zstd -dcq ;;
    gzip) quietly gzip -dc ;;
    none) cat ;;
    esac
}

packed() {
    tail -c "+$((offset + 1))" "$path" |
        case $packing in
        zstd) quietly zstd -qc -1 ;;
        gzip) quietly gzip -c -1 ;;
        none) cat ;;
        esac
}

quietly() { nice -n 10 "$@"; } # the live etcd may serve meanwhile

flushed() { # all along, so that little is left for the end
    while [ -d "$folder" ] && [ ! -e "$folder/sum" ]; do
        sync "$part" 2>/dev/null
        sleep 1
    done
}

handed_on() { # FUNCTION: what it prints goes to the next host's pipe
    if [ "$1" = follow ]; then
        until [ -s "$folder/packed" ] || [ -e "$folder/end" ]; do
            sleep 0.1
            [ -d "$folder" ] || return 1
        done
    fi
    "$1" | sh -c "$as" as "$folder/hop" ssh -F /dev/null -T -p "$port" -i "$folder/key" -o IdentitiesOnly=yes \
        -o IdentityAgent=none -o PreferredAuthentications=publickey -o BatchMode=yes -o StrictHostKeyChecking=yes \
        -o UserKnownHostsFile="$folder/known_hosts" -o GlobalKnownHostsFile=/dev/null -o HostKeyAlias=taker \
        -o UpdateHostKeys=no -o ForwardAgent=no -o ClearAllForwardings=yes -o Compression=no -o LogLevel=ERROR \
        -o ConnectTimeout=10 -o ServerAliveInterval=10 -o ServerAliveCountMax=3 \
        "$login@$address" >/dev/null 2>"$folder/hop.said"
    echo "$? $(tail -n 1 "$folder/hop.said")" >"$folder/gave.part" && mv "$folder/gave.part" "$folder/gave"
}

# let_in: run user keys line pipe. One more line in the login's authorized_keys: the key may write to our pipe, and do nothing
# else, and nobody can log in with it any more ten minutes from now. The line goes as soon as the first bytes come.
let_in() {
    mkdir -p "${pipe%/*}" && chmod 711 "${pipe%/*}" && mkfifo -m 600 "$pipe" && chown "$user" "$pipe" || return 1
    echo "$keys" >>"$state/$run/relay.keys" && sync "$state/$run/relay.keys" || return 1
    mark=orchestrator-$run
    [ -d "${keys%/*}" ] || { mark=$mark.folder && mkdir "${keys%/*}" && chown "$user" "${keys%/*}"; } || return 1
    [ -e "$keys" ] || { mark=$mark.file && : >"$keys" && chown "$user" "$keys"; } || return 1
    real=$(readlink -f "$keys")
    [ -z "$(tail -c 1 "$real")" ] || mark=$mark.open # its last line has no end, and will have none again
    until=$(date -d "@$(($(date +%s) + 600))" +%Y%m%d%H%M%S)
    cp -a "$real" "$real.kr-$run" || return 1
    {
        cat "$real" && case $mark in *.open) echo ;; esac &&
            echo "restrict,expiry-time=\"$until\",command=\"exec cat >$pipe\" $line $mark"
    } >"$real.kr-$run" && sync "$real.kr-$run" && mv "$real.kr-$run" "$real"
}
