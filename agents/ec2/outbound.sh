# shellcheck shell=bash
# The way out of an instance (proxy, certificate authorities), and processes that hold nothing of this program. This part
# comes between life.sh and the vendor's program.

readonly ca_bundle=$root/etc/agent-fleets/ca-bundle.pem # on the host and in the containers of jobs
readonly ca_variables=(SSL_CERT_FILE CURL_CA_BUNDLE GIT_SSL_CAINFO REQUESTS_CA_BUNDLE AWS_CA_BUNDLE NODE_EXTRA_CA_CERTS)
readonly setup_seconds=1800
passed=() # what the agent and its jobs need: NAME=VALUE

# pass NAME VALUE: sets a variable for this program, the agent and its jobs.
pass() {
  export "$1=$2"
  passed+=("$1=$2")
}

has_proxy() { [[ -n ${AGENT_FLEETS_PROXY_URL:-} ]]; }
has_ca() { [[ -n ${AGENT_FLEETS_CA_CERTIFICATES:-}${AGENT_FLEETS_CA_CERTIFICATES_ARN:-} ]]; }

# percent_encode: prints standard input with each byte as %XX, for the user and password of a URL.
percent_encode() { od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g'; }

# use_proxy: sets the proxy for this program and the agent, the CloudWatch agent, and Docker, which pulls images. Calls of
# the metadata service never use a proxy. The proxy's own credentials come without it: straight from AWS.
use_proxy() {
  local url=${AGENT_FLEETS_PROXY_URL:-} none credentials user password name value for_docker='' for_logs='[proxy]'
  if ! has_proxy; then return 0; fi
  if [[ -n ${AGENT_FLEETS_PROXY_CREDENTIALS_ARN:-} ]]; then
    read_secret_into credentials "$AGENT_FLEETS_PROXY_CREDENTIALS_ARN"
    if [[ $credentials != *:* || $credentials == *$'\n'* ]]; then
      fail "$AGENT_FLEETS_PROXY_CREDENTIALS_ARN must hold user:password"
    fi
    user=$(printf '%s' "${credentials%%:*}" | percent_encode)
    password=$(printf '%s' "${credentials#*:}" | percent_encode)
    url=${url%%://*}://$user:$password@${url#*://}
  fi
  none=${AGENT_FLEETS_NO_PROXY:+$AGENT_FLEETS_NO_PROXY,}169.254.169.254
  for name in HTTP_PROXY HTTPS_PROXY NO_PROXY; do
    value=$url
    if [[ $name == NO_PROXY ]]; then value=$none; fi
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

# trust_ca: installs the certificates on this host, one a file, and makes one bundle of all trusted ones for jobs. Other
# text beside them, even a key, gets into no file.
trust_ca() {
  local anchors=$root/etc/pki/ca-trust/source/anchors update=update-ca-trust bundle=$root/etc/pki/tls/certs/ca-bundle.crt
  local text=${AGENT_FLEETS_CA_CERTIFICATES:-} certificate='' line name number=0
  if ! has_ca; then return 0; fi
  if [[ -z $text ]]; then read_secret_into text "$AGENT_FLEETS_CA_CERTIFICATES_ARN"; fi
  if ! command -v "$update" >/dev/null; then
    anchors=$root/usr/local/share/ca-certificates update=update-ca-certificates
    bundle=$root/etc/ssl/certs/ca-certificates.crt
  fi
  rm -f "$anchors"/agent-fleets-*.crt
  while IFS= read -r line; do
    line=${line%$'\r'}
    if [[ $line == *'-----BEGIN CERTIFICATE-----'* ]]; then certificate='-----BEGIN CERTIFICATE-----'$'\n'; continue; fi
    if [[ -z $certificate ]]; then continue; fi
    certificate+=$line$'\n'
    if [[ $line != *'-----END CERTIFICATE-----'* ]]; then continue; fi
    number=$((number + 1))
    write_file 644 "$anchors/agent-fleets-$number.crt" <<<"${certificate%$'\n'}"
    certificate=''
  done <<<"$text"
  if ((number == 0)); then fail 'vendor.caCertificates hold no certificates in PEM form'; fi
  "$update"
  write_file 644 "$ca_bundle" <"$bundle"
  for name in "${ca_variables[@]}"; do pass "$name" "$ca_bundle"; done
}

# reach_out: prepares calls from this host. It may be repeated.
reach_out() {
  use_proxy
  trust_ca
}

# restart_docker: so that it knows the proxy and the certificates.
restart_docker() {
  if ! has_proxy && ! has_ca; then return 0; fi
  if ! command -v docker >/dev/null; then return 0; fi
  systemctl daemon-reload
  timeout 120 systemctl restart docker.service
}

# alone: a bash program for a process that knows no name of this program: it takes its whole environment from file
# descriptor 3, as NAME=VALUE that end with NUL, and becomes the command of its arguments. No argument shows a secret.
# shellcheck disable=SC2016
readonly alone='mapfile -d "" -t -u 3; exec 3<&-; export -- "${MAPFILE[@]}"; unset MAPFILE; exec "$@"'

# run_setup: the user's own commands, as root, at each start of the host.
run_setup() {
  local script=$root/etc/agent-fleets/setup.sh
  if [[ -z ${AGENT_FLEETS_SETUP:-} ]]; then return 0; fi
  write_file 700 "$script" <<<"$AGENT_FLEETS_SETUP"
  log 'vendor.setup begins'
  try timeout "$setup_seconds" env -i /bin/bash -c "$alone" bash /bin/bash -e "$script" \
    3< <(printf '%s\0' HOME=/root USER=root LOGNAME=root LANG=C.UTF-8 "PATH=$PATH" "${passed[@]}") </dev/null
  case $tried in
    0) log 'vendor.setup has ended' ;;
    124) fail "vendor.setup did not end within $setup_seconds s" ;;
    *) fail "vendor.setup ended with status $tried" ;;
  esac
}
