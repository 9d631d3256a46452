#!/bin/bash
# Stands in for the agent's config.sh. STAND_IN_FAILURES tries fail; STAND_IN_KEEPS=1 writes the credential to a file.
cd "$(dirname "$0")" || exit
echo registering >>"$STAND_IN/events"
tries=$(grep -c registering "$STAND_IN/events")
printf '%s\0' "$@" >"$STAND_IN/config.args"
cat /proc/$$/environ >"$STAND_IN/config.environ"
if [ -e .agent ]; then
  echo 'Cannot configure the agent because it is already configured.'
  exit 1
fi
touch .agent .credentials_rsaparams
mkdir -p _diag
printf 'log\0of the registration' >_diag/Agent_1.log
/bin/sleep "${STAND_IN_REGISTRATION_SECONDS:-0}"
if [ "$tries" -le "${STAND_IN_FAILURES:-0}" ]; then
  echo 'Connecting to server ...'
  printf 'VS30063: You are not authorized to access it.\n\n'
  exit 1
fi
echo '{"scheme":"OAuth"}' >.credentials
if [ "${STAND_IN_KEEPS:-0}" = 1 ]; then echo "{\"token\":\"$VSTS_AGENT_INPUT_TOKEN\"}" >.credentials; fi
echo registered >>"$STAND_IN/events"
echo 'Settings Saved.'
