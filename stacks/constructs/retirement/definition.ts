import { agentBusy } from "../../../handlers/lib/core/retirement.ts";
import { ask, type RetireFunction } from "./ask.ts";
import { inContainers } from "./in-containers.ts";
import { onInstances } from "./on-instances.ts";
import type { RetirementPlace } from "./retiring-capacity.ts";
import { call, choice, type Definition, type State, type States } from "./states-language.ts";

/** The settings of one fleet's workflow. */
export interface RetirementDefinitionProps {
  readonly fleet: string;
  readonly partition: string;
  readonly retireFunction: RetireFunction;
  /** ARN of the topic that alerts go to. */
  readonly topic: string;
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
  const { fleet, place, drainTimeoutSeconds } = props;
  const again = place.type === "asg" ? "Has a hook" : "Has it left";
  const end = place.type === "asg" ? "How to end" : "Stop the task";
  return {
    Comment: `Takes one agent out of fleet ${fleet} without killing a job`,
    StartAt: "Begin",
    TimeoutSeconds: drainTimeoutSeconds + afterDeadlineSeconds,
    States: {
      Begin: { Type: "Pass", Result: { Error: "none", Cause: "" }, ResultPath: "$.error", Next: again },
      ...draining(props, { again, end }),
      ...(place.type === "asg" ? onInstances(props, place.group) : inContainers(props, place.cluster)),
      ...alerting(props),
      Gone: { Type: "Succeed" },
      Stays: { Type: "Succeed" },
    },
  };
}

function draining(props: RetirementDefinitionProps, next: { readonly again: string; readonly end: string }): States {
  const mayStay = { Variable: "$.reason", StringEquals: "scale-in" };
  const notInTime = { Variable: "$$.State.EnteredTime", TimestampGreaterThanEqualsPath: "$.deadline" };
  return {
    Drain: ask(props, "drain", { ResultPath: "$.drain", Next: "What it does" }, { otherwise: "Failed" }),
    "What it does": choice("Busy", [
      { Variable: "$.drain.state", StringEquals: "idle", Next: "Deregister" },
      { Variable: "$.drain.state", StringEquals: "gone", Next: "Deregister" },
    ]),
    Busy: choice("In time", [{ ...mayStay, Next: "Undrain" }]),
    Undrain: ask(props, "undrain", { ResultPath: null, Next: "Stays" }, { otherwise: "Still drained" }),
    Deregister: ask(
      props,
      "deregister",
      { ResultPath: "$.left", Next: next.end },
      { [agentBusy]: "Busy", otherwise: "Failed" },
    ),
    Failed: choice("In time", [{ ...mayStay, Next: "Undrain after failure" }]),
    "Undrain after failure": ask(
      props,
      "undrain",
      { ResultPath: null, Next: "Given up" },
      { otherwise: "Still drained" },
    ),
    "In time": choice("Wait", [{ ...notInTime, Next: "Out of time" }]),
    Wait: { Type: "Wait", Seconds: pollSeconds(props.drainTimeoutSeconds), Next: next.again },
  };
}

function alerting(props: RetirementDefinitionProps): States {
  const say = (text: string): State => ({ Type: "Pass", Result: text, ResultPath: "$.alert", Next: "Alert" });
  return {
    "Given up": say("The agent could not be retired. It takes jobs again, unless the vendor has forgotten it already."),
    "Still drained": say("The agent could not be retired and takes no jobs. The scaling loop will try again."),
    "Out of time": say(
      "The agent still works, or does not answer, after the whole drain timeout. agent-fleets does not kill it and waits no longer; AWS may end it.",
    ),
    Alert: call(
      props,
      "sns:publish",
      {
        TopicArn: props.topic,
        "Subject.$": "States.Format('Retirement of {} failed', $.agent.name)",
        Message: {
          "alert.$": "$.alert",
          fleet: props.fleet,
          "agent.$": "$.agent",
          "reason.$": "$.reason",
          "lastError.$": "$.error",
          "execution.$": "$$.Execution.Id",
          help: "docs/runbook.md#retirements-failing",
        },
      },
      { ResultPath: null, Next: "Fail" },
      { otherwise: "Fail" },
    ),
    Fail: { Type: "Fail", Error: "RetirementFailed", CausePath: "$.alert" },
  };
}
