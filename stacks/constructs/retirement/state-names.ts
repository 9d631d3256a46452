/** States that drain an agent and ask what it does. */
export type DrainingState =
  | "Drain"
  | "What it does"
  | "Busy"
  | "Undrain"
  | "Deregister"
  | "Failed"
  | "Undrain after failure"
  | "In time"
  | "Wait";

/** States that say that a retirement failed. */
export type AlertingState = "Given up" | "Still drained" | "Out of time" | "Alert" | "Fail";

/** States of every retirement. */
export type SharedState = "Begin" | DrainingState | AlertingState | "Gone" | "Stays";

/** States of agents in containers besides. */
export type ContainerState = "Has it left" | "Look at the task" | "Is it ours" | "Not ours" | "Stop the task";

/** States that look at an instance before the vendor is asked. */
export type LookingState =
  | "Has a hook"
  | "Heartbeat"
  | "Look at the instance"
  | "Is it alive"
  | "Has the dead a hook"
  | "Forget the dead"
  | "Let it go"
  | "Look"
  | "Where it is"
  | "Forget";

/** States that end an instance. */
export type EndingState =
  | "How to end"
  | "Complete the hook"
  | "Terminate"
  | "Terminate and replace"
  | "Look again"
  | "Is it gone";

/** States of agents on instances besides. */
export type InstanceState = LookingState | EndingState;
