# Runs one agent and sends it at most one SIGTERM: the agent finishes its job after the first and drops it after the
# second. POSIX sh, writes no file. README.md lists the variables.

say() { printf 'agent-fleets: %s\n' "$1" >&2; }

never_registered=86 # the fleet recognizes it by this status

# A wrong setting: EX_CONFIG of sysexits.h.
fail() {
  say "$1"
  exit 78
}

# Nine digits without a leading zero: sh would read 010 as eight, and larger numbers would overflow.
check_seconds() {
  case $2 in
    '' | *[!0-9]* | 0?* | ??????????*) fail "$1 is '$2': it must be a whole number of seconds, 0 for never" ;;
  esac
}

read_clock() {
  read -r uptime _ 2>/dev/null </proc/uptime # monotonic, and unlike date it starts no process
  now=${uptime%%.*}
}

# lives PID: looks at the state, because kill -0 also succeeds for a zombie. A trap may call it during another call.
lives() {
  local stat
  read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
  case ${stat##*) } in [ZX]*) return 1 ;; esac
}

# Looks for a job by the names of processes. A wrong result is harmless: SIGTERM comes late, or comes early to a busy
# agent, which finishes its job first.
job_runs() {
  for comm in /proc/[0-9]*/comm; do
    read -r name 2>/dev/null <"$comm" || continue
    for prefix in $job_processes; do
      case $name in "$prefix"*) return 0 ;; esac
    done
  done
  return 1
}

# Prints the agent's lines and derives from them whether the agent has registered. The rest of the script reads this
# from the name of this process: "not-registered" after the agent's start line, another name after any line that may be
# from a registered agent, "cat" when it is clear. Failed tries are warnings or errors. An agent with unknown lines
# never counts as not registered. The exit status is whether it ever registered.
read_log() {
  unset agent_token
  started=false
  unclear=0
  while IFS= read -r line || [ -n "$line" ]; do
    printf '%s\n' "$line"
    case $line in
      *'registered successfully'* | *'Waiting for next job'* | *'Job received'*) exec cat ;;
      *': Starting'* | *'"Starting'*)
        [ "$unclear" -gt 0 ] || printf not-registered 2>/dev/null >/proc/self/comm
        started=true
        ;;
      '' | *'[ERROR]'* | *'[WARN]'* | *'[DEBUG]'* | *'[TRACE]'* | *'"@level":"'[!i]* | *[Rr]egister* | *[Rr]egistration*) ;;
      *)
        if [ "$started" = true ]; then
          [ "$((unclear += 1))" -lt 50 ] || exec cat
          printf unclear 2>/dev/null >/proc/self/comm
        fi
        ;;
    esac
  done
  [ "$started" = false ] || exit "$never_registered"
  exit 0
}

not_registered() {
  read -r name 2>/dev/null <"/proc/$reader/comm" || return 1
  [ "$name" = not-registered ] && ! job_runs
}

log_is_read() { [ -z "$reader" ] || lives "$reader"; }

# Without a reader, the agent would block on its output. So another reader follows a killed one. A reader that reached
# the end of the lines by itself has reported its result.
keep_reading() {
  log_is_read && return
  wait "$reader"
  seen=$?
  reader=
  [ "$seen" -gt 128 ] || return
  cat <&4 &
  reader=$!
}

# One expansion increases and reads the count, so that no other trap can come between: exactly one caller sees 1.
# Signals only the agent itself: it passes the signal to its children, and a group would get it twice.
leave() {
  [ "$((leaves += 1))" -eq 1 ] || return 0
  kill -TERM "$agent" 2>/dev/null
  say "$1: the agent was told to leave when its job is done"
}

# nap_until DEADLINE REASON: leaves if the deadline is over, else naps at most until then.
nap_until() {
  if [ "$now" -ge "$1" ]; then
    leave "$2"
  elif [ "$nap_seconds" -gt "$(($1 - now))" ]; then
    nap_seconds=$(($1 - now))
  fi
}

# Checks the agent until the grace is over and makes it leave then or never. Before it has registered, it cannot be
# idle.
plan_registration() {
  nap_seconds=$((started + registration_grace - now))
  if [ "$nap_seconds" -gt 0 ]; then
    not_registered || return 0
    idle_since=$now
    [ "$nap_seconds" -le 5 ] || nap_seconds=5
    return 0
  fi
  nap_seconds=86400
  if not_registered; then
    told_unregistered=true
    leave "not registered within $registration_grace s"
  fi
  registration_grace=0
}

plan_nap() {
  nap_seconds=86400
  [ "$leaves" -eq 0 ] || return 0
  read_clock
  if [ "$registration_grace" -gt 0 ]; then plan_registration; fi
  [ "$leaves" -eq 0 ] || return 0
  if [ "$idle_timeout" -gt 0 ]; then
    if [ "$reusable" = true ]; then
      [ "$nap_seconds" -le 5 ] || nap_seconds=5
      if job_runs; then idle_since=$now; fi
    fi
    nap_until "$((idle_since + idle_timeout))" "idle for $idle_timeout s"
  fi
  if [ "$max_lifetime" -gt 0 ]; then
    nap_until "$((started + max_lifetime))" "lifetime of $max_lifetime s is over"
  fi
}

# The agent's last lines may still be on their way. Processes that it left behind may keep the pipe open, so the wait
# ends.
finish_log() {
  [ -n "$reader" ] || return 0
  read_clock
  deadline=$((now + 5))
  while lives "$reader" && [ "$now" -lt "$deadline" ]; do read_clock; done
  kill -KILL "$reader" 2>/dev/null
  wait "$reader" 2>/dev/null
  seen=$?
}

# Also runs if the shell gives up, such as on "Cannot fork" in a full container. The container ends with this process,
# so this process ends after the agent.
finish() {
  trap - CHLD
  while lives "$agent"; do wait "$agent"; done
  kill -KILL "$nap" 2>/dev/null
  wait "$nap" 2>/dev/null
  finish_log
  wait "$agent"
  status=$?
  say "the agent ended with status $status"
  # An agent that registered after all has only left early.
  if [ "$told_unregistered" = true ] && [ "$seen" = "$never_registered" ]; then
    say "the agent never registered: status $never_registered"
    status=$never_registered
  fi
  exit "$status"
}

IFS= read -r agent_token 2>/dev/null <&3
exec 3<&-
[ -n "${agent_token:-}" ] || fail 'no agent token on file descriptor 3'
[ -n "${TFC_AGENT_NAME:-}" ] || fail 'TFC_AGENT_NAME is empty'

idle_timeout=${AGENT_FLEETS_IDLE_TIMEOUT_SECONDS:-0}
max_lifetime=${AGENT_FLEETS_MAX_LIFETIME_SECONDS:-0}
registration_grace=${AGENT_FLEETS_REGISTRATION_GRACE_SECONDS:-0}
check_seconds AGENT_FLEETS_REGISTRATION_GRACE_SECONDS "$registration_grace"
check_seconds AGENT_FLEETS_IDLE_TIMEOUT_SECONDS "$idle_timeout"
check_seconds AGENT_FLEETS_MAX_LIFETIME_SECONDS "$max_lifetime"
case ${AGENT_FLEETS_ROLE:-} in
  burst) ;;
  floor) idle_timeout=0 ;;
  *) fail "AGENT_FLEETS_ROLE is '${AGENT_FLEETS_ROLE:-}': it must be floor or burst" ;;
esac
job_processes=${AGENT_FLEETS_JOB_PROCESSES:-terraform tofu}
# A single-use agent needs no check for a job: a SIGTERM during its job changes nothing, because it leaves after the
# job.
reusable=true
if [ "${TFC_AGENT_SINGLE:-}" = true ]; then reusable=false; fi

agent_command=${AGENT_FLEETS_AGENT_COMMAND:-$(command -v tfc-agent || echo /home/tfc-agent/bin/tfc-agent)}
command -v "$agent_command" >/dev/null || fail "there is no agent at $agent_command"

unset AGENT_FLEETS_ROLE AGENT_FLEETS_IDLE_TIMEOUT_SECONDS AGENT_FLEETS_MAX_LIFETIME_SECONDS
unset AGENT_FLEETS_REGISTRATION_GRACE_SECONDS AGENT_FLEETS_JOB_PROCESSES AGENT_FLEETS_AGENT_COMMAND

leaves=0
nap=
read_clock
started=$now
idle_since=$now

told_unregistered=false
seen=

# The agent writes into a pipe, made by dash for a here-document; another shell may make a file. This shell keeps the
# reading end open, because a write into a pipe without a reader would kill the agent.
reader=
exec 4<<PIPE
PIPE
if [ -p /proc/self/fd/4 ] && { :; } 2>/dev/null 5<>/proc/self/fd/4; then
  exec 5<>/proc/self/fd/4
  ( # by exec: for a function's redirections dash would keep copies to undo them, and the log would never end
    exec <&4 4<&- 5>&-
    read_log
  ) &
  reader=$!
else
  say 'cannot see whether the agent registers'
  exec 5>&1
fi

# Sets no trap before the agent's start: until then SIGTERM ends the shell and the container. A child starts with its
# parent's traps and would lose a signal that comes before it has reset them.
TFC_AGENT_TOKEN=$agent_token "$agent_command" >&5 2>&1 4<&- 5>&- &
agent=$!
trap 'leave "asked to stop"' TERM INT
trap finish EXIT
exec 5>&-
unset agent_token

# sh can wait for one process or for all, not for the first of two. So it waits for the nap, and the end of another
# process ends the nap. It checks them again after each start of a nap, because one may have ended before $nap was
# known.
trap '{ lives "$agent" && log_is_read; } || kill -KILL "$nap" 2>/dev/null' CHLD
while
  keep_reading
  plan_nap
  sleep "$nap_seconds" &
  nap=$!
  lives "$agent"
do
  log_is_read || kill -KILL "$nap" 2>/dev/null
  # A signal ends the wait, not the nap.
  while kill -0 "$nap" 2>/dev/null; do wait "$nap" 2>/dev/null; done
done
exit
