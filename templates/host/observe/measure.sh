# Prints the size and the kind of a file, and its sha256 if that is asked for.
# values: path [hashed]
stat -L -c '%s %F' "$path" && { [ -z "$hashed" ] || sha256sum <"$path"; }
