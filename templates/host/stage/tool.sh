# Copies etcd's restore tool into the run's folder.
# values: place path [version] [member] copy
#   place     host, running (in the container of the etcd that has MEMBER open) or image
#   path      the program's path there, or the image
#   version   which it must have
names="etcdutl etcdctl"
{% include "host/lib/copy_program.sh" %}
