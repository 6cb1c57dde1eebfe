export LC_ALL=C
fact() { # NAME: standard input becomes one line, name and base64, so that any bytes arrive whole
    printf '%s\t' "$1"
    base64 | tr -d '\n'
    echo
}
