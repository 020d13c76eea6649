#!/bin/sh
# Plans, asks people, and applies the plan that they have approved: that file and no other.
# How to use it: docs/recipes/terraform.md.
set -eu
umask 077

: "${GATE_URL:?is the address of the gate}"
: "${GATE_KEY_FILE:?is the file with the key of the gate}"
: "${GATE_POLICY_FILE:?is the file with your policy}"

private=$(mktemp -d)
trap 'rm -rf "$private"' EXIT

# 0: nothing to change; 2: there is something.
planned=0
terraform plan -input=false -detailed-exitcode -out="$private/plan" || planned=$?
case $planned in
  0) echo "Nothing is to be changed, and nobody is asked."; exit 0 ;;
  2) ;;
  *) echo "The plan failed, and nobody is asked." >&2; exit "$planned" ;;
esac

terraform show -json "$private/plan" > "$private/plan.json"
terraform workspace show > "$private/workspace"
sha256sum < "$private/plan" | cut -d' ' -f1 > "$private/sha256"
jq --rawfile sha256 "$private/sha256" --rawfile workspace "$private/workspace" '{
    changes: [.resource_changes[]
      | select(.change.actions | . != ["no-op"] and . != ["read"])
      | (.change.actions | join(" and ")) + " " + .address],
    plan_sha256: ($sha256 | rtrimstr("\n")),
    workspace: ($workspace | rtrimstr("\n"))
  }' "$private/plan.json" > "$private/payload.json"

cosignet gate run --gate "$GATE_URL" --key-file "$GATE_KEY_FILE" --policy "$GATE_POLICY_FILE" \
  --action terraform.apply --payload "$private/payload.json" \
  -- sh -euc '
    approved=$(jq -er .plan_sha256 "$COSIGNET_PAYLOAD_FILE")
    found=$(sha256sum < "$1" | cut -d" " -f1)
    if [ "$approved" != "$found" ]; then
      echo "The plan is not the one that was approved: nothing is applied." >&2
      exit 1
    fi
    terraform apply -input=false "$1"
  ' apply "$private/plan"
