#!/usr/bin/env bash
# Registers one Azure Pipelines agent and runs it for one job, which finds no credential. README.md lists the variables.
#
# /proc/<pid>/environ shows the start environment of a process for as long as it lives. So the script has two stages:
# the first registers and becomes the second by exec. The second never has the credential in its environment or memory.
# No job can run before that.
set -u

config_error=78     # EX_CONFIG of sysexits.h
never_registered=86 # the fleet recognizes it by this status
self=$0
case $self in /*) ;; *) self=$PWD/$self ;; esac

say() { printf 'agent-fleets: %s\n' "$1" >&2; }

# fail STATUS TEXT
fail() {
  say "$2"
  exit "$1"
}

# setting NAME DEFAULT: a whole number of up to four digits
setting() {
  local value=${!1:-$2}
  [[ $value =~ ^[0-9]{1,4}$ ]] || fail "$config_error" "$1 is '$value': it must be a whole number"
  printf '%s' "$((10#$value))"
}

forget_agent() { rm -f .agent .credentials .credentials_rsaparams; }

# --- First stage ---

# Sets the sign-in: `auth` for config.sh, and the credential, which config.sh gets as the environment variable `input`.
choose_credential() {
  unset credential # it may be exported already
  if [ -n "${AZP_TOKEN:-}" ] && [ -n "${AZP_CLIENTSECRET:-}" ]; then
    fail "$config_error" 'AZP_TOKEN and AZP_CLIENTSECRET are both set: set only one'
  elif [ -n "${AZP_CLIENTSECRET:-}" ]; then
    require AZP_CLIENTID AZP_TENANTID
    auth=(--auth SP --clientid "$AZP_CLIENTID" --tenantid "$AZP_TENANTID")
    input=VSTS_AGENT_INPUT_CLIENTSECRET
    credential=$AZP_CLIENTSECRET
  else
    require AZP_TOKEN
    auth=(--auth PAT)
    input=VSTS_AGENT_INPUT_TOKEN
    credential=$AZP_TOKEN
  fi
  clean_credential
  [ -n "$credential" ] || fail "$config_error" 'the registration credential is empty'
}

# Removes line breaks, blanks and byte-order marks around a secret.
clean_credential() {
  local LC_ALL=C before='' mark=$'\xef\xbb\xbf'
  until [ "$credential" = "$before" ]; do
    before=$credential
    credential=${credential#"$mark"}
    credential=${credential%"$mark"}
    credential=${credential#"${credential%%[![:space:]]*}"}
    credential=${credential%"${credential##*[![:space:]]}"}
  done
}

require() {
  local name
  for name; do
    [ -n "${!name:-}" ] || fail "$config_error" "$name is empty"
  done
}

# Prints the output of config.sh. Its last line becomes the reason.
show_report() {
  local line
  while IFS= read -r line || [ -n "$line" ]; do
    printf '%s\n' "$line"
    [[ $line =~ ^[[:space:]]*$ ]] || reason=$line
  done <"$report"
}

# One try. Sets `reason` if it fails.
register() {
  local status
  # config.sh refuses to run with files of an earlier try.
  forget_agent
  (
    export "$input=$credential"
    exec ./config.sh --unattended --acceptTeeEula --replace --url "$AZP_URL" --pool "$AZP_POOL" \
      --agent "$AZP_AGENT_NAME" --work "${AZP_WORK:-_work}" "${auth[@]}"
  ) >"$report" 2>&1 &
  wait "$!"
  status=$?
  reason="config.sh ended with status $status"
  show_report
  return "$status"
}

# An agent is registered when config.sh has succeeded, and never before. Until then no job can run, so ending the script
# is safe. A timer sends SIGALRM when the time for that is over.
start_timer() {
  timer=''
  [ "$grace" -gt 0 ] || return 0
  trap too_late ALRM
  (
    nap=''
    trap 'kill "$nap"; exit' TERM
    sleep "$grace" &
    nap=$!
    wait "$nap" && kill -ALRM "$$"
  ) &
  timer=$!
}

stop_timer() {
  [ -n "$timer" ] || return 0
  trap : ALRM # the signal may already be on its way
  kill -TERM "$timer" 2>/dev/null
  wait "$timer" 2>/dev/null
  trap - ALRM
}

too_late() {
  : "${reason:=config.sh printed nothing}"
  show_report
  fail "$never_registered" "not registered within $grace s: $reason"
}

# Some servers make agents store the registration credential. Jobs could read it.
refuse_kept_credential() {
  local file
  local -a parts
  for file in .[!.]* _diag/*; do
    [ -f "$file" ] || continue
    mapfile -d '' parts <"$file"
    [[ ${parts[*]} == *"$credential"* ]] || continue
    forget_agent
    fail "$config_error" "the agent keeps the registration credential in $file, where jobs could read it"
  done
}

first_stage() {
  local attempts pause attempt folder
  [ "$EUID" -ne 0 ] || fail "$config_error" 'must not run as root: its jobs would be root too'
  require AZP_URL AZP_POOL AZP_AGENT_NAME
  attempts=$(setting AGENT_FLEETS_REGISTRATION_ATTEMPTS 5) || exit
  pause=$(setting AGENT_FLEETS_REGISTRATION_PAUSE_SECONDS 5) || exit
  grace=$(setting AGENT_FLEETS_REGISTRATION_GRACE_SECONDS 0) || exit
  choose_credential
  folder=${AGENT_FLEETS_AGENT_FOLDER:-/azp}
  cd "$folder" && [ -x config.sh ] && [ -x run.sh ] || fail "$config_error" "there is no agent in $folder"

  # The agent publishes its environment as capabilities that everyone who sees the pool can read, when it registers and
  # when it runs. It leaves out its own inputs, and what is listed here: where ECS offers the task's credentials.
  unset AZP_TOKEN AZP_CLIENTSECRET "${!AGENT_FLEETS_@}"
  export VSO_AGENT_IGNORE="${VSO_AGENT_IGNORE:+$VSO_AGENT_IGNORE,}AWS_CONTAINER_CREDENTIALS_RELATIVE_URI,AWS_CONTAINER_CREDENTIALS_FULL_URI,ECS_CONTAINER_METADATA_URI,ECS_CONTAINER_METADATA_URI_V4,ECS_AGENT_URI"

  report=$(mktemp) || fail "$config_error" 'a temporary file cannot be created'
  # No command substitution from here on: bash 5.2 loses signals while it parses one.
  trap 'rm -f "$report"' EXIT
  trap 'exit 143' TERM INT # a shell without trap ignores signals if it is process 1
  reason=''
  start_timer
  for ((attempt = 1; ; attempt += 1)); do
    if register; then break; fi
    [ "$attempt" -lt "$attempts" ] || fail "$never_registered" "gave up after $attempt tries to register: $reason"
    say "could not register and will try again in $pause s: $reason"
    sleep "$pause" &
    wait "$!"
    ((pause *= 2))
  done
  stop_timer
  refuse_kept_credential

  rm -f "$report"
  unset "${!VSTS_AGENT_INPUT_@}" AZP_CLIENTID AZP_TENANTID
  exec "$BASH" "$self" registered
}

# --- Second stage ---

# Sets `listener` and `worker` to the agent's processes, if they exist. The script never signals invisible processes.
look() {
  local stat line pid ancestor
  local -A names=() parents=()
  listener='' worker=''
  for stat in /proc/[0-9]*/stat; do
    { IFS= read -r line <"$stat"; } 2>/dev/null || continue # it has ended
    pid=${line%% *}
    names[$pid]=${line#*(}
    names[$pid]=${names[$pid]%)*}
    line=${line##*) }
    line=${line#* }
    parents[$pid]=${line%% *}
  done
  for pid in "${!names[@]}"; do
    case ${names[$pid]} in Agent.Listener | Agent.Worker) ;; *) continue ;; esac
    ancestor=$pid
    while [ "$ancestor" -gt 1 ] && [ "$ancestor" -ne "$runner" ]; do ancestor=${parents[$ancestor]:-0}; done
    [ "$ancestor" -eq "$runner" ] || continue
    case ${names[$pid]} in Agent.Listener) listener=$pid ;; *) worker=$pid ;; esac
  done
}

# An agent that runs once leaves by itself after its job. It has a job as soon as there is a worker, or a worker's log:
# the listener still reports the job's result after its worker has ended.
has_job() {
  [ -n "$worker" ] || compgen -G "${AGENT_DIAGLOGPATH:-_diag}/Worker_*" >/dev/null
}

# SIGTERM makes the listener cancel its job. So the script sends one SIGTERM, only while the listener has no job.
see_off() {
  local told=''
  while kill -0 "$runner" 2>/dev/null; do
    look
    if has_job; then
      say 'asked to stop: the agent leaves when its job is done'
      return
    fi
    if [ -n "$listener" ] && [ "$listener" != "$told" ]; then
      say 'asked to stop: the agent has no job and leaves'
      told=$listener
      kill -TERM "$listener"
    fi
    sleep 1
  done
}

asked_to_stop() {
  [ "$asked" = false ] || return 0
  asked=true
  [ -z "$runner" ] || see_off
}

second_stage() {
  local status runs most_runs=5
  asked=false runner=''
  trap asked_to_stop TERM INT
  trap forget_agent EXIT
  for ((runs = 1; ; runs += 1)); do
    [ "$asked" = false ] || exit 143
    ./run.sh --once &
    runner=$!
    # The request to stop may have come before $runner was known.
    [ "$asked" = false ] || see_off
    # A trapped signal ends a wait. A second wait still gets the status of an ended child.
    while kill -0 "$runner" 2>/dev/null; do wait "$runner"; done
    wait "$runner"
    status=$?
    # 4: the agent updates itself and must be run again. 126 and 127: run.sh ran it before the new one was in place.
    case $status in 4 | 126 | 127) ;; *) break ;; esac
    [ "$asked" = false ] && [ "$runs" -lt "$most_runs" ] || break
    say 'the agent has updated itself and runs again'
    sleep 5 &
    wait "$!"
  done
  say "the agent ended with status $status"
  exit "$status"
}

case ${1:-} in
  '') first_stage ;;
  registered) second_stage ;;
  *) fail "$config_error" "takes no arguments, found '$1'" ;;
esac
