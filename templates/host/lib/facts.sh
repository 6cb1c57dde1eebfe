export LC_ALL=C
read -r mark </proc/sys/kernel/random/uuid # nothing that was written before can contain it
told() { # [NAME]: all that is printed until the next call is the value of NAME
    printf '\n%s%s\n' "$mark" "${1:+ $1}"
}
fact() { # NAME: standard input is its value
    told "$1"
    cat
    told
}
