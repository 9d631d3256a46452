# shellcheck shell=bash
# Start and end of an instance. This part of the program comes between library.sh and the vendor's program.

# role_of_agent [SECONDS]: prints the role in this instance's tag, set by the loop; burst if no tag comes in time.
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

# target_lifecycle_state: prints the group's target state for this instance; nothing for an instance without a group.
target_lifecycle_state() {
  local status=0
  imds_once autoscaling/target-lifecycle-state || status=$?
  if [[ $status -ne $nothing_there ]]; then return "$status"; fi
}

# await_service: returns when the group's target for this instance is InService. An instance of a warm pool starts long
# before that and may be stopped meanwhile. An instance that the group removes waits for its end: an agent would only
# take a job and lose it. An instance without a group gets its agent.
await_service() {
  local state said=-
  while true; do
    state=$(retry 8 1 target_lifecycle_state)
    if [[ $state == InService || (-z $state && ${AGENT_FLEETS_WARM_POOL:-false} != true) ]]; then return 0; fi
    if [[ $state != "$said" ]]; then
      log "the agent does not start: the group's target state is ${state:-unknown}. Waiting for InService"
      said=$state
    fi
    sleep 5
  done
}

uptime_seconds() {
  local uptime=
  read -r uptime _ <"$root/proc/uptime" || true
  printf '%d' "${uptime%%.*}"
}

# agent_begins: the last step of `start` before it becomes the agent. A later failure is the agent's, not the boot's.
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

# registration: prints `yes` if the agent of this start has registered, `no` if there is proof that it has not, else
# `unclear`. look_at_agent: runs every few seconds and stores data for `registration`. Each vendor has its own.
registration() { printf unclear; }
look_at_agent() { :; }

state_of_unit() { systemctl show --property=ActiveState --value agent-fleets.service; }

# check_registration: runs beside the agent. As soon as the agent has registered, it tells the fleet. When the grace is
# over first, it tells the agent to leave, but only if the vendor's `registration` has the proof. It never does that later.
check_registration() {
  local grace=$AGENT_FLEETS_REGISTRATION_GRACE_SECONDS second pause=5 registered
  for ((second = pause; ; second += pause)); do
    sleep "$pause"
    if [[ $(state_of_unit) != active ]]; then return 0; fi
    look_at_agent
    registered=$(registration)
    if [[ $registered == yes ]]; then
      log 'the agent has registered'
      : >"$run/registered"
      tell_of_registration
      return 0
    fi
    if ((second < grace || pause > 5)); then continue; fi
    if [[ $registered == no ]]; then break; fi
    log "the agent stays: nothing shows after $grace s whether it has registered"
    pause=60
  done
  log "the agent has not registered within $grace s and is told to leave"
  : >"$run/never-registered"
  systemctl --no-block stop agent-fleets.service
}

# tell_of_registration: until the queue has taken the message, or the agent has ended. The agent works on meanwhile: it
# may only be taken for one that nobody sees.
tell_of_registration() {
  local pause=5
  while true; do
    try tell registered
    if [[ $tried -eq 0 || $(state_of_unit) != active ]]; then return 0; fi
    log "the fleet could not be told that the agent has registered, again in $pause s"
    sleep "$pause"
    pause=$((pause < 150 ? pause * 2 : 300))
  done
}

# has_registered: whether the agent of this start has registered, as far as anybody knows. Once it has, nothing that its
# log or its host shows later undoes that.
has_registered() { [[ -e $run/registered || $(registration) == yes ]]; }

left_well() {
  local end
  end=$(systemctl show --property=ExecMainCode,ExecMainStatus agent-fleets.service || true)
  [[ $end == *ExecMainCode=1* && $end == *ExecMainStatus=0* ]] # exited, with status 0
}

# failed_launch: prints why the launch of this instance failed, or nothing. The launch did not fail if the agent ended
# normally or had registered after all.
failed_launch() {
  local told=false age
  if [[ -e $run/never-registered ]]; then told=true; fi
  if [[ -e $run/drained ]] || { [[ $told == false ]] && left_well; }; then return 0; fi
  if [[ ! -e $run/agent ]]; then
    printf boot-failed
    return 0
  fi
  age=$(($(uptime_seconds) - $(<"$run/agent")))
  if ! has_registered && { [[ $told == true ]] || ((age < ${AGENT_FLEETS_BOOT_SECONDS:-0})); }; then
    printf never-registered
  fi
}

# send_once REASON: one message to the release queue. SQS itself says which instance sent it. Files that jobs have put
# into a home have no effect.
send_once() {
  export HOME=/nonexistent AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
  aws_cli --region "$AGENT_FLEETS_REGION" sqs send-message \
    --queue-url "$AGENT_FLEETS_RELEASE_QUEUE_URL" --message-body "{\"reason\":\"$1\"}"
}

# send_reason REASON: the same, tried a few times.
send_reason() { retry 4 2 send_once "$1"; }

# tell REASON: the same from outside the agent, tried once.
tell() {
  reach_out
  send_once "$1" >/dev/null
}

report() {
  reach_out
  send_reason "$1" >/dev/null
}

# power_off: ends the instance, after a delay for its logs. If the launch failed, it reports this to the fleet, and the
# instance stays until the fleet had time to end it: a group replaces an instance that powers off at once, and the same
# failure would repeat for ever. If the vendor lists no agents, burst instances do not wait. If the agent ended
# normally, the fleet only has to end the instance. Without an answer, the host stays until its end no longer looks like
# a failure.
power_off() {
  local earliest=${AGENT_FLEETS_EARLIEST_POWER_OFF_SECONDS:-0} reason uptime
  if [[ ${AGENT_FLEETS_POWER_OFF:-true} != true ]]; then
    log 'not powering off: AGENT_FLEETS_POWER_OFF is not true'
    return 0
  fi
  reason=$(failed_launch)
  if [[ -n $reason ]]; then
    log "this launch failed: $reason"
    try report "$reason"
    if [[ $tried -ne 0 ]]; then log 'the report to the fleet failed'; fi
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

# install_service: runs from user data. The program becomes a unit that runs `start` each time the host starts. When the
# unit ends for any reason, systemd powers the host off. It refuses that while the host already shuts down.
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
