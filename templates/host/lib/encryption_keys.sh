# encryption_keys FILE: the providers and the names of their keys, in the file's order. The rest of the file is secret:
# a line that has anything beside a name is left out.
encryption_keys() {
    grep -oE -e '^[ -]*(aescbc|aesgcm|secretbox|kms|identity):' -e '^[ -]*name: *["'\'']?[A-Za-z0-9._-]+["'\'']? *$' "$1"
}
