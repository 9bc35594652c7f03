#!/bin/bash
# secret_on_host.sh: name every file of this host, and its journal, that holds the secret of standard input, as "MODE OWNER PATH"; no command line has it.
secret=$(cat)
printf %s "$secret" | grep -rlF --null -f - /etc /var /root /tmp /run /usr/local 2>/dev/null | xargs -0 -r stat --format '%a %U %n'
journalctl --quiet --output=verbose | grep -qF -f <(printf %s "$secret") && echo journal
exit 0
