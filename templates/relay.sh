# Transfers a packed file from host to host as it arrives: `relay_key`, `take`, `give`, `adopt`. Included after host.sh.
# A host appends the received bytes to a file. From that file it unpacks its copy and sends to the next host, each at its
# own pace: a slow next host delays no other. The caller sets the variables that the line above a function names.
#
#   RUN/relay.TRY/       0700; deleted by the shell that uses it, or by the next settle
#     packed  end        the received bytes; exists when no more will come
#     sum  complaint     sha256 of the whole unpacked file; why it cannot be unpacked
#     key  known_hosts   to log in to the next host: a key for this transfer alone, and that host's pinned key
#     reader  hop        the identities of the processes that receive and send
#   RUN/relay.keys       the authorized_keys files in which this run has a line
#   /run/orchestrator-RUN/TRY   the pipe that the line's forced command writes to, and nothing else

# With its identity recorded, a process can be killed later without harming another one that has its pid by then.
as='file=$1; shift; since=$(read -r stat <"/proc/$$/stat"; set -- ${stat##*) }; echo "${20}")
echo "$(cat /proc/sys/kernel/random/boot_id) $$ $since" >"$file" && exec "$@"'

# relay_key: folder pinned. Prints `key` and the public half of a new key.
relay_key() {
    mkdir -p "$folder" && printf '%s\n' "$pinned" >"$folder/known_hosts" &&
        ssh-keygen -q -t ed25519 -N '' -C '' -f "$folder/key" </dev/null >&2 && echo "key $(cat "$folder/key.pub")"
}

# take: state run attempt path part offset packing folder; from a pipe: user keys line; to hand on: address port login
# Prints `ready`; `at BYTES` repeatedly; `sum SHA256` after the last byte; `gave CODE WHY` when sending has ended.
take() {
    begin && [ -e "$part" ] && truncate -s "$offset" "$part" || return 1 # a later try may have taken the part over
    exec 3<&0
    if [ -n "$line" ]; then
        (newest_is "$state" "$run" "$attempt" && let_in) || return 1
    fi
    arriving &
    until [ -s "$folder/reader" ] || [ -e "$folder/end" ]; do sleep 0.02; done
    unpacked &
    unpacking=$!
    flushed &
    handing_on=
    if [ -n "$address" ]; then
        handed_on follow &
        handing_on=$!
    fi
    echo ready
    telling &
    wait "$unpacking"
    [ ! -s "$folder/complaint" ] || { tail -n 1 "$folder/complaint" >&2 && return 1; }
    echo >"$folder/room" 2>/dev/null || { echo "No space left on device" >&2 && return 1; } # not even for a complaint
    sync "$part" && size "$part" && echo "sum $(cat "$folder/sum")" || return 1
    [ -z "$handing_on" ] || wait "$handing_on"
}

# give: state run attempt path offset packing folder address port login. Sends a file that is complete on this host.
give() {
    line= part=$path
    begin || return 1
    echo ready
    telling &
    handed_on packed &
    wait $!
}

# adopt STATE RUN ATTEMPT PATH SHA256 PART: renames a part with the right sum to PATH. Prints `whole` or `fenced ATTEMPT`.
adopt() {
    newest_is "$1" "$2" "$3" || return 0
    rm -f "$4.receiver"
    mv "$6" "$4" && sync "${4%/*}" && echo whole
}

# forget_key: folder. Deletes the key of a chain that did not start; otherwise the shell that uses it deletes it.
forget_key() { [ -e "$folder/packed" ] || rm -rf "$folder"; }

begin() {
    pipe=/run/orchestrator-$run/${folder##*.}
    trap leave EXIT
    trap 'exit 1' HUP INT TERM PIPE
    renice -n 10 -p "$$" >/dev/null 2>&1 # a live etcd may be serving
    mkdir -p "$folder" && : >"$folder/packed"
}

size() { stat -c 'at %s' "$1"; }

telling() { # how it stands; where nobody listens, or somebody has put an end to it, or it cannot be unpacked, all ends
    while [ -d "$folder" ] && [ ! -s "$folder/complaint" ] && { size "$part" || size "$path"; } 2>/dev/null; do
        if [ -n "$line" ] && [ -s "$folder/packed" ]; then shut_after -n && line=; fi
        sleep 0.4
    done
    [ -d "$folder" ] || return 0
    [ ! -s "$folder/complaint" ] || tail -n 1 "$folder/complaint" >&2
    kill "$$"
}

shut_after() { # OPTION...: of flock; a later settle does the same
    (
        flock "$@" 9 && shut_out "$run.${folder##*.}" "$keys" || return 1
        grep -q " orchestrator-$run" "$keys" 2>/dev/null || rm -f "$state/$run/relay.keys"
    ) 9>>"$state/lock"
}

leave() {
    trap '' HUP INT TERM PIPE # its pipe broke, and `telling` ends it for the same reason: a second signal would cut this off
    [ -z "$line" ] || shut_after -w 10
    mv "$folder" "$folder.gone" 2>/dev/null # what would begin only now does not, for it cannot write there who it is
    for one in reader hop; do stop_receiver "$folder.gone/$one"; done
    rm -rf "$folder.gone" "$pipe"
    rmdir "${pipe%/*}" 2>/dev/null
}

arriving() {
    {
        sh -c "$as" as "$folder/reader" cat ${line:+"$pipe"} <&3 >>"$folder/packed" 2>>"$folder/complaint"
        : >"$folder/end"
    } 2>/dev/null
}

follow() { # prints the received bytes until `end` exists
    read -r _ reader _ <"$folder/reader"
    if tail --version 2>/dev/null | grep -q GNU; then # it is woken when there is more, and starts no process for it
        tail -c +1 -f -s 0.1 --pid="$reader" "$folder/packed" 2>/dev/null
        return
    fi
    exec 4<"$folder/packed" || return 1
    while :; do # an open file keeps its place from one `cat` to the next
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
    zstd) zstd -dcq ;;
    gzip) gzip -dc ;;
    none) cat ;;
    esac
}

packed() {
    tail -c "+$((offset + 1))" "$path" |
        case $packing in
        zstd) zstd -qc -1 ;;
        gzip) gzip -c -1 ;;
        none) cat ;;
        esac
}

flushed() { # syncs repeatedly, so that little is left to sync at the end
    exec >/dev/null 2>&1 # a sleep that is left at the end would keep the connection open
    while [ -d "$folder" ] && [ ! -e "$folder/sum" ]; do
        sync "$part" 2>/dev/null
        sleep 1
    done
}

handed_on() { # FUNCTION: sends its output to the next host's pipe
    fast=-oCiphers=^aes128-gcm@openssh.com # before ChaCha20, which takes twice the processor time; OpenSSH 8.0 knows no ^
    ssh -F /dev/null $fast -G taker >/dev/null 2>&1 || fast=-oCompression=no
    said=$("$1" | sh -c "$as" as "$folder/hop" ssh -F /dev/null -T -p "$port" -i "$folder/key" "$fast" \
        -o IdentitiesOnly=yes -o IdentityAgent=none -o PreferredAuthentications=publickey -o BatchMode=yes \
        -o StrictHostKeyChecking=yes -o HostKeyAlias=taker -o UserKnownHostsFile="$folder/known_hosts" \
        -o GlobalKnownHostsFile=/dev/null -o UpdateHostKeys=no -o ForwardAgent=no -o ClearAllForwardings=yes \
        -o Compression=no -o LogLevel=ERROR -o ConnectTimeout=10 -o ServerAliveInterval=10 -o ServerAliveCountMax=3 \
        "$login@$address" 2>&1 >/dev/null)
    echo "gave $? $(printf %s "$said" | tail -n 1)"
}

# let_in: run user keys line pipe. Adds a line to the login's authorized_keys: the key may write to our pipe and do nothing
# else, and expires in ten minutes. The line is removed when the first bytes arrive.
let_in() {
    mkdir -p "${pipe%/*}" && chmod 711 "${pipe%/*}" && mkfifo -m 600 "$pipe" && chown "$user" "$pipe" || return 1
    echo "$keys" >>"$state/$run/relay.keys" && sync "$state/$run/relay.keys" || return 1
    mark=orchestrator-$run.${folder##*.}
    case $(grep -o " orchestrator-$run.*" "$keys" 2>/dev/null) in # of an earlier try that has not ended
    *.file*) mark=$mark.file ;;
    *.open*) mark=$mark.open ;;
    esac
    [ -d "${keys%/*}" ] || { mark=$mark.folder && mkdir "${keys%/*}" && chown "$user" "${keys%/*}"; } || return 1
    [ -e "$keys" ] || { mark=$mark.file && : >"$keys" && chown "$user" "$keys"; } || return 1
    real=$(readlink -f "$keys")
    end=
    [ -z "$(tail -c 1 "$real")" ] || { mark=$mark.open && end='\n'; } # its last line has no newline; shut_out restores that
    until=$(date -d "@$(($(date +%s) + 600))" +%Y%m%d%H%M%S)
    cp -a "$real" "$real.kr-$run" || return 1
    {
        cat "$real" && printf %b "$end" &&
            echo "restrict,expiry-time=\"$until\",command=\"exec cat >$pipe\" $line $mark"
    } >"$real.kr-$run" && sync "$real.kr-$run" && mv "$real.kr-$run" "$real"
}
