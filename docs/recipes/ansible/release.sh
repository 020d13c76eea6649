#!/bin/sh
# Asks people, and runs a playbook with the values that they have approved.
# How to use it: docs/recipes/ansible.md.
set -eu

: "${GATE_URL:?is the address of the gate}"
: "${GATE_KEY_FILE:?is the file with the key of the gate}"
: "${GATE_POLICY_FILE:?is the file with your policy}"
playbook=${1:?usage: release.sh PLAYBOOK VALUES.json}
values=${2:?usage: release.sh PLAYBOOK VALUES.json}

# Extra variables win over all others, so what runs has the approved values.
cosignet gate run --gate "$GATE_URL" --key-file "$GATE_KEY_FILE" --policy "$GATE_POLICY_FILE" \
  --action ansible.release --payload "$values" \
  -- sh -euc 'ansible-playbook --extra-vars "@$COSIGNET_PAYLOAD_FILE" "$1"' release "$playbook"
