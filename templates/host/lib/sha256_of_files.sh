sha256_of_files() ( # FOLDER: of all files in it, as sha256sum prints them
    cd "$1" || exit 1
    if command -v openssl >/dev/null; then # faster: see sha256.sh
        find . -type f -exec openssl dgst -sha256 -r {} + | while read -r sum path; do echo "$sum  ${path#\*}"; done
    else
        find . -type f -exec sha256sum {} +
    fi
)
