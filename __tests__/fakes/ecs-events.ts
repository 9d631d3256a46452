const account = "111122223333";
const arn = (resource: string) => `arn:aws:ecs:us-west-2:${account}:${resource}`;

/** The cluster that the events below are of. */
export const cluster = { arn: arn("cluster/apps"), serviceArnPrefix: arn("service/apps/") };

const envelope = (detailType: string, resources: readonly string[], detail: object) => ({
  version: "0",
  id: "3317b2af-7005-947d-b652-f55e762e571a",
  "detail-type": detailType,
  source: "aws.ecs",
  account,
  time: "2026-01-23T17:57:58Z",
  region: "us-west-2",
  resources,
  detail,
});

/** One container of a stopped task, as ECS tells of it. */
export function container(more: object = {}): object {
  return {
    containerArn: arn("container/apps/cf159fd6-3e3f-4a9e-84f9-66cbe726af01"),
    lastStatus: "STOPPED",
    name: "web",
    image: "nginx:1.29.0",
    imageDigest: "sha256:74b2c688c700ec95a93e478cdb959737c148df3fbf5ea706abe0318726e885e6",
    runtimeId: "ad64cbc71c7fb31c55507ec24c9f77947132b03d48d9961115cf24f3b7307e1e",
    taskArn: arn("task/apps/c13b4cb40f1f4fe4a2971f76ae5a47ad"),
    networkInterfaces: [],
    cpu: "256",
    memory: "512",
    ...more,
  };
}

/** A task state change, as in AWS's documentation; of a task that stopped, unless `more` says otherwise. */
export function taskEvent(more: object = {}) {
  return envelope("ECS Task State Change", [arn("task/apps/c13b4cb40f1f4fe4a2971f76ae5a47ad")], {
    attachments: [],
    attributes: [{ name: "ecs.cpu-architecture", value: "x86_64" }],
    availabilityZone: "us-west-2c",
    capacityProviderName: "hosts-apps",
    clusterArn: cluster.arn,
    connectivity: "CONNECTED",
    containerInstanceArn: arn("container-instance/apps/c9c9a6f2cd3e44cb8e6b4dbd3e0b7ab5"),
    containers: [container({ exitCode: 0 })],
    cpu: "256",
    createdAt: "2026-01-23T17:50:11.000Z",
    desiredStatus: "STOPPED",
    enableExecuteCommand: false,
    group: "service:web",
    lastStatus: "STOPPED",
    launchType: "EC2",
    memory: "512",
    overrides: { containerOverrides: [{ name: "web" }] },
    startedBy: "ecs-svc/1234567890123456789",
    stopCode: "EssentialContainerExited",
    stoppedReason: "Essential container in task exited",
    stoppedAt: "2026-01-23T17:57:58.000Z",
    taskArn: arn("task/apps/c13b4cb40f1f4fe4a2971f76ae5a47ad"),
    taskDefinitionArn: arn("task-definition/apps-web:3"),
    updatedAt: "2026-01-23T17:57:58.103Z",
    version: 5,
    ...more,
  });
}

/** A deployment's state change. */
export function deploymentEvent(eventName: string, eventType: string, service = arn("service/apps/web")) {
  return envelope("ECS Deployment State Change", [service], {
    eventType,
    eventName,
    deploymentId: "ecs-svc/123",
    updatedAt: "2026-01-23T17:57:58Z",
    reason: "ECS deployment circuit breaker: task failed to start.",
  });
}

/** A service action. */
export function serviceEvent(eventName: string, eventType: string, more: object = {}) {
  return envelope("ECS Service Action", [arn("service/apps/web")], {
    eventType,
    eventName,
    clusterArn: cluster.arn,
    createdAt: "2026-01-23T17:57:58.000Z",
    ...more,
  });
}
