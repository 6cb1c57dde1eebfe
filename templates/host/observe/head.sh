# Prints the first bytes of a file, or their sha256.
# values: path bytes [hashed]
if [ -n "$hashed" ]; then head -c "$bytes" "$path" | sha256sum; else head -c "$bytes" "$path"; fi
