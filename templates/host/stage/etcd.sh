# Copies etcd itself out of its image into the run's folder.
# values: image program
#   program   where the copy goes
place=image path=$image version= member= copy=$program names=etcd
{% include "host/lib/copy_program.sh" %}
