#!/bin/sh
# picture.sh: what the role nova_pci_passthrough can leave on a host, one sorted line a thing, so that two pictures can be compared.
export LC_ALL=C
{
    find /etc/nova /etc/placement -type f -exec sha256sum {} + 2>/dev/null | sed 's/^/file /'
    find /etc/nova /etc/placement -name '50-ai-stack-*' -printf 'ours %p %m %u %g\n' 2>/dev/null
    find /var/lib/ai-stack/nova_pci_passthrough -type f -printf 'remembers %f\n' 2>/dev/null
    # a copy that was judged has passwords in it
    find /run -maxdepth 1 -name 'ai-stack-nova-*' | sed 's/^/left /'
    for unit in nova-api nova-conductor nova-scheduler nova-compute placement-api; do
        [ "$(systemctl show --property LoadState --value "$unit")" = loaded ] || continue
        # whether the process that runs began after our files were written
        since=$(date --date "$(systemctl show --property ExecMainStartTimestamp --value "$unit")" +%s) read=new
        for file in /etc/nova/nova.conf.d/50-ai-stack-pci.conf /etc/placement/placement.conf.d/50-ai-stack-pci.conf; do
            [ ! -e "$file" ] || [ "$since" -ge "$(stat --format %Y "$file")" ] || read=old
        done
        echo "unit $unit $(systemctl is-active "$unit") $read"
    done
} | sort -u
