# shellcheck shell=bash
# Comes between library.sh and boot.sh while an AMI is built. Software in the image need not be installed at boot.

# bake: installs the user, the agent, the toolbox and the firewall's command in the places that `start` checks.
bake() {
  require curl getent tar
  make_user
  install_iptables
  install_agent
  install_toolbox
  log "the agent $AGENT_FLEETS_SEMAPHORE_AGENT_VERSION is in the image"
}

set -- bake # the last line of boot.sh runs this function
