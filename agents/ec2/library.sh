# shellcheck shell=bash
# Functions for every vendor's boot program. README.md describes how a program is put together. Bash 4.4 or newer.
# A step is a plain line: bash ignores `set -e` in every condition of `if`, `!`, `&&` or `||`, at any depth.
set -euo pipefail
shopt -s inherit_errexit

readonly root=${AGENT_FLEETS_ROOT:-} # tests set a folder that comes before every path
readonly metadata_service=${AGENT_FLEETS_IMDS:-http://169.254.169.254}
readonly home=$root/usr/local/lib/agent-fleets
readonly logs=$root/var/log/agent-fleets
readonly run=$root/run/agent-fleets # empty at each start of the host
readonly power_off_delay=${AGENT_FLEETS_POWER_OFF_DELAY_SECONDS:-60}
unit_lines=() # lines that a vendor adds to [Service] of its agent's unit

# log TEXT
log() { TZ=UTC printf '%(%FT%TZ)T agent-fleets: %s\n' -1 "$1" >&2; }

# fail TEXT: ends the program. The instance then powers off and its group replaces it. The console (EC2's "system log")
# has the reason even if no other log can be sent.
fail() {
  reason_is_known=true
  log "FAILED: $1"
  { printf 'agent-fleets: FAILED: %s\n' "$1" >>"$root/dev/console"; } 2>/dev/null || true
  exit 1
}

# Logs failures without `fail`: the command as in the program's text, before any expansion.
end_of_program() {
  if [[ $1 -eq 0 ]]; then return 0; fi
  if [[ -z ${reason_is_known:-} ]]; then log "FAILED with status $1: $2"; fi
  "$after_failure"
}
watch() { trap 'end_of_program "$?" "$BASH_COMMAND"' EXIT; }
after_failure=true
watch

# try COMMAND…: runs it with its own active `set -e` and stores its status in $tried. Refuses to run in a condition.
try() {
  set +e
  (
    set -e
    false
    true
  )
  tried=$?
  if [[ $tried -eq 0 ]]; then fail "$1 is called in a condition, where it cannot fail"; fi
  (
    set -e
    "$@"
  )
  tried=$?
  set -e
}

# retry ATTEMPTS PAUSE COMMAND…: the pause, in seconds, doubles each time. It logs the command, which must hold no
# secrets.
retry() {
  local attempts=$1 pause=$2 attempt
  shift 2
  for ((attempt = 1; ; attempt++)); do
    try "$@"
    if [[ $tried -eq 0 ]]; then return 0; fi
    if ((attempt >= attempts)); then break; fi
    log "attempt $attempt of $attempts ended with status $tried, again in $pause s: $*"
    sleep "$pause"
    pause=$((pause * 2))
  done
  fail "gave up after $attempts attempts, the last with status $tried: $*"
}

# require COMMAND…: commands that the AMI must have.
require() {
  local name missing=()
  for name in "$@"; do
    command -v "$name" >/dev/null || missing+=("$name")
  done
  if ((${#missing[@]} > 0)); then fail "this AMI lacks ${missing[*]}"; fi
}

# architecture: prints x86_64 or aarch64.
architecture() {
  local machine
  machine=$(uname -m)
  case $machine in
    x86_64 | aarch64) printf '%s' "$machine" ;;
    *) fail "there is no agent for the architecture $machine" ;;
  esac
}

# write_file MODE PATH: standard input becomes the file, in one step and never with more rights than MODE.
write_file() {
  local new=$2.new
  mkdir -p "$(dirname "$2")"
  (
    umask 077
    cat >"$new"
  )
  chmod "$1" "$new"
  mv -f "$new" "$2"
}

# fetch URL FILE: https only. A transfer below 10 kB/s for 30 s counts as broken.
fetch() {
  retry 5 2 curl --silent --show-error --fail --location --proto '=https' --proto-redir '=https' \
    --connect-timeout 10 --max-time 300 --speed-limit 10000 --speed-time 30 --output "$2" "$1"
}

# verify_sha256 FILE SUM
verify_sha256() {
  local actual
  actual=$(sha256sum "$1")
  if [[ ${actual%% *} != "$2" ]]; then fail "checksum of ${1##*/} is ${actual%% *}, not $2"; fi
}

# The exact forms of the metadata that the boot reads. It never uses an answer of another form, such as an empty text or
# a page of HTML.
declare -rA forms=(
  [instance-id]='i-([0-9a-f]{8}|[0-9a-f]{17})'
  [ami-id]='ami-([0-9a-f]{8}|[0-9a-f]{17})'
  [tags/instance/AgentFleetsRole]='floor|burst'
  [autoscaling/target-lifecycle-state]='InService|Terminated|Detached|Standby|Warmed:(Hibernated|Running|Stopped|Terminated)'
)
readonly nothing_there=44 # status of imds_once

imds_curl() { curl --silent --show-error --noproxy '*' --connect-timeout 2 --max-time 5 "$@" | tr '\0' '?'; }

# imds_once PATH: asks the metadata service (version 2) once. Prints an answer of the form for PATH; status 44 if there
# is none (404). Fails even in a condition.
imds_once() {
  local LC_ALL=C token answer code
  token=$(imds_curl --fail -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$metadata_service/latest/api/token")
  if ! [[ $token =~ ^[A-Za-z0-9+/=_-]+$ ]]; then
    log 'the metadata service gives no token'
    return 1
  fi
  # The status comes last, so that the answer's line breaks are kept.
  answer=$(imds_curl --write-out '%{http_code}' -H @- "$metadata_service/latest/meta-data/$1" \
    <<<"X-aws-ec2-metadata-token: $token")
  code=${answer: -3} answer=${answer%???}
  if [[ $code == 404 ]]; then return "$nothing_there"; fi
  if [[ $code != 200 ]] || ! [[ $answer =~ ^(${forms[$1]})$ ]]; then
    log "the metadata service answers $code for $1, with $(printf %q "${answer:0:60}")"
    return 1
  fi
  printf '%s' "$answer"
}

# imds PATH: prints the metadata at PATH.
imds() { retry 5 1 imds_once "$1"; }

# aws_cli ARGUMENTS…: within a minute. Its text is UTF-8 in any locale of the boot.
aws_cli() {
  LC_ALL=C.UTF-8 AWS_PAGER='' AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=3 \
    timeout 60 aws --cli-connect-timeout 5 --cli-read-timeout 20 --output text "$@"
}

# clean VARIABLE: removes line breaks, blanks and byte-order marks from both ends of a secret. A text of several lines,
# such as a key, keeps one line break at its end: OpenSSH refuses a key without it.
clean() {
  local LC_ALL=C _kept=${!1} _before='' _end='' _mark=$'\xef\xbb\xbf'
  until [[ $_kept == "$_before" ]]; do
    _before=$_kept _kept=${_kept#"$_mark"}
    _kept=${_kept%"$_mark"}
    _kept=${_kept#"${_kept%%[![:space:]]*}"}
    _end+=${_kept##*[![:space:]]}
    _kept=${_kept%"${_kept##*[![:space:]]}"}
  done
  if [[ $_kept == *$'\n'* && $_end == *$'\n'* ]]; then _kept+=$'\n'; fi
  printf -v "$1" '%s' "$_kept"
}

secret_text() {
  local arn=$1 region kind text
  IFS=: read -r _ _ kind region _ <<<"$arn"
  case $kind in
    secretsmanager) set -- secretsmanager get-secret-value --secret-id "$arn" --query SecretString ;;
    ssm) set -- ssm get-parameter --name "$arn" --with-decryption --query Parameter.Value ;;
    *)
      log "$arn is neither of Secrets Manager nor of SSM"
      return 1
      ;;
  esac
  # The dot stops $( ) from removing newlines. One newline is from the client itself.
  text=$(
    aws_cli --region "$region" "$@"
    printf .
  )
  text=${text%$'\n'.}
  clean text
  if [[ -z $text || $text == None ]]; then
    log "$arn holds no text: give the secret a value"
    return 1
  fi
  printf '%s' "$text"
}

# read_secret ARN: prints the clean text of a secret or parameter. Tries for four minutes: a fleet's first instance
# starts before anybody has filled its secrets.
read_secret() { retry 8 2 secret_text "$1"; }

# read_secret_into VARIABLE ARN [KEY]: with KEY, takes only this key of the secret's JSON object, and cleans it, too.
# ARN:KEY:: means the same, as ECS writes it.
read_secret_into() {
  local _text _from=$2 _field=${3:-}
  if [[ $_from =~ ^([^:]*:[^:]*:secretsmanager(:[^:]*){4}):([^:]+)::$ ]]; then
    _from=${BASH_REMATCH[1]} _field=${BASH_REMATCH[3]}
  fi
  _text=$(
    read_secret "$_from"
    printf .
  )
  _text=${_text%.}
  if [[ -n $_field ]]; then
    if ! command -v jq >/dev/null; then retry 3 5 timeout 300 dnf -y -q install jq; fi
    _text=$(printf '%s' "$_text" | jq -ej --arg key "$_field" '.[$key] | strings' 2>/dev/null && printf . || true)
    _text=${_text%.}
    clean _text
    if [[ -z $_text ]]; then fail "$_from holds no text under the key $_field"; fi
  fi
  printf -v "$1" '%s' "$_text"
}

start_log_agent() {
  local ctl=$root/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl
  if [[ ! -x $ctl ]]; then timeout 180 dnf -y -q install amazon-cloudwatch-agent; fi
  timeout 60 "$ctl" -a fetch-config -m ec2 -s -c "file:$root/etc/agent-fleets/cloudwatch-agent.json"
}

# ship_logs: sends AGENT_FLEETS_LOG_FILES to CloudWatch. A host without its log agent is still a host.
ship_logs() {
  local name path files=''
  if [[ -z ${AGENT_FLEETS_LOG_FILES:-} ]]; then return 0; fi
  while IFS='=' read -r name path; do
    case $name$path in *[!A-Za-z0-9/._-]*) fail "'$name=$path' of AGENT_FLEETS_LOG_FILES is no name and path" ;; esac
    files+="${files:+, }{\"file_path\": \"$path\", \"log_group_name\": \"$AGENT_FLEETS_LOG_GROUP/$name\","
    files+=" \"log_stream_name\": \"{instance_id}\"}"
  done <<<"$AGENT_FLEETS_LOG_FILES"
  write_file 644 "$root/etc/agent-fleets/cloudwatch-agent.json" <<JSON
{"agent": {"region": "$AGENT_FLEETS_REGION", "run_as_user": "root"},
 "logs": {"logs_collected": {"files": {"collect_list": [$files]}}}}
JSON
  try start_log_agent
  if [[ $tried -ne 0 ]]; then log "the CloudWatch agent does not start (status $tried): logs stay on this host"; fi
}
