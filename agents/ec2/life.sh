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

# check_registration: runs beside the agent until the grace is over. Then it makes the agent leave, but only with proof
# by the vendor's `registration`. It never checks again.
check_registration() {
  local grace=$AGENT_FLEETS_REGISTRATION_GRACE_SECONDS second registered
  for ((second = 0; second < grace; second += 5)); do
    sleep 5
    if [[ $(state_of_unit) != active ]]; then return 0; fi
    look_at_agent
  done
  registered=$(registration)
  if [[ $registered != no ]]; then
    log "the agent stays (registered within $grace s: $registered)"
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
  if [[ $(registration) != yes ]] && { [[ $told == true ]] || ((age < ${AGENT_FLEETS_BOOT_SECONDS:-0})); }; then
    printf never-registered
  fi
}

# reach_out: prepares calls of AWS from this host. A vendor with proxies has its own.
reach_out() { :; }

# send_reason REASON: sends a message to the release queue. SQS itself adds the instance as sender. Files that jobs have
# put into a home have no effect.
send_reason() {
  export HOME=/nonexistent AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
  retry 4 2 aws_cli --region "$AGENT_FLEETS_REGION" sqs send-message \
    --queue-url "$AGENT_FLEETS_RELEASE_QUEUE_URL" --message-body "{\"reason\":\"$1\"}"
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
    log 'not powering off, as AGENT_FLEETS_POWER_OFF wants'
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
