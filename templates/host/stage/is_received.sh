# Exits 0 if the file has this sha256, and keeps it through a power cut.
# values: path sha256
{% include "host/lib/same_file.sh" %}
