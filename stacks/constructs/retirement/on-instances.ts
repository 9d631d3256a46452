import { ask, type RetireFunction } from "./ask.ts";
import { equals, isPresent, listOf, matches, type Parameters } from "./execution.ts";
import type { EndingState, InstanceState, LookingState, SharedState } from "./state-names.ts";
import { type Choice, call, choice, type State, type States, type Then } from "./states-language.ts";

interface Props {
  readonly partition: string;
  readonly retireFunction: RetireFunction;
}

type Name = SharedState | InstanceState;

const hooked = isPresent("$.hook");
const held = matches("$.look.AutoScalingInstances[0].LifecycleState", "*Terminating:Wait");
const going = matches("$.look.AutoScalingInstances[0].LifecycleState", "*Terminat*");
const instanceState = "$.instance.Reservations[0].Instances[0].State.Name";
const dead = ["shutting-down", "terminated", "stopping", "stopped"];
const hook = {
  "AutoScalingGroupName.$": "$.hook.group",
  "LifecycleHookName.$": "$.hook.name",
  "InstanceId.$": "$.agent.capacityId",
} as const satisfies Parameters;

/**
 * The states for agents on instances. An instance may go at any time. So the workflow sends the hook a heartbeat before
 * it asks the vendor anything, and trusts the instance's state in Auto Scaling and EC2 more than any error.
 */
export function onInstances(props: Props, groups: readonly string[]): States<InstanceState, Name> {
  return { ...looking(props, groups), ...ending(props, groups) };
}

function looking(props: Props, groups: readonly string[]): States<LookingState, Name> {
  return {
    "Has a hook": choice("Look", [{ ...hooked, Next: "Heartbeat" }]),
    Heartbeat: asg(
      props,
      "recordLifecycleActionHeartbeat",
      hook,
      { ResultPath: null, Next: "Look at the instance" },
      "Look",
    ),
    "Look at the instance": call(
      props,
      "aws-sdk:ec2:describeInstances",
      { "InstanceIds.$": listOf("$.agent.capacityId") },
      { ResultPath: "$.instance", Next: "Is it alive" },
      { otherwise: "Drain" },
    ),
    "Is it alive": choice("Drain", [
      {
        And: [isPresent(instanceState), { Or: dead.map((state) => equals(instanceState, state)) }],
        Next: "Has the dead a hook",
      },
    ]),
    // A dead machine answers nobody: neither it nor the vendor is asked whether it works.
    "Has the dead a hook": choice("Forget the dead", [{ ...hooked, Next: "Let it go" }]),
    // Ended by its name, it is not replaced unless jobs wait.
    "Forget the dead": ask(props, "forget", { ResultPath: "$.left", Next: "How to end" }, { otherwise: "In time" }),
    "Let it go": complete(props, "Forget", "Forget"),
    Look: look(props, "Where it is", "Look at the instance"),
    "Where it is": choice("Look at the instance", [
      ...notOurs(groups, "Forget"),
      { And: [hooked, held], Next: "Look at the instance" },
      { And: [hooked, going], Next: "Forget" },
      // Without a hook: the execution that the hook starts takes over. With a hook: the instance is in service again.
      { Or: [hooked, going], Next: "Gone" },
    ]),
    Forget: ask(props, "forget", { ResultPath: null, Next: "Gone" }, { otherwise: "In time" }),
  };
}

function ending(props: Props, groups: readonly string[]): States<EndingState, Name> {
  return {
    "How to end": choice("Terminate", [
      { ...hooked, Next: "Complete the hook" },
      { ...equals("$.left.replace", true), Next: "Terminate and replace" },
    ]),
    "Complete the hook": complete(props, "Gone", "Look again"),
    // Auto Scaling refuses a decrement below the group's minimum.
    Terminate: terminate(props, true, "Terminate and replace"),
    "Terminate and replace": terminate(props, false, "Look again"),
    "Look again": look(props, "Is it gone", "Failed"),
    "Is it gone": choice("Failed", [
      ...notOurs(groups, "Gone"),
      { And: [hooked, held], Next: "Failed" },
      { ...going, Next: "Gone" },
    ]),
  };
}

function notOurs(groups: readonly string[], Next: Name): Choice<Name>[] {
  const others = groups.map((group) => ({ Not: equals("$.look.AutoScalingInstances[0].AutoScalingGroupName", group) }));
  return [
    { Not: isPresent("$.look.AutoScalingInstances[0]"), Next },
    { ...(others.length > 1 ? { And: others } : others[0]), Next },
  ];
}

function look(props: Props, Next: Name, otherwise: Name): State<Name> {
  const InstanceIds = { "InstanceIds.$": listOf("$.agent.capacityId") };
  return asg(props, "describeAutoScalingInstances", InstanceIds, { ResultPath: "$.look", Next }, otherwise);
}

function complete(props: Props, Next: Name, otherwise: Name): State<Name> {
  const parameters = { ...hook, LifecycleActionResult: "CONTINUE" };
  return asg(props, "completeLifecycleAction", parameters, { ResultPath: null, Next }, otherwise);
}

function terminate(props: Props, ShouldDecrementDesiredCapacity: boolean, otherwise: Name): State<Name> {
  const parameters: Parameters = { "InstanceId.$": "$.agent.capacityId", ShouldDecrementDesiredCapacity };
  return asg(props, "terminateInstanceInAutoScalingGroup", parameters, { ResultPath: null, Next: "Gone" }, otherwise);
}

function asg(props: Props, action: string, parameters: Parameters, then: Then<Name>, otherwise: Name): State<Name> {
  return call(props, `aws-sdk:autoscaling:${action}`, parameters, then, { otherwise });
}
