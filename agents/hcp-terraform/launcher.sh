# First stage of the container's command: moves the agent token from the environment to file descriptor 3 and becomes
# the entry point, whose text is the first argument. A process shows the environment it was started with in
# /proc/<pid>/environ for as long as it lives, so unsetting the variable is not enough: only the exec takes it out.
unset agent_token # it may have come in exported
agent_token=${TFC_AGENT_TOKEN:-}
unset TFC_AGENT_TOKEN
# Line breaks, blanks and byte-order marks around a secret never matter.
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
# The shell hands a here-document over through a pipe: no file, no argument.
exec /bin/sh -c "$1" agent-fleets 3<<TOKEN
$agent_token
TOKEN
