# Runs one agent and tells it to leave with one SIGTERM, ever: the agent finishes its job on the first and drops it on
# the second. POSIX sh, writes no file. README.md lists the variables.

say() { printf 'agent-fleets: %s\n' "$1" >&2; }

# A wrong setting: EX_CONFIG of sysexits.h.
fail() {
  say "$1"
  exit 78
}

# Nine digits without a leading zero: sh would read 010 as eight and wrap what is too large.
check_seconds() {
  case $2 in
    '' | *[!0-9]* | 0?* | ??????????*) fail "$1 is '$2': a whole number of seconds is wanted, 0 for never" ;;
  esac
}

read_clock() {
  read -r uptime _ 2>/dev/null </proc/uptime # monotonic, and needs no process, unlike date
  now=${uptime%%.*}
}

# A zombie is still there for kill -0, hence its state.
agent_lives() {
  read -r stat 2>/dev/null <"/proc/$agent/stat" || return 1
  case ${stat##*) } in [ZX]*) return 1 ;; esac
}

# Looks for a job by the names of processes. It may see too much or too little: all that follows is a SIGTERM that comes
# late, or early to a busy agent, which finishes its job first.
job_runs() {
  for comm in /proc/[0-9]*/comm; do
    read -r name 2>/dev/null <"$comm" || continue
    for prefix in $job_processes; do
      case $name in "$prefix"*) return 0 ;; esac
    done
  done
  return 1
}

# Counting and reading the count is one expansion, so that no other trap can come between: exactly one caller sees 1.
# Only the agent itself is signalled: it hands the signal to its own children, and a group would get it twice.
leave() {
  [ "$((leaves += 1))" -eq 1 ] || return 0
  kill -TERM "$agent" 2>/dev/null
  say "$1: the agent was told to leave when its job is done"
}

# nap_until DEADLINE REASON: leaves if the deadline is over, else naps no longer than to it.
nap_until() {
  if [ "$now" -ge "$1" ]; then
    leave "$2"
  elif [ "$nap_seconds" -gt "$(($1 - now))" ]; then
    nap_seconds=$(($1 - now))
  fi
}

plan_nap() {
  nap_seconds=86400
  [ "$leaves" -eq 0 ] || return 0
  read_clock
  if [ "$idle_timeout" -gt 0 ]; then
    if [ "$reusable" = true ]; then
      nap_seconds=5
      if job_runs; then idle_since=$now; fi
    fi
    nap_until "$((idle_since + idle_timeout))" "idle for $idle_timeout s"
  fi
  if [ "$max_lifetime" -gt 0 ]; then
    nap_until "$((started + max_lifetime))" "lifetime of $max_lifetime s is over"
  fi
}

# Also what runs when the shell gives up, such as on "Cannot fork" in a full container: the container ends with this
# process, so this process ends after the agent.
finish() {
  trap - CHLD
  while agent_lives; do wait "$agent"; done
  kill -KILL "$nap" 2>/dev/null
  wait "$nap" 2>/dev/null
  wait "$agent"
  status=$?
  say "the agent ended with status $status"
  exit "$status"
}

IFS= read -r agent_token 2>/dev/null <&3
exec 3<&-
[ -n "${agent_token:-}" ] || fail 'no agent token on file descriptor 3'
[ -n "${TFC_AGENT_NAME:-}" ] || fail 'TFC_AGENT_NAME is empty'

idle_timeout=${AGENT_FLEETS_IDLE_TIMEOUT_SECONDS:-0}
max_lifetime=${AGENT_FLEETS_MAX_LIFETIME_SECONDS:-0}
check_seconds AGENT_FLEETS_IDLE_TIMEOUT_SECONDS "$idle_timeout"
check_seconds AGENT_FLEETS_MAX_LIFETIME_SECONDS "$max_lifetime"
case ${AGENT_FLEETS_ROLE:-} in
  burst) ;;
  floor) idle_timeout=0 ;;
  *) fail "AGENT_FLEETS_ROLE is '${AGENT_FLEETS_ROLE:-}': floor or burst is wanted" ;;
esac
job_processes=${AGENT_FLEETS_JOB_PROCESSES:-terraform tofu}
# A single-use agent needs no look at its job: told to leave in the middle of it, it does what it would do anyway.
reusable=true
if [ "${TFC_AGENT_SINGLE:-}" = true ]; then reusable=false; fi

agent_command=${AGENT_FLEETS_AGENT_COMMAND:-$(command -v tfc-agent || echo /home/tfc-agent/bin/tfc-agent)}
command -v "$agent_command" >/dev/null || fail "there is no agent at $agent_command"

unset AGENT_FLEETS_ROLE AGENT_FLEETS_IDLE_TIMEOUT_SECONDS AGENT_FLEETS_MAX_LIFETIME_SECONDS
unset AGENT_FLEETS_JOB_PROCESSES AGENT_FLEETS_AGENT_COMMAND

leaves=0
nap=
read_clock
started=$now
idle_since=$now

# No trap is set before the agent is started: until then SIGTERM ends the shell, and the container with it. A child
# begins with the traps of its parent and would lose a signal that comes before it has dropped them.
TFC_AGENT_TOKEN=$agent_token "$agent_command" &
agent=$!
trap 'leave "asked to stop"' TERM INT
trap finish EXIT

# sh can wait for one process or for all, not for the first of two. It waits for the nap, which the end of the agent
# cuts short. The agent is looked at once more after each start of a nap, for it may have ended before $nap was known.
trap 'agent_lives || kill -KILL "$nap" 2>/dev/null' CHLD
while
  plan_nap
  sleep "$nap_seconds" &
  nap=$!
  agent_lives
do
  # A signal ends the wait, not the nap.
  while kill -0 "$nap" 2>/dev/null; do wait "$nap" 2>/dev/null; done
done
exit
