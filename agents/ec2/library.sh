# shellcheck shell=bash
# What the boot program of every vendor needs; README.md says how a program is put together. Bash 4.4 or newer.
# A step is a plain line: bash ignores `set -e` in everything that an `if`, `!`, `&&` or `||` decides on, however deep.
set -euo pipefail
shopt -s inherit_errexit

readonly root=${AGENT_FLEETS_ROOT:-} # tests put a folder before every path
readonly metadata_service=${AGENT_FLEETS_IMDS:-http://169.254.169.254}
readonly home=$root/usr/local/lib/agent-fleets
readonly logs=$root/var/log/agent-fleets
readonly run=$root/run/agent-fleets # empty at each start of the host
readonly power_off_delay=${AGENT_FLEETS_POWER_OFF_DELAY_SECONDS:-60}
unit_lines=() # lines that a vendor adds to [Service] of its agent's unit

# log TEXT
log() { TZ=UTC printf '%(%FT%TZ)T agent-fleets: %s\n' -1 "$1" >&2; }

# fail TEXT: ends the program. The instance then powers off and its group replaces it. The console (EC2's "system log")
# has the reason where no other log gets out.
fail() {
  reason_is_known=true
  log "FAILED: $1"
  { printf 'agent-fleets: FAILED: %s\n' "$1" >>"$root/dev/console"; } 2>/dev/null || true
  exit 1
}

# What no `fail` has told of: the command as it stands in the program, before anything in it is expanded.
end_of_program() {
  if [[ $1 -eq 0 ]]; then return 0; fi
  if [[ -z ${reason_is_known:-} ]]; then log "FAILED with status $1: $2"; fi
  "$after_failure"
}
watch() { trap 'end_of_program "$?" "$BASH_COMMAND"' EXIT; }
after_failure=true
watch

# try COMMAND…: runs it with a live `set -e` of its own and leaves its status in $tried. Refuses to work in a condition.
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

# retry ATTEMPTS PAUSE COMMAND…: the pause, in seconds, doubles each time. The command is logged: no secrets in it.
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

# require COMMAND…: what the AMI must bring.
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
    *) fail "no agent is made for the architecture $machine" ;;
  esac
}

# write_file MODE PATH: standard input becomes the file, at once and never readable to more than MODE says.
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

# fetch URL FILE: https only; a transfer below 10 kB/s for 30 s counts as broken.
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

# What the metadata service says of an instance, byte for byte. Whatever else comes, such as an empty text or the page of a
# portal, is never used.
declare -rA forms=(
  [instance-id]='i-([0-9a-f]{8}|[0-9a-f]{17})'
  [ami-id]='ami-([0-9a-f]{8}|[0-9a-f]{17})'
  [tags/instance/AgentFleetsRole]='floor|burst'
  [autoscaling/target-lifecycle-state]='InService|Terminated|Detached|Standby|Warmed:(Hibernated|Running|Stopped|Terminated)'
)
readonly nothing_there=44 # status of imds_once

imds_curl() { curl --silent --show-error --noproxy '*' --connect-timeout 2 --max-time 5 "$@" | tr '\0' '?'; }

# imds_once PATH: one question to the metadata service (version 2). Prints an answer of the form of PATH; status 44 where there
# is none (404). Fails in a condition as well.
imds_once() {
  local LC_ALL=C token answer code
  token=$(imds_curl --fail -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$metadata_service/latest/api/token")
  if ! [[ $token =~ ^[A-Za-z0-9+/=_-]+$ ]]; then
    log 'the metadata service gives no token'
    return 1
  fi
  # The status comes last, so that no line break of the answer is lost.
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

# imds PATH: prints what the metadata service has there.
imds() { retry 5 1 imds_once "$1"; }

# aws_cli ARGUMENTS…: within a minute. Text comes out as UTF-8 whatever the locale of the boot is.
aws_cli() {
  LC_ALL=C.UTF-8 AWS_PAGER='' AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=3 \
    timeout 60 aws --cli-connect-timeout 5 --cli-read-timeout 20 --output text "$@"
}

# clean VARIABLE: takes off what surrounds a secret and nobody means: line breaks of any kind, blanks, byte-order marks. Text of
# several lines, such as a key, keeps one line break at its end: some programs refuse a key without.
clean() {
  local LC_ALL=C _text=${!1} _before='' _end='' _bom=$'\xef\xbb\xbf'
  until [[ $_text == "$_before" ]]; do
    _before=$_text _text=${_text#"$_bom"}
    _text=${_text%"$_bom"}
    _text=${_text#"${_text%%[![:space:]]*}"}
    _end+=${_text##*[![:space:]]}
    _text=${_text%"${_text##*[![:space:]]}"}
  done
  if [[ $_text == *$'\n'* && $_end == *$'\n'* ]]; then _text+=$'\n'; fi
  printf -v "$1" '%s' "$_text"
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
  # The dot keeps $( ) from eating newlines. One newline is the client's own.
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

# read_secret ARN: prints the text of a secret or parameter, clean. It is tried for four minutes: a fleet's first instance
# is up before anybody has filled its secrets.
read_secret() { retry 8 2 secret_text "$1"; }

# read_secret_into VARIABLE ARN [KEY]: of a secret that holds a JSON object, KEY alone is taken, and cleaned as well.
read_secret_into() {
  local _text
  _text=$(
    read_secret "$2"
    printf .
  )
  _text=${_text%.}
  if [[ -n ${3:-} ]]; then
    _text=$(printf '%s' "$_text" | jq -ej --arg key "$3" '.[$key] | strings' 2>/dev/null && printf . || true)
    _text=${_text%.}
    clean _text
    if [[ -z $_text ]]; then fail "$2 holds no text under the key $3"; fi
  fi
  printf -v "$1" '%s' "$_text"
}

# role_of_agent [SECONDS]: prints the role that the loop gave this instance by its tag; burst if none comes in time.
role_of_agent() {
  local seconds=${1:-120} deadline role
  deadline=$((SECONDS + seconds))
  until role=$(imds_once tags/instance/AgentFleetsRole 2>/dev/null); do
    if ((SECONDS >= deadline)); then
      log "no role came by the tag AgentFleetsRole within $seconds s: burst, so this agent leaves when it is idle"
      log 'either the tag was never written, or this type of instance shows only the tags that it was launched with'
      role=burst
      break
    fi
    sleep 2
  done
  printf '%s' "$role"
}

# target_lifecycle_state: prints the state that the group has in mind for this instance; nothing for an instance of no group.
target_lifecycle_state() {
  local status=0
  imds_once autoscaling/target-lifecycle-state || status=$?
  if [[ $status -ne $nothing_there ]]; then return "$status"; fi
}

# await_service: returns once the group wants this instance in service. An instance of a warm pool starts long before that, and
# may be stopped meanwhile. One that the group takes away already gets no agent, which would only get a job to lose: it
# waits for its end. An instance of no group is somebody's own and gets its agent.
await_service() {
  local state said=-
  while true; do
    state=$(retry 8 1 target_lifecycle_state)
    if [[ $state == InService || (-z $state && ${AGENT_FLEETS_WARM_POOL:-false} != true) ]]; then return 0; fi
    if [[ $state != "$said" ]]; then
      log "no agent is started: the group wants this instance ${state:-nowhere yet}. Waiting until it is wanted in service"
      said=$state
    fi
    sleep 5
  done
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

uptime_seconds() {
  local uptime=
  read -r uptime _ <"$root/proc/uptime" || true
  printf '%d' "${uptime%%.*}"
}

# agent_begins: the last step of `start` before it becomes the agent. What comes after it is no failed boot any more.
agent_begins() {
  await_service
  mkdir -p "$run"
  uptime_seconds >"$run/agent"
  if ((${AGENT_FLEETS_REGISTRATION_GRACE_SECONDS:-0} > 0)); then
    try systemd-run --quiet --collect --unit=agent-fleets-registration \
      --property="StandardError=append:$logs/boot.log" /bin/bash "$home/boot" check_registration
    if [[ $tried -ne 0 ]]; then log 'nobody will look whether the agent registers'; fi
  fi
}

# registration: prints `yes` if the agent of this start has registered, `no` if that is proven not to be so, else `unclear`.
# look_at_agent: runs every few seconds meanwhile, and writes down what `registration` must know. Each vendor has its own.
registration() { printf unclear; }
look_at_agent() { :; }

state_of_unit() { systemctl show --property=ActiveState --value agent-fleets.service; }

# check_registration: runs beside the agent until the grace is over. Then only an agent that surely has not registered is told
# to leave, and nobody looks again.
check_registration() {
  local grace=$AGENT_FLEETS_REGISTRATION_GRACE_SECONDS second registered
  for ((second = 0; second < grace; second += 5)); do
    sleep 5
    if [[ $(state_of_unit) != active ]]; then return 0; fi
    look_at_agent
  done
  registered=$(registration)
  if [[ $registered != no ]]; then
    log "the agent stays: whether it has registered within $grace s? $registered"
    return 0
  fi
  log "the agent has not registered within $grace s and is told to leave"
  : >"$run/never-registered"
  systemctl --no-block stop agent-fleets.service
}

left_well() {
  local end
  end=$(systemctl show --property=ExecMainCode,ExecMainStatus agent-fleets.service || true)
  [[ $end == *ExecMainCode=1* && $end == *ExecMainStatus=0* ]] # exited, with status 0
}

# failed_launch: prints why this instance was launched in vain, nothing where it was not. An agent that was told to leave, but
# has turned out to be registered, was not.
failed_launch() {
  local told=false age
  if [[ -e $run/never-registered ]]; then told=true; fi
  if [[ -e $run/drained ]] || { [[ $told == false ]] && left_well; }; then return 0; fi
  if [[ ! -e $run/agent ]]; then
    printf boot-failed
    return 0
  fi
  age=$(($(uptime_seconds) - $(<"$run/agent")))
  if [[ $(registration) != yes ]] && { [[ $told == true ]] || ((age < ${AGENT_FLEETS_BOOT_SECONDS:-0})); }; then
    printf never-registered
  fi
}

# reach_out: what it takes to call AWS from this host. A vendor with proxies has its own.
reach_out() { :; }

# send_reason REASON: into the release queue, where SQS itself says which instance it comes from. What jobs have put into a home
# has no say in this.
send_reason() {
  export HOME=/nonexistent AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
  retry 4 2 aws_cli --region "$AGENT_FLEETS_REGION" sqs send-message \
    --queue-url "$AGENT_FLEETS_RELEASE_QUEUE_URL" --message-body "{\"reason\":\"$1\"}"
}

report() {
  reach_out
  send_reason "$1" >/dev/null
}

# power_off: ends the instance, late enough for its logs to get out. The fleet hears of a launch in vain. The instance then stays
# until the fleet had its chance to end it, because one that powers off is replaced at once by its group, and the same
# failure again would come round for ever. Where the loop sees no agents, burst instances do not wait. An agent that left well
# has only to be released; if nobody does that, its host stays so long that nobody takes its end for a failure.
power_off() {
  local earliest=${AGENT_FLEETS_EARLIEST_POWER_OFF_SECONDS:-0} reason uptime
  if [[ ${AGENT_FLEETS_POWER_OFF:-true} != true ]]; then
    log 'not powering off, as AGENT_FLEETS_POWER_OFF wants'
    return 0
  fi
  reason=$(failed_launch)
  if [[ -n $reason ]]; then
    log "launched in vain: $reason"
    try report "$reason"
    if [[ $tried -ne 0 ]]; then log 'the fleet could not be told'; fi
  fi
  log "powering off in $power_off_delay s"
  sleep "$power_off_delay"
  if [[ -z $reason ]] && left_well; then
    earliest=${AGENT_FLEETS_BOOT_SECONDS:-$earliest}
  elif [[ $(imds_once tags/instance/AgentFleetsRole 2>/dev/null || true) == burst ]]; then
    earliest=0
  fi
  uptime=$(uptime_seconds)
  if ((uptime > 0 && uptime < earliest)); then
    log "staying for another $((earliest - uptime)) s"
    sleep "$((earliest - uptime))"
  fi
  systemctl poweroff || poweroff --force
}

# install_service: what user data does. The program becomes a unit that runs `start` each time the host starts, and
# whose end, however it comes, powers the host off. That is refused while the host shuts down already.
install_service() {
  after_failure=power_off
  local units=$root/etc/systemd/system line lines=''
  for line in "${unit_lines[@]}"; do lines+=$line$'\n'; done
  write_file 755 "$home/boot" <"$0"
  mkdir -p "$logs"
  write_file 644 "$units/agent-fleets.service" <<UNIT
[Unit]
Description=Agent of agent-fleets
Wants=network-online.target
After=network-online.target docker.service

[Service]
ExecStart=/bin/bash $home/boot start
ExecStopPost=-$(command -v systemctl) --no-block start agent-fleets-power-off.service
Environment=HOME=/root
TimeoutStopSec=infinity
StandardOutput=append:$logs/boot.log
StandardError=append:$logs/boot.log
$lines
[Install]
WantedBy=multi-user.target
UNIT
  write_file 644 "$units/agent-fleets-power-off.service" <<UNIT
[Unit]
Description=Power-off after the agent has ended

[Service]
Type=oneshot
ExecStart=/bin/bash $home/boot power_off
StandardOutput=append:$logs/boot.log
StandardError=append:$logs/boot.log
UNIT
  systemctl daemon-reload
  systemctl enable agent-fleets.service
  systemctl --no-block start agent-fleets.service
}
