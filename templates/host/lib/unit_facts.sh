# How systemd has read units of services.
# service UNIT: a line for each property. In its files we would have to read quotes, drop-ins and specifiers ourselves,
# and `systemctl show` joins the words of a command line by blanks.
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
unit_facts() { # NAME UNIT
    case $(systemctl show --property=LoadState -- "$2" 2>/dev/null) in *=loaded) ;; *) return 0 ;; esac
    service "$2" | fact "$1_unit"
    number=0
    for file in $(environment_files "$2"); do
        number=$((number + 1))
        fact "$1_environment_$number" <"$file"
    done
}
texts() { # all that has etcd's settings, except its configuration file
    service "$etcd_unit"
    for file in $(environment_files "$etcd_unit"); do cat "$file"; done
}
etcd_unit() {
    unit_facts etcd "$etcd_unit"
    config=$(texts | grep -ohE 'config-file("? "|[= ])/[^" ]*|ETCD_CONFIG_FILE="?/[^" ]*' | head -n 1)
    config=${config#"${config%%/*}"}
    [ ! -f "$config" ] || { echo "$config" | fact config_path && fact config <"$config"; }
    user=$(systemctl show --property=User -- "$etcd_unit" 2>/dev/null)
    id=$(id -u "${user#User=}" 2>/dev/null) && echo "$id:$(id -g "${user#User=}")" | fact owner
    { texts && [ ! -f "$config" ] || cat "$config"; } | peer_names -
}
