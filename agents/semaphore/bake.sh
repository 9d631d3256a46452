# shellcheck shell=bash
# Between library.sh and boot.sh while an AMI is built: what is in the image, no boot has to install.

# bake: the user, the agent and the toolbox, where `start` looks for them.
bake() {
  require curl getent tar
  make_user
  install_agent
  install_toolbox
  log "the agent $AGENT_FLEETS_SEMAPHORE_AGENT_VERSION is in the image"
}

set -- bake # the last line of boot.sh runs what the arguments say
