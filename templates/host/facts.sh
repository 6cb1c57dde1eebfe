export LC_ALL=C
read -r mark </proc/sys/kernel/random/uuid # which nothing that was written before can hold
told() { # [NAME]: all that is printed from here on, up to the next call, is the value of that name
    printf '\n%s%s\n' "$mark" "${1:+ $1}"
}
fact() { # NAME: standard input is its value
    told "$1"
    cat
    told
}
