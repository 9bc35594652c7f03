#!/bin/sh
# check.sh NAME [SCENARIO]: one check of the collection. tools/stages.py runs them in order and counts.
set -eu
# shellcheck source=env.sh
. "$(dirname -- "$0")/env.sh"

# ansible-test wants a collection's path, writes into it, and downloads a pip bootstrap: so a copy of the installed copy
sanity() {
    copy=$AI_STACK_CACHE/sanity/ansible_collections/sovereign/ai_stack
    rm -rf "$copy"
    mkdir -p "$copy" "$HOME/.ansible/test/cache"
    cp -r "$AI_STACK_COPY/." "$copy"
    rm -f "$copy/MANIFEST.json" "$copy/FILES.json"
    package=$(python -c 'import ansible_test, os; print(os.path.dirname(ansible_test.__file__))')
    for version in $(grep -o "pip='[0-9.]*'" "$package/_internal/python_requirements.py" | tr -cd '0-9.\n' | tr . _); do
        bootstrap=$HOME/.ansible/test/cache/get_pip_$version.py
        # one that ansible-test downloaded itself stays; an older one of ours does not
        # shellcheck disable=SC2015 # the copy is meant for both
        [ -e "$bootstrap" ] && ! grep -q sovereign.ai_stack "$bootstrap" || cp tools/ansible_test_pip.py "$bootstrap"
    done
    cd "$copy"
    # pyenv's shims answer for versions that are not switched on, and ansible-test trips over them
    PATH=$(echo "$PATH" | tr : '\n' | grep -v '/shims$' | paste -sd:)
    # its own yamllint and shellcheck runs would repeat ours with other settings
    ansible-test sanity --local --python default --skip-test yamllint --skip-test shellcheck --color no </dev/null
}

# Ansible reads every playbook once in one process; ansible-lint would start it for each of them
lint() {
    # a group of an inventory has hosts too; playbooks of another tool's Ansible are for its modules
    git grep -lE '^(- |  )(hosts|ansible[.]builtin[.]import_playbook):' -- '*.yml' ':!*/hosts.yml' ':!*/inventory.yml' ':!*/osa/*' |
        xargs ansible-playbook --syntax-check --inventory localhost, >/dev/null
    python tools/ansible_lint.py --offline --strict
}

# without its own run of ansible-lint, which would repeat ours
importer() {
    cp "$AI_STACK_CACHE"/tarball/sovereign-ai_stack-*.tar.gz "${work:=$(mktemp -d)}"
    trap 'rm -rf "$work"' EXIT
    cd "$work"
    printf '[galaxy-importer]\nRUN_ANSIBLE_TEST=False\nRUN_FLAKE8=False\nRUN_ANSIBLE_LINT=False\nCHECK_REQUIRED_TAGS=True\n' >galaxy-importer.cfg
    GALAXY_IMPORTER_CONFIG=$work/galaxy-importer.cfg python -m galaxy_importer.main ./*.tar.gz
}

# Molecule remembers "created" in a folder of its own, and then talks to hosts that an ended run took along: so it forgets first
scenario() {
    molecule reset -s "$1"
    # the lab's hosts stay for the next scenario; a machine of its own goes with it, whatever came out
    destroy=never
    ! grep -q '^shared_state: false' "molecule/$1/molecule.yml" || destroy=always
    molecule test -s "$1" --destroy="$destroy" --report </dev/null
}

case ${1:-} in
ansible-lint) lint ;;
yamllint) yamllint --strict . ;;
ruff) ruff check . ;;
shellcheck) git ls-files -z '*.sh' .ci/run | xargs -0 shellcheck ;;
sanity) sanity ;;
galaxy-importer) importer ;;
docs-lint) antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs=self . && antsibull-changelog lint ;;
unit) pytest -q -n 2 -m 'not long' tests/unit ;;
unit-long) pytest -q -n 2 -m long tests/unit ;;
pages) sh tools/install.sh browser && AI_STACK_NEEDS_BROWSER=1 pytest -q tests/pages ;;
shape) pytest -q tests/shape ;;
oracle) pytest -q -m 'not long' tests/oracle ;;
oracle-long) pytest -q -m long tests/oracle ;;
rules-bite) python tools/disable_rules.py ;;
other-core) tools/other_core.sh ;;
machine) sh tools/install.sh machine && molecule/shared/machine/machine.py build ;;
programs) ansible-playbook sovereign.ai_stack.lab -i molecule/shared/kubernetes/site -e lab_state=programs </dev/null ;;
lab-up) molecule reset -s default && molecule create -s default </dev/null ;;
scenario) scenario "$2" ;;
lab-down) tools/lab.sh down ;;
*) echo "check.sh: unknown check '${1:-}'" >&2; exit 2 ;;
esac
