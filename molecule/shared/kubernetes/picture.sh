#!/bin/sh
# The state of a node that the role container_runtime is about, one thing a line; runs on the node.
find /etc/containerd /etc/apt/preferences.d /usr/local/sbin -type f -exec sha256sum {} + | sort -k 2
dpkg-query -W -f '${Package} ${Version} ${db:Status-Abbrev}\n' containerd.io
systemctl is-active containerd.service
containerd config dump | sha256sum
