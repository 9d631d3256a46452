# shellcheck shell=bash
# A Spacelift worker: verified launcher, secrets in its environment only. README.md lists the settings.

readonly launcher=$root/usr/bin/spacelift-launcher
readonly configuration=$root/etc/agent-fleets/configuration.sh
readonly domain=${AGENT_FLEETS_SPACELIFT_DOMAIN:-spacelift.io}
readonly worker_user=${AGENT_FLEETS_SPACELIFT_USER:-root}
readonly worker_uid=1983 # if the AMI has no such user
readonly worker=$root/etc/agent-fleets/worker.sh
readonly worker_logs=$root/var/log/spacelift
readonly fingerprint=${AGENT_FLEETS_SPACELIFT_SIGNING_KEY_FINGERPRINT:-175FD97AD2358EFE02832978E302FB5AA29D88F7}
worker_environment=() # NAME=VALUE, never in the environment of this program

make_worker_user() {
  local entry
  mkdir -p "$root/opt/spacelift" "$worker_logs"
  if [[ $worker_user != root ]]; then
    id -u "$worker_user" >/dev/null 2>&1 || useradd --uid "$worker_uid" --create-home "$worker_user"
    usermod --append --groups docker "$worker_user"
    chown -R "$worker_user" "$root/opt/spacelift" "$worker_logs"
  fi
  entry=$(getent passwd "$worker_user")
  IFS=: read -r _ _ _ _ _ worker_home _ <<<"$entry"
}

# read_environment: reads lines VARIABLE=ARN[:KEY] into the worker's environment. The later of two lines for a variable
# wins. Variables that bash sets itself cannot be passed on.
read_environment() {
  local sources entry name source arn key value
  local -A found=()
  mapfile -t sources <<<"$AGENT_FLEETS_SPACELIFT_ENVIRONMENT"
  for entry in "${sources[@]}"; do
    IFS='=' read -r name source <<<"$entry"
    case $name in
      '' | [0-9]* | *[!A-Za-z0-9_]* | _ | IFS | UID | EUID | PPID | SHELLOPTS | BASHOPTS | BASH_VERSINFO)
        fail "'$name' cannot be the name of a variable"
        ;;
    esac
    arn=$source key=''
    if [[ $source != *:: && $source =~ ^([^:]*:[^:]*:secretsmanager(:[^:]*){4}):(.+)$ ]]; then
      arn=${BASH_REMATCH[1]} key=${BASH_REMATCH[3]}
    fi
    read_secret_into value "$arn" "$key"
    worker_environment+=("$name=$value")
    found[$name]=$value
  done
  for name in SPACELIFT_TOKEN SPACELIFT_POOL_PRIVATE_KEY; do
    if [[ -z ${found[$name]:-} ]]; then fail "no source gives $name"; fi
  done
  token=${found[SPACELIFT_TOKEN]}
}

# A token is base64 of JSON. The launcher refuses any other token.
is_fedramp() {
  local endpoint
  endpoint=$(printf '%s' "$token" | base64 -d | jq -r '.broker.endpoint | strings' || true) 2>/dev/null
  [[ $endpoint == *.fedramp.spacelift.io ]]
}

# verify_signature FILE SIGNATURE: by the key with the pinned fingerprint. An expired key still proves the signer, and a
# fleet must not stop on the day of its expiry.
verify_signature() {
  local GNUPGHOME status
  GNUPGHOME=$(mktemp -d)
  export GNUPGHOME
  gpg --batch --quiet --import <<<"$AGENT_FLEETS_SPACELIFT_SIGNING_KEY"
  status=$(gpg --batch --status-fd 1 --verify "$2" "$1" || true)
  rm -rf "$GNUPGHOME"
  if ! grep -Eq "^\[GNUPG:\] VALIDSIG .* $fingerprint\$" <<<"$status"; then
    fail "the signature of ${1##*/} is not by the key $fingerprint"
  fi
}

# download_launcher NAME FOLDER
download_launcher() {
  local sums=${1}_SHA256SUMS sum
  fetch "https://downloads.$domain/$sums" "$2/$sums"
  fetch "https://downloads.$domain/$sums.sig" "$2/$sums.sig"
  verify_signature "$2/$sums" "$2/$sums.sig"
  fetch "https://downloads.$domain/$1" "$2/$1"
  read -r sum _ <"$2/$sums"
  verify_sha256 "$2/$1" "$sum"
  write_file 755 "$launcher" <"$2/$1"
}

copy_launcher() {
  retry 4 2 timeout 300 aws s3 cp --only-show-errors --region "$AGENT_FLEETS_REGION" \
    "$AGENT_FLEETS_SPACELIFT_LAUNCHER_S3_URI" "$1/launcher"
  write_file 755 "$launcher" <"$1/launcher"
}

install_launcher() {
  local folder machine suffix=''
  machine=$(architecture)
  folder=$(mktemp -d)
  if [[ -n ${AGENT_FLEETS_SPACELIFT_LAUNCHER_S3_URI:-} ]]; then
    copy_launcher "$folder"
  else
    require gpg
    if is_fedramp; then
      suffix=-fedramp
      worker_environment+=(GODEBUG=fips140=only)
    fi
    download_launcher "spacelift-launcher$suffix-$machine" "$folder"
  fi
  rm -rf "$folder"
}

describe_worker() {
  local instance ami protocol=${AGENT_FLEETS_SPACELIFT_COMMS_PROTOCOL:-poll}
  instance=$(imds instance-id)
  ami=$(imds ami-id)
  # The loop finds its workers by this group, so the name must be certain.
  if ! [[ $AGENT_FLEETS_GROUP =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ ]]; then
    fail "AGENT_FLEETS_GROUP, $(printf %q "$AGENT_FLEETS_GROUP"), is not the name of a group"
  fi
  worker_environment+=(
    "SPACELIFT_METADATA_instance_id=$instance" "SPACELIFT_METADATA_ami_id=$ami"
    "SPACELIFT_METADATA_asg_id=$AGENT_FLEETS_GROUP" "SPACELIFT_WORKER_COMMS_PROTOCOL=$protocol"
  )
  if [[ $protocol == poll ]]; then
    worker_environment+=("SPACELIFT_WORKER_COMMS_URL=${AGENT_FLEETS_SPACELIFT_COMMS_URL:-https://app.$domain}")
  fi
}

# write_configuration: writes the user's shell text, readable by the worker's user only, and the program that runs it
# and becomes the launcher. That program runs alone and has no variable of its own, so no name in the user's text matters.
# At its end it adds the network access of the runs to the user's own lists.
write_configuration() {
  local names=() each additions=''
  {
    base64 -d <<<"${AGENT_FLEETS_SPACELIFT_CONFIGURATION:-}"
    printf '\n:\n' # a last line such as `[[ -f x ]] && y` is no failure
  } | write_file 600 "$configuration"
  chown "$worker_user" "$configuration"
  for each in "${passed[@]}"; do names+=("${each%%=*}"); done
  if ((${#names[@]} > 0)); then additions+=$(addition SPACELIFT_WHITELIST_ENVS "${names[@]}"); fi
  if has_ca; then additions+=$(addition SPACELIFT_WORKER_EXTRA_MOUNTS "$ca_bundle:$ca_bundle"); fi
  write_file 644 "$worker" <<WORKER
cd -- "\$HOME"
trap 'printf "%(%FT%TZ)T agent-fleets: FAILED: the configuration ended with status %s\n" -1 "\$?" |
  /usr/bin/tee -a $root/dev/console >&2 2>/dev/null' EXIT
set -e
source $configuration
builtin trap - EXIT
builtin printf '%(%FT%TZ)T agent-fleets: the launcher starts\n' -1 >&2
builtin exec /usr/bin/env$additions $launcher >>$worker_logs/info.log 2>>$worker_logs/error.log
WORKER
}

# addition VARIABLE ITEM…: an argument for env, in bash: the items before the list in the variable.
addition() {
  local IFS=, name=$1
  shift
  # shellcheck disable=SC2016
  printf ' "%s=%s${%s:+,$%s}"' "$name" "$*" "$name" "$name"
}

# look_at_agent: stores whether the launcher held a connection, or that this is unknown. Linux shows 15 letters of its
# name.
look_at_agent() {
  local connections
  connections=$(ss -H -t -n -p state established) || connections=unknown
  case $connections in unknown | *'"spacelift-launc"'*) : >"$run/connected" ;; esac
}

# registration: the launcher's log is not documented. A registered worker holds a connection (mqtt) or polls repeatedly
# (poll), and Go keeps such a connection for 90 seconds. So a launcher that never held a connection, on a host where
# Docker ran nothing, has not registered: each run is a container.
registration() {
  local seen
  if ! seen=$(timeout 20 docker ps --all --quiet && timeout 20 docker events --since 240h --until 0s); then
    printf unclear
  elif [[ -n $seen ]]; then
    printf yes
  elif [[ -e $run/connected ]]; then
    printf unclear
  else
    printf no
  fi
}

# start: the unit runs it as root.
start() {
  local as_user=()
  log 'the boot begins'
  require aws curl docker getent jq timeout
  reach_out
  ship_logs
  restart_docker
  await_service
  make_worker_user
  run_setup
  read_environment
  install_launcher
  describe_worker
  write_configuration
  agent_begins
  if [[ $worker_user != root ]]; then as_user=(runuser -u "$worker_user" --); fi
  exec "${as_user[@]}" env -i /bin/bash -c "$alone" bash /bin/bash "$worker" 3< <(
    printf '%s\0' "HOME=$worker_home" "USER=$worker_user" "LOGNAME=$worker_user" SHELL=/bin/bash LANG=C.UTF-8 TZ=UTC \
      "PATH=$PATH" "${passed[@]}" "${worker_environment[@]}"
  )
}

"${@:-install_service}"
