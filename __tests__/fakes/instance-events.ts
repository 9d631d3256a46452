const envelope = (source: string, detailType: string, detail: object) => ({
  version: "0",
  id: "468fe059-f4b7-445f-bb22-2a271b94974d",
  "detail-type": detailType,
  source,
  account: "111122223333",
  time: "2026-01-01T00:00:00Z",
  region: "us-west-2",
  resources: ["arn:aws:autoscaling:us-west-2:111122223333:autoScalingGroup:uuid:autoScalingGroupName/ci"],
  detail,
});

/** A group terminates an instance, as in AWS's documentation. */
export function terminateEvent(instanceId: string, more: object = {}) {
  return envelope("aws.autoscaling", "EC2 Instance-terminate Lifecycle Action", {
    LifecycleActionToken: "71514b9d-6a40-4b26-8523-05e7eexample",
    AutoScalingGroupName: "ci",
    LifecycleHookName: "agent-fleets-retire",
    EC2InstanceId: instanceId,
    LifecycleTransition: "autoscaling:EC2_INSTANCE_TERMINATING",
    Origin: "AutoScalingGroup",
    Destination: "EC2",
    ...more,
  });
}

/** A group launches an instance. */
export function launchEvent(instanceId: string) {
  const { detail, ...rest } = terminateEvent(instanceId);
  return { ...rest, "detail-type": "EC2 Instance-launch Lifecycle Action", detail };
}

/** EC2 takes a Spot instance back in two minutes. */
export function interruptionEvent(instanceId: string) {
  return envelope("aws.ec2", "EC2 Spot Instance Interruption Warning", {
    "instance-id": instanceId,
    "instance-action": "terminate",
  });
}

/** EC2 warns that it may take a Spot instance back soon. */
export function rebalanceEvent(instanceId: string) {
  return envelope("aws.ec2", "EC2 Instance Rebalance Recommendation", { "instance-id": instanceId });
}

/** An instance changes its state. */
export function stateEvent(instanceId: string) {
  return envelope("aws.ec2", "EC2 Instance State-change Notification", {
    "instance-id": instanceId,
    state: "terminated",
  });
}
