# Looks at one host whose etcd and API server are units. Changes nothing.
# values: state hosts etcd api units...
#   etcd, api   the names of these two units
{% include "host/lib/host_facts.sh" %}
host_facts "$@"

# service UNIT: how systemd itself has read it, a line for each property. In its files we would have to read quotes,
# drop-ins and specifiers ourselves, and `systemctl show` joins the words of a command line by blanks.
service() {
    manager=org.freedesktop.systemd1
    object=$(busctl call $manager /org/freedesktop/systemd1 $manager.Manager LoadUnit s "$1" 2>/dev/null) || return 0
    object=${object#*\"}
    busctl get-property $manager "${object%\"*}" $manager.Service \
        ExecStart Environment EnvironmentFiles User WorkingDirectory RootDirectory 2>/dev/null
}
environment_files() { # of a unit, in the order in which systemd reads them
    systemctl show --property=EnvironmentFiles -- "$1" 2>/dev/null | while read -r line; do
        line=${line#EnvironmentFile*=}
        for file in ${line% (ignore_errors=*}; do [ ! -f "$file" ] || echo "$file"; done
    done
}
described() { # NAME UNIT
    service "$2" | fact "$1_unit"
    number=0
    for file in $(environment_files "$2"); do
        number=$((number + 1))
        fact "$1_environment_$number" <"$file"
    done
}
texts() { # all that has etcd's settings, except its configuration file
    service "$etcd"
    for file in $(environment_files "$etcd"); do cat "$file"; done
}
for unit in "$etcd" "$api"; do
    case $(systemctl show --property=LoadState -- "$unit" 2>/dev/null) in
    *=loaded) if [ "$unit" = "$api" ]; then described api "$unit"; else described etcd "$unit"; fi ;;
    esac
done
config=$(texts | grep -ohE 'config-file("? "|[= ])/[^" ]*|ETCD_CONFIG_FILE="?/[^" ]*' | head -n 1)
config=${config#"${config%%/*}"}
[ ! -f "$config" ] || { echo "$config" | fact config_path && fact config <"$config"; }
user=$(systemctl show --property=User -- "$etcd" 2>/dev/null)
id=$(id -u "${user#User=}" 2>/dev/null) && echo "$id:$(id -g "${user#User=}")" | fact owner
grep -hE '^ *[0-9]+: [0-9A-F]+:[0-9A-F]+ [0-9A-F]+:[0-9A-F]+ 0A ' /proc/net/tcp /proc/net/tcp6 2>/dev/null |
    while read -r _ local _; do echo "$((0x${local##*:}))"; done | sort -un | fact listens
{ texts && [ ! -f "$config" ] || cat "$config"; } | peer_names -
