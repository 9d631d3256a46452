import { agentBusy, type retirementSteps } from "../../../handlers/core/retirement.ts";

/** Where agents run, as far as it matters to how they end. */
export type RetirementPlace =
  | { readonly type: "asg" /** The group's name. */; readonly group: string }
  | { readonly type: "ecs" /** The cluster's ARN. */; readonly cluster: string };

/** What the workflow of one fleet is made for. */
export interface RetirementDefinitionProps {
  readonly fleet: string;
  readonly partition: string;
  /** ARN of the retire Lambda. */
  readonly retireFunction: string;
  /** ARN of the topic that alerts go to. */
  readonly topic: string;
  readonly place: RetirementPlace;
  readonly drainTimeoutSeconds: number;
}

type State = Readonly<Record<string, unknown>>;
type States = Readonly<Record<string, State>>;

/** A workflow in the Amazon States Language, JSONPath. */
export interface Definition {
  readonly Comment: string;
  readonly StartAt: string;
  readonly TimeoutSeconds: number;
  readonly States: States;
}

/** An agent that works is asked again after so long at the least. */
const shortestPollSeconds = 60;
/** An execution may have 25,000 events; a poll has some thirty, fifty where everything fails. */
const mostPolls = 400;
/** What goes on after the deadline: a last round of calls with their retries. */
const afterDeadlineSeconds = 3600;
/** Longer than the retire Lambda may run. */
const lambdaSeconds = 90;
const awsSeconds = 60;

/** How often an agent that works is asked again: so often that no execution outgrows its history, and each hook its heartbeat. */
export function pollSeconds(drainTimeoutSeconds: number): number {
  return Math.max(shortestPollSeconds, Math.ceil(drainTimeoutSeconds / mostPolls));
}

/**
 * The retirement of one agent: drain → idle? → deregister → terminate, or complete the hook that waits for it.
 *
 * Input: `RetirementInput` of `handlers/core/retirement.ts`. Only `scale-in` may leave an agent as it is: whatever is in its
 * way lifts the lock again. With every other reason the agent goes, and what is in the way is waited for, until the
 * deadline; then an alert tells, and nothing is killed. An agent is terminated only after it was drained and proven idle,
 * or after the vendor forgot it. See docs/retirement.md for a picture.
 */
export function retirementDefinition(props: RetirementDefinitionProps): Definition {
  const { fleet, place, drainTimeoutSeconds } = props;
  const again = place.type === "asg" ? "Has a hook" : "Drain";
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

/**
 * An instance may go while we look: its hook is heartbeaten before the vendor is asked for anything, and what Auto Scaling
 * and EC2 say of the instance counts more than any error.
 */
function onInstances(props: RetirementDefinitionProps, group: string): States {
  const hooked = { Variable: "$.hook", IsPresent: true };
  const held = { Variable: "$.look.AutoScalingInstances[0].LifecycleState", StringMatches: "*Terminating:Wait" };
  const going = { Variable: "$.look.AutoScalingInstances[0].LifecycleState", StringMatches: "*Terminat*" };
  const notOurs = (Next: string) => [
    { Not: { Variable: "$.look.AutoScalingInstances[0]", IsPresent: true }, Next },
    { Not: { Variable: "$.look.AutoScalingInstances[0].AutoScalingGroupName", StringEquals: group }, Next },
  ];
  const instanceState = "$.instance.Reservations[0].Instances[0].State.Name";
  const dead = ["shutting-down", "terminated", "stopping", "stopped"];
  const asg = (action: string, parameters: State, then: State, otherwise: string) =>
    call(props, `aws-sdk:autoscaling:${action}`, parameters, then, { otherwise });
  const look = (Next: string, otherwise: string) =>
    asg(
      "describeAutoScalingInstances",
      { "InstanceIds.$": "States.Array($.agent.capacityId)" },
      { ResultPath: "$.look", Next },
      otherwise,
    );
  const hook = {
    "AutoScalingGroupName.$": "$.hook.group",
    "LifecycleHookName.$": "$.hook.name",
    "LifecycleActionToken.$": "$.hook.token",
    "InstanceId.$": "$.agent.capacityId",
  };
  const complete = (Next: string, otherwise: string) =>
    asg(
      "completeLifecycleAction",
      { ...hook, LifecycleActionResult: "CONTINUE" },
      { ResultPath: null, Next },
      otherwise,
    );
  const terminate = (ShouldDecrementDesiredCapacity: boolean, otherwise: string) =>
    asg(
      "terminateInstanceInAutoScalingGroup",
      { "InstanceId.$": "$.agent.capacityId", ShouldDecrementDesiredCapacity },
      { ResultPath: null, Next: "Gone" },
      otherwise,
    );
  return {
    "Has a hook": choice("Look", [{ ...hooked, Next: "Heartbeat" }]),
    Heartbeat: asg("recordLifecycleActionHeartbeat", hook, { ResultPath: null, Next: "Look at the instance" }, "Look"),
    "Look at the instance": call(
      props,
      "aws-sdk:ec2:describeInstances",
      { "InstanceIds.$": "States.Array($.agent.capacityId)" },
      { ResultPath: "$.instance", Next: "Is it alive" },
      { otherwise: "Drain" },
    ),
    "Is it alive": choice("Drain", [
      {
        And: [
          { Variable: instanceState, IsPresent: true },
          { Or: dead.map((state) => ({ Variable: instanceState, StringEquals: state })) },
        ],
        Next: "Let it go",
      },
    ]),
    "Let it go": complete("Forget", "Forget"),
    Look: look("Where it is", "Drain"),
    "Where it is": choice("Drain", [
      ...notOurs("Forget"),
      { And: [hooked, held], Next: "Drain" },
      { And: [hooked, going], Next: "Forget" },
      // The execution that its hook starts takes it from here; and a hook of an instance in service is over.
      { Or: [hooked, going], Next: "Gone" },
    ]),
    Forget: ask(props, "deregister", { ResultPath: null, Next: "Gone" }, { otherwise: "In time" }),
    "How to end": choice("Terminate", [
      { ...hooked, Next: "Complete the hook" },
      { Variable: "$.left.replace", BooleanEquals: true, Next: "Terminate and replace" },
    ]),
    "Complete the hook": complete("Gone", "Look again"),
    // Auto Scaling refuses to take the group below its minimum.
    Terminate: terminate(true, "Terminate and replace"),
    "Terminate and replace": terminate(false, "Look again"),
    "Look again": look("Is it gone", "Failed"),
    "Is it gone": choice("Failed", [
      ...notOurs("Gone"),
      { And: [hooked, held], Next: "Failed" },
      { ...going, Next: "Gone" },
    ]),
  };
}

function inContainers(props: RetirementDefinitionProps, cluster: string): States {
  return {
    "Stop the task": call(
      props,
      "aws-sdk:ecs:stopTask",
      { Cluster: cluster, "Task.$": "$.agent.capacityId", "Reason.$": "States.Format('agent-fleets: {}', $.reason)" },
      { ResultPath: null, Next: "Gone" },
      // What ECS says of a task that it no longer knows.
      { "Ecs.InvalidParameterException": "Gone", otherwise: "Failed" },
    ),
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

function choice(Default: string, Choices: readonly State[]): State {
  return { Type: "Choice", Choices, Default };
}

/** Where an error leads, by its name; whatever has none there is tried again first. */
type Catchers = Readonly<Record<string, string>> & { readonly otherwise: string };

/** Has the retire Lambda take a step. */
function ask(
  { retireFunction }: RetirementDefinitionProps,
  step: (typeof retirementSteps)[number],
  then: State,
  catchers: Catchers,
): State {
  const Parameters = { step, "agent.$": "$.agent", "reason.$": "$.reason" };
  return task(retireFunction, lambdaSeconds, Parameters, then, catchers);
}

/** Calls an AWS API. */
function call(
  { partition }: RetirementDefinitionProps,
  api: string,
  Parameters: State,
  then: State,
  catchers: Catchers,
): State {
  return task(`arn:${partition}:states:::${api}`, awsSeconds, Parameters, then, catchers);
}

function task(
  Resource: string,
  TimeoutSeconds: number,
  Parameters: State,
  then: State,
  { otherwise, ...named }: Catchers,
): State {
  const names = Object.keys(named);
  const caught = (ErrorEquals: readonly string[], Next: string | undefined) => ({
    ErrorEquals,
    ResultPath: "$.error",
    Next,
  });
  return {
    Type: "Task",
    Resource,
    TimeoutSeconds,
    Parameters,
    ...then,
    Retry: [
      ...(names.length > 0 ? [{ ErrorEquals: names, MaxAttempts: 0 }] : []),
      { ErrorEquals: ["States.ALL"], IntervalSeconds: 2, BackoffRate: 3, MaxAttempts: 3, JitterStrategy: "FULL" },
    ],
    Catch: [...names.map((name) => caught([name], named[name])), caught(["States.ALL"], otherwise)],
  };
}
