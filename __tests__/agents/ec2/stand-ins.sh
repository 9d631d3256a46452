#!/usr/bin/env bash
# Stands for the commands of an instance, by the name it is called by. $STAGE is the folder of the test:
#   calls       one line a call, with all arguments          faults/NAME  statuses, one a line, for the next calls of NAME
#   secrets/    text by ARN, "/" as "_"                       downloads/   files by the last part of their URL
#   messages    what was sent to a queue                  containers   what docker knows of
#   connections what ss prints
#   machine     what uname -m says                            real/        the commands that are not played
set -euo pipefail
name=${0##*/}
printf '%s %s\n' "$name" "$*" >>"$STAGE/calls"

if [[ -s $STAGE/faults/$name ]]; then
  read -r status <"$STAGE/faults/$name"
  sed -i 1d "$STAGE/faults/$name"
  if [[ $status == hang ]]; then exec "$STAGE/real/sleep" 30; fi
  if [[ $status != 0 ]]; then
    echo "$name: played to end with $status" >&2
    exit "$status"
  fi
fi

# after OPTION ARGUMENTS…: what follows the option.
after() {
  local option=$1
  shift
  while [[ $1 != "$option" ]]; do shift; done
  printf '%s' "$2"
}

value_of() {
  local file=$STAGE/secrets/${1//\//_}
  if [[ ! -e $file ]]; then
    echo "ResourceNotFoundException: $1" >&2
    exit 254
  fi
  if [[ ${LC_ALL:-} == *UTF-8 ]]; then cat "$file"; else LC_ALL=C tr '\200-\377' '?' <"$file"; fi
  echo
}

run_unit() {
  local unit=$AGENT_FLEETS_ROOT/etc/systemd/system/$1 log command commands environment
  log=$(sed -n 's/^StandardOutput=append://p' "$unit")
  mapfile -t environment < <(sed -n 's/^Environment=//p' "$unit")
  for setting in ExecStart ExecStopPost; do
    mapfile -t commands < <(sed -n "s/^$setting=-\{0,1\}//p" "$unit")
    for command in "${commands[@]}"; do
      # shellcheck disable=SC2086
      env "${environment[@]}" $command >>"$log" 2>&1 </dev/null || true
    done
  done
}

case $name in
  uname) cat "$STAGE/machine" ;;
  sleep) ;;
  timeout)
    # The commands of the user have a long time, which no slow machine needs.
    limit=1
    if [[ $1 == 1800 ]]; then limit=60; fi
    exec "$STAGE/real/timeout" "$limit" "${@:2}"
    ;;
  curl)
    url=${!#}
    if [[ $url == http://127.0.0.1:* ]]; then exec "$STAGE/real/curl" "$@"; fi
    if [[ ! -e $STAGE/downloads/${url##*/} ]]; then exit 22; fi
    cp "$STAGE/downloads/${url##*/}" "$(after --output "$@")"
    ;;
  aws)
    case "$*" in
      *'secretsmanager get-secret-value'*'--query SecretString') value_of "$(after --secret-id "$@")" ;;
      *'ssm get-parameter'*'--with-decryption --query Parameter.Value') value_of "$(after --name "$@")" ;;
      *' sqs send-message '*)
        printf '%s %s %s\n' "$HOME" "${AWS_CONFIG_FILE:-}" "${AWS_SHARED_CREDENTIALS_FILE:-}" >>"$STAGE/aws-files"
        if [[ -s $STAGE/faults/sqs ]]; then
          sed -i 1d "$STAGE/faults/sqs"
          exit 255
        fi
        after --message-body "$@" >>"$STAGE/messages"
        echo >>"$STAGE/messages"
        ;;
      's3 cp '*) cp "$STAGE/downloads/$(basename "${*: -2:1}")" "${!#}" ;;
      *) exit 252 ;;
    esac
    ;;
  systemctl)
    case "$*" in
      '--no-block start '*) run_unit "$3" ;;
      poweroff) touch "$STAGE/powered-off" ;;
    esac
    ;;
  getent) printf '%s:x:1983:1983::%s:/bin/bash\n' "$2" "$STAGE/home" ;;
  id) exit 1 ;;
  docker) cat "$STAGE/containers" 2>/dev/null || true ;;
  ss) cat "$STAGE/connections" ;;
  runuser) exec "${@:4}" ;;
  update-ca-trust)
    mkdir -p "$AGENT_FLEETS_ROOT/etc/pki/tls/certs"
    cat "$AGENT_FLEETS_ROOT"/etc/pki/ca-trust/source/anchors/* >"$AGENT_FLEETS_ROOT/etc/pki/tls/certs/ca-bundle.crt"
    ;;
esac
