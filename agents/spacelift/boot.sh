# shellcheck shell=bash
# A Spacelift worker: verified launcher, secrets in its environment only. README.md lists the settings.

readonly launcher=$root/usr/bin/spacelift-launcher
readonly configuration=$root/etc/agent-fleets/configuration.sh
readonly ca_bundle=$root/etc/agent-fleets/ca-bundle.pem # on the host and in the containers of the runs
readonly domain=${AGENT_FLEETS_SPACELIFT_DOMAIN:-spacelift.io}
readonly worker_user=${AGENT_FLEETS_SPACELIFT_USER:-root}
readonly worker_uid=1983 # if the AMI has no such user
readonly worker_logs=$root/var/log/spacelift
readonly fingerprint=${AGENT_FLEETS_SPACELIFT_SIGNING_KEY_FINGERPRINT:-175FD97AD2358EFE02832978E302FB5AA29D88F7}
readonly proxy_variables=(HTTP_PROXY HTTPS_PROXY NO_PROXY)
readonly ca_variables=(SSL_CERT_FILE CURL_CA_BUNDLE GIT_SSL_CAINFO REQUESTS_CA_BUNDLE AWS_CA_BUNDLE NODE_EXTRA_CA_CERTS)

# pass NAME VALUE: adds a variable to the environment of the worker and its runs.
pass() {
  export "$1=$2"
  export AGENT_FLEETS_PASSED=${AGENT_FLEETS_PASSED:+$AGENT_FLEETS_PASSED,}$1
}

has_proxy() { [[ -n ${AGENT_FLEETS_SPACELIFT_HTTP_PROXY:-}${AGENT_FLEETS_SPACELIFT_HTTPS_PROXY:-} ]]; }
has_ca() { [[ -n ${AGENT_FLEETS_SPACELIFT_CA_CERTIFICATES:-} ]]; }

# use_proxy: sets the proxy for this program and the worker that it becomes, the CloudWatch agent, and Docker, which
# pulls the images. Calls of the metadata service never use a proxy.
use_proxy() {
  local name setting value for_docker='' for_logs='[proxy]'
  if ! has_proxy; then return 0; fi
  AGENT_FLEETS_SPACELIFT_NO_PROXY=${AGENT_FLEETS_SPACELIFT_NO_PROXY:+$AGENT_FLEETS_SPACELIFT_NO_PROXY,}169.254.169.254
  for name in "${proxy_variables[@]}"; do
    setting=AGENT_FLEETS_SPACELIFT_$name
    value=${!setting:-}
    if [[ -z $value ]]; then continue; fi
    if [[ $value == *[\'\"\\[:space:]]* ]]; then fail "$name has a quote, a backslash or a blank"; fi
    pass "$name" "$value"
    pass "${name,,}" "$value"
    for_docker+="$name='$value'"$'\n'
    for_logs+=$'\n'"${name,,} = '$value'"
  done
  write_file 600 "$root/etc/agent-fleets/docker.env" <<<"${for_docker%$'\n'}"
  write_file 644 "$root/etc/systemd/system/docker.service.d/agent-fleets.conf" <<UNIT
[Service]
EnvironmentFile=$root/etc/agent-fleets/docker.env
UNIT
  write_file 600 "$root/opt/aws/amazon-cloudwatch-agent/etc/common-config.toml" <<<"$for_logs"
}

# trust_ca: installs the certificates on this host, and makes one bundle of all trusted ones for the runs.
trust_ca() {
  local anchors=$root/etc/pki/ca-trust/source/anchors update=update-ca-trust bundle=$root/etc/pki/tls/certs/ca-bundle.crt
  local certificate name number=0
  if ! has_ca; then return 0; fi
  if ! command -v "$update" >/dev/null; then
    anchors=$root/usr/local/share/ca-certificates update=update-ca-certificates
    bundle=$root/etc/ssl/certs/ca-certificates.crt
  fi
  while read -r certificate; do
    number=$((number + 1))
    base64 -d <<<"$certificate" | write_file 644 "$anchors/agent-fleets-$number.crt"
  done <<<"$AGENT_FLEETS_SPACELIFT_CA_CERTIFICATES"
  "$update"
  write_file 644 "$ca_bundle" <"$bundle"
  for name in "${ca_variables[@]}"; do pass "$name" "$ca_bundle"; done
}

# reach_out: see the library. It may be repeated.
reach_out() {
  use_proxy
  trust_ca
}

restart_docker() {
  systemctl daemon-reload
  timeout 120 systemctl restart docker.service
}

make_worker_user() {
  local entry
  mkdir -p "$root/opt/spacelift" "$worker_logs"
  if [[ $worker_user != root ]]; then
    id -u "$worker_user" >/dev/null 2>&1 || useradd --uid "$worker_uid" --create-home "$worker_user"
    usermod --append --groups docker "$worker_user"
    chown -R "$worker_user" "$root/opt/spacelift" "$worker_logs"
  fi
  entry=$(getent passwd "$worker_user")
  IFS=: read -r _ _ _ _ _ HOME _ <<<"$entry"
  export HOME
}

# read_environment: reads lines VARIABLE=ARN[:KEY] into exported variables. The later of two lines for a variable wins.
read_environment() {
  local _sources _entry _name _source _arn _key _value
  mapfile -t _sources <<<"$AGENT_FLEETS_SPACELIFT_ENVIRONMENT"
  for _entry in "${_sources[@]}"; do
    IFS='=' read -r _name _source <<<"$_entry"
    case $_name in '' | [0-9]* | *[!A-Za-z0-9_]*) fail "'$_name' cannot be the name of a variable" ;; esac
    _arn=$_source _key=
    if [[ $_source != *:: && $_source =~ ^([^:]*:[^:]*:secretsmanager(:[^:]*){4}):(.+)$ ]]; then
      _arn=${BASH_REMATCH[1]} _key=${BASH_REMATCH[3]}
    fi
    read_secret_into _value "$_arn" "$_key"
    declare -gx "$_name=$_value"
  done
  for _name in SPACELIFT_TOKEN SPACELIFT_POOL_PRIVATE_KEY; do
    if [[ -z ${!_name:-} ]]; then fail "no source gives $_name"; fi
  done
}

# A token is base64 of JSON. The launcher refuses any other token.
is_fedramp() {
  local endpoint
  endpoint=$(printf '%s' "$SPACELIFT_TOKEN" | base64 -d | jq -r '.broker.endpoint | strings' || true) 2>/dev/null
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
      export GODEBUG=fips140=only
    fi
    download_launcher "spacelift-launcher$suffix-$machine" "$folder"
  fi
  rm -rf "$folder"
}

describe_worker() {
  local instance ami
  instance=$(imds instance-id)
  ami=$(imds ami-id)
  # The loop finds its workers by this group, so the name must be certain.
  if ! [[ $AGENT_FLEETS_GROUP =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ ]]; then
    fail "AGENT_FLEETS_GROUP, $(printf %q "$AGENT_FLEETS_GROUP"), is not the name of a group"
  fi
  export SPACELIFT_METADATA_instance_id=$instance SPACELIFT_METADATA_ami_id=$ami
  export SPACELIFT_METADATA_asg_id=$AGENT_FLEETS_GROUP
  export SPACELIFT_WORKER_COMMS_PROTOCOL=${AGENT_FLEETS_SPACELIFT_COMMS_PROTOCOL:-poll}
  if [[ $SPACELIFT_WORKER_COMMS_PROTOCOL == poll ]]; then
    export SPACELIFT_WORKER_COMMS_URL=${AGENT_FLEETS_SPACELIFT_COMMS_URL:-https://app.$domain}
  fi
}

# write_configuration: writes the user's shell text, readable by the worker's user only. Only `work` runs it.
write_configuration() {
  {
    base64 -d <<<"${AGENT_FLEETS_SPACELIFT_CONFIGURATION:-}"
    printf '\n:\n' # a last line such as `[[ -f x ]] && y` is no failure
  } | write_file 600 "$configuration"
  chown "$worker_user" "$configuration"
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
  log 'the boot begins'
  require aws curl docker getent jq timeout
  reach_out
  ship_logs
  if has_proxy || has_ca; then restart_docker; fi
  await_service
  make_worker_user
  read_environment
  install_launcher
  describe_worker
  write_configuration
  agent_begins
  if [[ $worker_user == root ]]; then exec /bin/bash "$0" work; fi
  exec runuser -u "$worker_user" -- /bin/bash "$0" work
}

# add_to VARIABLE LIST: puts the list before the user's own value.
add_to() { export "$1=$2${!1:+,${!1}}"; }

# work: the last stage, as the worker's user. After the user's configuration it only sets the network access of the
# runs.
work() {
  cd "$HOME"
  trap 'fail "the configuration ended with status $?"' EXIT
  set +u +o pipefail
  shopt -u inherit_errexit
  # shellcheck source=/dev/null
  source "$configuration"
  set -euo pipefail
  watch
  if [[ -n ${AGENT_FLEETS_PASSED:-} ]]; then add_to SPACELIFT_WHITELIST_ENVS "$AGENT_FLEETS_PASSED"; fi
  if has_ca; then add_to SPACELIFT_WORKER_EXTRA_MOUNTS "$ca_bundle:$ca_bundle"; fi
  unset AGENT_FLEETS_PASSED
  log 'the launcher starts'
  exec "$launcher" >>"$worker_logs/info.log" 2>>"$worker_logs/error.log"
}

"${@:-install_service}"
