import { ask, type RetireFunction } from "./ask.ts";
import { call, choice, type State, type States } from "./states-language.ts";

interface Props {
  readonly partition: string;
  readonly retireFunction: RetireFunction;
}

const hooked = { Variable: "$.hook", IsPresent: true };
const held = { Variable: "$.look.AutoScalingInstances[0].LifecycleState", StringMatches: "*Terminating:Wait" };
const going = { Variable: "$.look.AutoScalingInstances[0].LifecycleState", StringMatches: "*Terminat*" };
const instanceState = "$.instance.Reservations[0].Instances[0].State.Name";
const dead = ["shutting-down", "terminated", "stopping", "stopped"];
const hook = {
  "AutoScalingGroupName.$": "$.hook.group",
  "LifecycleHookName.$": "$.hook.name",
  "InstanceId.$": "$.agent.capacityId",
};

/**
 * The states for agents on instances. An instance may go at any time. So the workflow sends the hook a heartbeat before
 * it asks the vendor anything, and trusts the instance's state in Auto Scaling and EC2 more than any error.
 */
export function onInstances(props: Props, group: string): States {
  return { ...looking(props, group), ...ending(props, group) };
}

function looking(props: Props, group: string): States {
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
      ...notOurs(group, "Forget"),
      { And: [hooked, held], Next: "Look at the instance" },
      { And: [hooked, going], Next: "Forget" },
      // Without a hook: the execution that the hook starts takes over. With a hook: the instance is in service again.
      { Or: [hooked, going], Next: "Gone" },
    ]),
    Forget: ask(props, "forget", { ResultPath: null, Next: "Gone" }, { otherwise: "In time" }),
  };
}

function ending(props: Props, group: string): States {
  return {
    "How to end": choice("Terminate", [
      { ...hooked, Next: "Complete the hook" },
      { Variable: "$.left.replace", BooleanEquals: true, Next: "Terminate and replace" },
    ]),
    "Complete the hook": complete(props, "Gone", "Look again"),
    // Auto Scaling refuses a decrement below the group's minimum.
    Terminate: terminate(props, true, "Terminate and replace"),
    "Terminate and replace": terminate(props, false, "Look again"),
    "Look again": look(props, "Is it gone", "Failed"),
    "Is it gone": choice("Failed", [
      ...notOurs(group, "Gone"),
      { And: [hooked, held], Next: "Failed" },
      { ...going, Next: "Gone" },
    ]),
  };
}

function notOurs(group: string, Next: string): State[] {
  return [
    { Not: { Variable: "$.look.AutoScalingInstances[0]", IsPresent: true }, Next },
    { Not: { Variable: "$.look.AutoScalingInstances[0].AutoScalingGroupName", StringEquals: group }, Next },
  ];
}

function look(props: Props, Next: string, otherwise: string): State {
  const InstanceIds = { "InstanceIds.$": "States.Array($.agent.capacityId)" };
  return asg(props, "describeAutoScalingInstances", InstanceIds, { ResultPath: "$.look", Next }, otherwise);
}

function complete(props: Props, Next: string, otherwise: string): State {
  const parameters = { ...hook, LifecycleActionResult: "CONTINUE" };
  return asg(props, "completeLifecycleAction", parameters, { ResultPath: null, Next }, otherwise);
}

function terminate(props: Props, ShouldDecrementDesiredCapacity: boolean, otherwise: string): State {
  const parameters = { "InstanceId.$": "$.agent.capacityId", ShouldDecrementDesiredCapacity };
  return asg(props, "terminateInstanceInAutoScalingGroup", parameters, { ResultPath: null, Next: "Gone" }, otherwise);
}

function asg(props: Props, action: string, parameters: State, then: State, otherwise: string): State {
  return call(props, `aws-sdk:autoscaling:${action}`, parameters, then, { otherwise });
}
