#!/bin/sh
# First boot of an ECS host, before the ECS agent starts: sends the host's own logs to CloudWatch. A host without its
# log agent is still a host, so nothing here stops the boot.

say() { printf 'agent-fleets: %s\n' "$1" >&2; }

attempt() {
  for pause in 2 5 10; do
    "$@" && return 0
    sleep "$pause"
  done
  say "gave up: $*"
  return 1
}

# Amazon Linux 2023 keeps these logs only in the journal. rsyslog writes them to files by the rules in /etc/rsyslog.d.
if attempt dnf -y -q install rsyslog amazon-cloudwatch-agent; then
  mkdir -p /var/log/ecs
  touch /var/log/dmesg /var/log/docker /var/log/messages
  systemctl enable --now rsyslog || say "rsyslog does not start"
  systemctl restart rsyslog || say "rsyslog does not restart"
  attempt /opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl \
    -a fetch-config -m ec2 -s -c file:/etc/agent-fleets/cloudwatch-agent.json
fi

# Session Manager is the only way in.
systemctl enable --now amazon-ssm-agent || attempt dnf -y -q install amazon-ssm-agent
exit 0
