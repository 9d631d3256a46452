import { agentBusy } from "../../../handlers/lib/core/retirement.ts";
import { ask, type RetireFunction } from "./ask.ts";
import { equals, format, isPast } from "./execution.ts";
import { inContainers } from "./in-containers.ts";
import { onInstances } from "./on-instances.ts";
import { namesOf, type RetirementPlace } from "./retiring-capacity.ts";
import type { AlertingState, ContainerState, DrainingState, InstanceState, SharedState } from "./state-names.ts";
import { call, choice, type Definition, type States, say } from "./states-language.ts";

/** The settings of one fleet's workflow. */
export interface RetirementDefinitionProps {
  readonly fleet: string;
  readonly partition: string;
  readonly retireFunction: RetireFunction;
  /** ARN of the topic that alerts go to. */
  readonly topic: string;
  /** The page or file with the runbook. */
  readonly runbook: string;
  readonly place: RetirementPlace;
  readonly drainTimeoutSeconds: number;
}

/** Shortest time until a busy agent is asked again. */
const shortestPollSeconds = 60;
/** An execution may have 25,000 events. A poll has some forty, eighty where every call is refused. */
const mostPolls = 300;
/** What goes on after the deadline: a last round of calls with their retries. */
const afterDeadlineSeconds = 3600;

/**
 * Time between two questions to a busy agent. It is long enough that no execution exceeds its history, and short enough
 * that no hook misses its heartbeat.
 */
export function pollSeconds(drainTimeoutSeconds: number): number {
  return Math.max(shortestPollSeconds, Math.ceil(drainTimeoutSeconds / mostPolls));
}

/**
 * The retirement of one agent: drain → idle? → deregister → terminate, or complete the hook that waits for it.
 *
 * Input: `RetirementInput` of `handlers/lib/core/retirement.ts`. Only `scale-in` may leave an agent as it is: if the
 * agent is busy or a call fails, the workflow lifts the lock again. With every other reason the agent has to go. The
 * workflow then waits for a busy agent and for failing calls until the deadline, sends an alert, and kills nothing. It
 * terminates an agent only after it was drained and proven idle, or after the vendor forgot it. docs/retirement.md has
 * a picture.
 */
export function retirementDefinition(props: RetirementDefinitionProps): Definition {
  const { place } = props;
  return place.type === "asg"
    ? define<InstanceState>(
        props,
        { again: "Has a hook", end: "How to end" },
        onInstances(props, namesOf(place.groups)),
      )
    : define<ContainerState>(props, { again: "Has it left", end: "Look at the task" }, inContainers(props, place));
}

/** The states that lead from those of all retirements to those of the place. */
interface Exits<Own extends string> {
  /** Where a retirement begins, and begins again after a wait. */
  readonly again: SharedState | Own;
  /** How an agent ends that is drained and forgotten. */
  readonly end: SharedState | Own;
}

function define<Own extends string>(
  props: RetirementDefinitionProps,
  exits: Exits<Own>,
  own: States<Own, SharedState | Own>,
): Definition<SharedState | Own> {
  const states: States<SharedState, SharedState | Own> & typeof own = {
    Begin: { Type: "Pass", Result: { Error: "none", Cause: "" }, ResultPath: "$.error", Next: exits.again },
    ...draining(props, exits),
    ...own,
    ...alerting(props),
    Gone: { Type: "Succeed" },
    Stays: { Type: "Succeed" },
  };
  return {
    Comment: `Takes one agent out of fleet ${props.fleet} without killing a job`,
    StartAt: "Begin",
    TimeoutSeconds: props.drainTimeoutSeconds + afterDeadlineSeconds,
    States: states,
  };
}

function draining<Own extends string>(
  props: RetirementDefinitionProps,
  { again, end }: Exits<Own>,
): States<DrainingState, SharedState | Own> {
  const mayStay = equals("$.reason", "scale-in");
  return {
    Drain: ask(props, "drain", { ResultPath: "$.drain", Next: "What it does" }, { otherwise: "Failed" }),
    "What it does": choice("Busy", [
      { ...equals("$.drain.state", "idle"), Next: "Deregister" },
      { ...equals("$.drain.state", "gone"), Next: "Deregister" },
      { ...equals("$.drain.state", "stays"), Next: "Stays" },
    ]),
    Busy: choice("In time", [{ ...mayStay, Next: "Undrain" }]),
    Undrain: ask(props, "undrain", { ResultPath: null, Next: "Stays" }, { otherwise: "Still drained" }),
    Deregister: ask(
      props,
      "deregister",
      { ResultPath: "$.left", Next: end },
      { [agentBusy]: "Busy", otherwise: "Failed" },
    ),
    Failed: choice("In time", [{ ...mayStay, Next: "Undrain after failure" }]),
    "Undrain after failure": ask(
      props,
      "undrain",
      { ResultPath: null, Next: "Given up" },
      { otherwise: "Still drained" },
    ),
    "In time": choice("Wait", [{ ...isPast("$.deadline"), Next: "Out of time" }]),
    Wait: { Type: "Wait", Seconds: pollSeconds(props.drainTimeoutSeconds), Next: again },
  };
}

function alerting(props: RetirementDefinitionProps): States<AlertingState, SharedState> {
  return {
    "Given up": say("The agent could not be retired. It takes jobs again, unless the vendor has forgotten it already."),
    "Still drained": say(
      "The agent could not be retired, and its lock could not be lifted: it may take no jobs. The scaling loop will try again.",
    ),
    "Out of time": say(
      "The agent still works, or does not answer, after the whole drain timeout. agent-fleets does not kill it and waits no longer; AWS may end it.",
    ),
    Alert: call(
      props,
      "sns:publish",
      {
        TopicArn: props.topic,
        "Subject.$": format("Retirement of {} failed", "$.agent.name"),
        Message: {
          "alert.$": "$.alert",
          fleet: props.fleet,
          "agent.$": "$.agent",
          "reason.$": "$.reason",
          "lastError.$": "$.error",
          "execution.$": "$$.Execution.Id",
          help: `${props.runbook}#retirements-failing`,
        },
      },
      { ResultPath: null, Next: "Fail" },
      { otherwise: "Fail" },
    ),
    Fail: { Type: "Fail", Error: "RetirementFailed", CausePath: "$.alert" },
  };
}
