# Exits 0 if that file is scheduled for the next pod start, or this run has let the host start since.
# values: path sha256 [lifts]
#   lifts   the folder of the step that lets the host start, if that counts
{% include "host/lib/lifted.sh" %}
{% include "host/lib/same_file.sh" %}
