#!/bin/bash
# Stands in for the agent's run.sh: no trap, the listener in the foreground.
echo "run $*" >>"$STAND_IN/events"
"$(dirname "$0")"/bin/Agent.Listener run $*
exit $?
