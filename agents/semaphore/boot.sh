# shellcheck shell=bash
# An agent of Semaphore. README.md lists the settings and describes the life of an agent.

readonly scripts=$root/opt/agent-fleets # scripts for SSM and the agent, by file name
readonly drained=$run/drained
readonly left_because=$run/left-because # the agent's user writes it, root reads it
readonly agent=$root/opt/semaphore/agent/agent
readonly agent_logs=$root/var/log/semaphore
readonly agent_log=$agent_logs/agent.log
readonly known_hosts=$root/etc/ssh/ssh_known_hosts2 # OpenSSH reads it in addition to a file of the AMI
readonly releases=https://github.com/semaphoreci
readonly unit=agent-fleets.service
readonly longest_silence=600 # seconds

# The agent runs in a wrapper of its own: a signal to the unit's main process would end both and the job. `finish`
# signals the right process.
unit_lines+=(KillMode=mixed "ExecStop=/bin/bash $home/boot finish" "ExecStopPost=-/bin/bash $home/boot agent_left")

# install_scripts: each is a function of this program.
install_scripts() {
  local name
  for name in drain shutdown_hook; do
    write_file 755 "$scripts/${name//_/-}" <<SCRIPT
#!/bin/bash
exec /bin/bash $home/boot $name
SCRIPT
  done
}

# join_docker: a member of the group docker is root on this host. An AMI may have made the user one.
join_docker() {
  local user=$AGENT_FLEETS_SEMAPHORE_USER groups
  if ! getent group docker >/dev/null; then return 0; fi
  if [[ ${AGENT_FLEETS_SEMAPHORE_DOCKER:-true} == true ]]; then
    usermod --append --groups docker "$user"
    return 0
  fi
  groups=$(id -nG "$user")
  if [[ " $groups " == *' docker '* ]]; then gpasswd --delete "$user" docker >/dev/null; fi
}

make_user() {
  local entry
  id -u "$AGENT_FLEETS_SEMAPHORE_USER" >/dev/null 2>&1 ||
    useradd --create-home --shell /bin/bash "$AGENT_FLEETS_SEMAPHORE_USER"
  join_docker
  entry=$(getent passwd "$AGENT_FLEETS_SEMAPHORE_USER")
  IFS=: read -r _ _ user_id group_id _ user_home _ <<<"$entry"
  mkdir -p "$agent_logs"
  chown -R "$AGENT_FLEETS_SEMAPHORE_USER" "$agent_logs"
}

# install_iptables: Amazon Linux 2023 comes without (github.com/aws/eks-hybrid/pull/37), in iptables-nft
# (github.com/dev-sec/cis-dil-benchmark/pull/156). A failure is for `close_metadata` to see.
install_iptables() {
  if ! command -v iptables >/dev/null && command -v dnf >/dev/null; then
    try retry 3 5 timeout 300 dnf -y -q install iptables-nft
  fi
}

# ids_of_jobs: the agent's user, and the ranges of ids that this user may take in user namespaces, man 5 subuid. Podman's
# rootless containers do so: in the host's network their packets come from such an id.
ids_of_jobs() {
  echo "$user_id"
  if [[ ! -e $root/etc/subuid ]]; then return 0; fi
  awk -F: -v name="$AGENT_FLEETS_SEMAPHORE_USER" -v id="$user_id" \
    '($1 == name || $1 == id) && $2 ~ /^[0-9]+$/ && $3 ~ /^[1-9][0-9]*$/ { printf "%.0f-%.0f\n", $2, $2 + $3 - 1 }' \
    "$root/etc/subuid"
}

# close_metadata: jobs run on this host as the agent's user. Firewall rules keep that user from the metadata service,
# and so from the credentials of the instance's role. Then it asks as that user: no agent starts if an answer comes.
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-limiting-access.html
close_metadata() {
  local why="jobs could use the instance's role" key='or set vendor.jobsUseInstanceRole: true' ids id
  if [[ ${AGENT_FLEETS_SEMAPHORE_JOBS_USE_ROLE:-false} == true ]]; then return 0; fi
  install_iptables
  if ! command -v iptables >/dev/null; then fail "$why: add iptables to the AMI, $key"; fi
  ids=$(ids_of_jobs)
  for id in $ids; do
    try iptables --wait 30 --insert OUTPUT --destination 169.254.169.254 --match owner --uid-owner "$id" --jump REJECT
    if [[ $tried -ne 0 ]]; then fail "$why: iptables ends with status $tried. Mend it, $key"; fi
  done
  try setpriv --reuid="$user_id" --regid="$group_id" --init-groups curl --silent --output /dev/null --noproxy '*' \
    --max-time 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$metadata_service/latest/api/token"
  # 7 and 28 of curl: no connection, no answer in time.
  case $tried in
    7 | 28) ;;
    *) fail "$why: the firewall does not keep them from the metadata service (curl: $tried). Mend it, $key" ;;
  esac
}

# download ADDRESS SUM FILE
download() {
  fetch "$releases/$1" "$3"
  verify_sha256 "$3" "$2"
}

install_agent() {
  local folder machine
  if [[ -x $agent ]]; then return 0; fi
  require tar
  machine=$(architecture)
  folder=$(mktemp -d)
  download "agent/releases/download/$AGENT_FLEETS_SEMAPHORE_AGENT_VERSION/agent_Linux_${machine/aarch64/arm64}.tar.gz" \
    "$AGENT_FLEETS_SEMAPHORE_AGENT_SHA256" "$folder/agent.tar.gz"
  tar -xzf "$folder/agent.tar.gz" -C "$folder" agent
  write_file 755 "$agent" <"$folder/agent"
  rm -rf "$folder"
  if ! command -v git >/dev/null && command -v dnf >/dev/null; then
    retry 3 5 timeout 300 dnf -y -q install git-core
  fi
}

# install_toolbox: not with its own installer, which turns off host key checks for a user with a ~/.ssh.
install_toolbox() {
  local folder machine suffix=''
  if [[ -z ${AGENT_FLEETS_SEMAPHORE_TOOLBOX_VERSION:-} || -e $user_home/.toolbox ]]; then return 0; fi
  require tar
  machine=$(architecture)
  if [[ $machine == aarch64 ]]; then suffix=-arm; fi
  folder=$(mktemp -d)
  download "toolbox/releases/download/$AGENT_FLEETS_SEMAPHORE_TOOLBOX_VERSION/self-hosted-linux$suffix.tar" \
    "$AGENT_FLEETS_SEMAPHORE_TOOLBOX_SHA256" "$folder/toolbox.tar"
  tar -xf "$folder/toolbox.tar" -C "$folder" toolbox
  mv "$folder/toolbox" "$user_home/.toolbox"
  rm -rf "$folder"
  HOME=$user_home timeout 300 bash "$user_home/.toolbox/install-toolbox" >/dev/null
  # shellcheck disable=SC2016
  echo 'source ~/.toolbox/toolbox' >>"$user_home/.bash_profile"
  chown -R "$AGENT_FLEETS_SEMAPHORE_USER" "$user_home/.toolbox" "$user_home/.bash_profile"
}

# GitHub's keys from its documentation, for hosts that cannot reach its API.
github_keys() {
  cat <<'KEYS'
ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl
ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg=
KEYS
}

# write_known_hosts: writes keys of github.com from standard input, and the keys in the settings.
write_known_hosts() {
  {
    sed 's/^/github.com /'
    printf '%s\n' "${AGENT_FLEETS_SEMAPHORE_KNOWN_HOSTS:-}"
  } | write_file 644 "$known_hosts"
}

trust_git_hosts() {
  if [[ ${AGENT_FLEETS_SEMAPHORE_GITHUB_MINUTES:-0} == 0 ]]; then
    write_known_hosts </dev/null
    return 0
  fi
  github_keys | write_known_hosts
  repeat known-hosts "$((AGENT_FLEETS_SEMAPHORE_GITHUB_MINUTES * 60))" renew_known_hosts
}

# renew_known_hosts: TLS proves that these are GitHub's keys. Without an answer the old keys stay.
renew_known_hosts() {
  local answer keys
  answer=$(mktemp)
  fetch https://api.github.com/meta "$answer"
  keys=$(grep -oE '"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp[0-9]+) [A-Za-z0-9+/]+=*"' "$answer" | tr -d '"' || true)
  rm -f "$answer"
  if [[ -z $keys ]]; then fail 'the answer of api.github.com/meta has no keys'; fi
  write_known_hosts <<<"$keys"
  log 'the keys of github.com are renewed'
}

# repeat NAME SECONDS FUNCTION: runs it soon and then repeatedly, while the host is up.
repeat() {
  systemd-run --quiet --collect --unit="agent-fleets-$1" --on-active=30 --on-unit-active="$2" \
    --property="StandardError=append:$logs/boot.log" /bin/bash "$home/boot" "$3"
}

# check_health: systemd powers the host off when the agent ends. If a job prevented that, this function does it.
check_health() {
  local state
  state=$(state_of_unit)
  case $state in
    inactive | failed)
      log "the agent's unit is $state: this host is useless"
      systemctl --no-block start agent-fleets-power-off.service
      ;;
  esac
}

# agent_config: adds the keys that only this instance knows to the settings. JSON is also YAML.
agent_config() {
  printf '%s,"name":"%s","token":"%s","disconnect-after-idle-timeout":%d}\n' \
    "${AGENT_FLEETS_SEMAPHORE_CONFIG%\}}" "$1" "$2" "$3"
}

# idle_timeout ROLE: floor agents must not leave when idle.
idle_timeout() {
  if [[ $1 == floor ]]; then printf 0; else printf '%s' "$AGENT_FLEETS_SEMAPHORE_IDLE_TIMEOUT_SECONDS"; fi
}

# registration: from the agent's log lines, see pkg/listener/listener.go and pkg/retry/retry.go of its source:
# `Registering Agent`, a line for each failed attempt, then `Starting to poll for jobs` or, as the last line, `Could not
# start agent`. Any other line after the first may be from a working agent.
registration() {
  local from=1
  if [[ -e $run/log-from ]]; then from=$(<"$run/log-from"); fi
  awk '
    /Starting to poll for jobs/ { answer = "yes"; exit }
    asked && /Could not start agent/ { exit }
    asked && !/\[Register\] attempt / { answer = "unclear" }
    /Registering Agent/ { asked = 1 }
    END { print answer ? answer : asked ? "no" : "unclear" }
  ' < <(tail -c "+$from" "$agent_log" 2>/dev/null) || printf unclear
}

# The log of an earlier start of this host proves nothing about this start.
remember_log() {
  local size=0
  if [[ -e $agent_log ]]; then size=$(stat -c %s "$agent_log"); fi
  mkdir -p "$run"
  printf '%d' "$((size + 1))" >"$run/log-from"
}

# start: the unit runs it as root.
start() {
  local name token role boot_id config=$run/config.yaml
  log 'the boot begins'
  require awk aws curl getent mkfifo pgrep setpriv systemd-run timeout
  install_scripts
  reach_out
  ship_logs
  restart_docker
  await_service
  make_user
  run_setup
  close_metadata
  install_agent
  install_toolbox
  trust_git_hosts
  repeat health 60 check_health
  read_secret_into token "$AGENT_FLEETS_SEMAPHORE_TOKEN_ARN"
  case $token in *[!A-Za-z0-9._~+/=-]*) fail "$AGENT_FLEETS_SEMAPHORE_TOKEN_ARN holds no registration token" ;; esac
  name=$(imds instance-id)
  # An agent's name stays in use for some time after the agent has left, so a restarted host takes a new name.
  boot_id=$(<"$root/proc/sys/kernel/random/boot_id")
  name+=_${boot_id%%-*}
  role=$(role_of_agent)
  # Jobs run as the agent's user and children. They must not read its memory,
  sysctl -q -w kernel.yama.ptrace_scope=1 || log 'jobs can debug the agent on this host'
  # and its configuration is on no disk: only the agent can read it, once.
  remember_log
  : >"$left_because"
  chown "$AGENT_FLEETS_SEMAPHORE_USER" "$left_because"
  agent_begins
  rm -f "$config"
  mkfifo -m 600 "$config"
  chown "$AGENT_FLEETS_SEMAPHORE_USER" "$config"
  {
    agent_config "$name" "$token" "$(idle_timeout "$role")" >"$config"
    rm -f "$config"
  } &
  log "the agent $name starts as $role"
  cd "$user_home"
  exec env -i /bin/bash -c "$alone" bash \
    setpriv --reuid="$user_id" --regid="$group_id" --init-groups "$agent" start --config-file "$config" >/dev/null 3< <(
    printf '%s\0' "HOME=$user_home" "USER=$AGENT_FLEETS_SEMAPHORE_USER" "LOGNAME=$AGENT_FLEETS_SEMAPHORE_USER" \
      SHELL=/bin/bash LANG=C.UTF-8 "PATH=$PATH" "SEMAPHORE_AGENT_LOG_FILE_PATH=$agent_log" "${passed[@]}"
  )
}

# finish: systemd runs it to stop the unit and after its end. SIGTERM makes the agent take no more jobs and leave when
# it has none. It may be repeated.
finish() {
  local told
  if [[ -z ${MAINPID:-} ]]; then return 0; fi
  told=$(pgrep --parent "$MAINPID" --exact agent || true)
  while kill -s TERM "${told:-$MAINPID}" 2>/dev/null; do sleep 2; done
}

# silence: prints for how many seconds an agent that was told to leave has written nothing to its log. At each sync with
# Semaphore, every few seconds and in a job too, it writes `SYNC request` (pkg/listener/selfhostedapi/sync.go of its source).
silence() {
  local now last written
  now=$(date +%s)
  last=$(stat -c %Y "$drained")
  if [[ -e $agent_log ]]; then
    written=$(stat -c %Y "$agent_log")
    last=$((written > last ? written : last))
  fi
  printf '%d' "$((now - last))"
}

# drain: the retirement workflow runs it by SSM, as root, any number of times. A leaving agent that still runs may have
# a job. So may one that is silent: it waits for an answer of Semaphore without end, and its job goes on beside that. This
# retirement needs no message that the agent has left.
drain() {
  local state second quiet
  mkdir -p "$run"
  if [[ ! -e $drained ]]; then : >"$drained"; fi
  systemctl --no-block stop "$unit"
  for ((second = 0; second < 20; second++)); do
    state=$(state_of_unit)
    case $state in
      inactive | failed)
        echo idle
        return 0
        ;;
      active | activating | deactivating | reloading) sleep 1 ;;
      *) fail "systemd says that $unit is '$state'" ;;
    esac
  done
  quiet=$(silence)
  if ((quiet < longest_silence)); then
    echo busy
    return 0
  fi
  log "the agent was told to leave and has written nothing for $quiet s. It may have a job, so nothing stops it"
  echo silent
}

# shutdown_hook: the agent runs it when it leaves, as its own user, which has no credentials.
shutdown_hook() { printf '%s' "${SEMAPHORE_AGENT_SHUTDOWN_REASON:-UNKNOWN}" >"$left_because"; }

# agent_left: systemd runs it as root after the agent's end. If the agent has left by itself, it asks the fleet to end
# this instance. A job could have written the reason: by now that changes nothing. Without an answer, the host powers off.
agent_left() {
  local reason=
  if [[ -e $left_because ]]; then read -r -n 32 reason <"$left_because" || true; fi
  if [[ -z $reason ]]; then return 0; fi
  case $reason in IDLE | JOB_FINISHED | UNABLE_TO_SYNC | REQUESTED | INTERRUPTED) ;; *) reason=UNKNOWN ;; esac
  if [[ -e $drained ]]; then
    log "the agent has left ($reason) because of its retirement"
    return 0
  fi
  send_reason "$reason"
  log "the agent has left ($reason), and the fleet is asked to end its instance"
}

"${@:-install_service}"
