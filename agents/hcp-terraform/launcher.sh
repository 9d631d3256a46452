# First stage of the container's command: moves the agent token from the environment to file descriptor 3 and becomes
# the entry point, whose text is the first argument. /proc/<pid>/environ shows the start environment of a
# process for as long as it lives, so unsetting the variable is not enough: only exec removes it.
unset agent_token # it may be exported already
agent_token=${TFC_AGENT_TOKEN:-}
unset TFC_AGENT_TOKEN
# Removes line breaks, blanks and byte-order marks around a secret.
byte_order_mark=$(printf '\357\273\277')
before=
until [ "$agent_token" = "$before" ]; do
  before=$agent_token
  agent_token=${agent_token#"$byte_order_mark"}
  agent_token=${agent_token%"$byte_order_mark"}
  agent_token=${agent_token#"${agent_token%%[![:space:]]*}"}
  agent_token=${agent_token%"${agent_token##*[![:space:]]}"}
done
if [ -z "$agent_token" ]; then
  echo 'agent-fleets: TFC_AGENT_TOKEN is empty: give the agent-token secret a value' >&2
  exit 78
fi
# The shell passes a here-document through a pipe: no file, no argument.
exec /bin/sh -c "$1" agent-fleets 3<<TOKEN
$agent_token
TOKEN
