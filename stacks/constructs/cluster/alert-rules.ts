import type { AlertRule } from "../alarms/alert-rule.ts";

/**
 * What in a cluster is worth an alert. Stops that are meant to be (scale-in, deployments, draining hosts, Spot, people)
 * are none: ECS gives them the stop codes ServiceSchedulerInitiated, SpotInterruption, TerminationNotice and UserInitiated.
 */
export function alertRules(cluster: { readonly arn: string; readonly serviceArnPrefix: string }): AlertRule[] {
  return [
    {
      id: "task-failed",
      description: "A task failed: non-zero exit, out of memory, not started, or failed health checks",
      pattern: {
        source: ["aws.ecs"],
        "detail-type": ["ECS Task State Change"],
        detail: {
          clusterArn: [cluster.arn],
          lastStatus: ["STOPPED"],
          $or: [
            // 143 is a container beside the essential one that was told to leave after it.
            { stopCode: ["EssentialContainerExited"], containers: { exitCode: [{ "anything-but": [0, 143] }] } },
            { containers: { reason: [{ prefix: "OutOfMemory" }] } },
            // Images that cannot be pulled, secrets that cannot be read, network cards that cannot be had.
            { stopCode: ["TaskFailedToStart"] },
            {
              stoppedReason: [
                { prefix: "Task failed ELB health checks" },
                { prefix: "Task failed container health checks" },
              ],
            },
          ],
        },
      },
      message: {
        cluster: "$.detail.clusterArn",
        service: "$.detail.group",
        task: "$.detail.taskArn",
        taskDefinition: "$.detail.taskDefinitionArn",
        stopCode: "$.detail.stopCode",
        reason: "$.detail.stoppedReason",
        // With the exit code and reason of each, where it has one.
        containers: "$.detail.containers",
      },
    },
    {
      id: "deployment-failed",
      description: "A deployment failed and is rolled back",
      pattern: {
        source: ["aws.ecs"],
        "detail-type": ["ECS Deployment State Change"],
        resources: [{ prefix: cluster.serviceArnPrefix }],
        detail: { eventName: ["SERVICE_DEPLOYMENT_FAILED"] },
      },
      message: {
        service: "$.resources",
        event: "$.detail.eventName",
        deployment: "$.detail.deploymentId",
        reason: "$.detail.reason",
      },
    },
    {
      id: "service-impaired",
      description: "A service cannot place or start its tasks",
      pattern: {
        source: ["aws.ecs"],
        "detail-type": ["ECS Service Action"],
        detail: {
          clusterArn: [cluster.arn],
          eventName: [
            "SERVICE_TASK_PLACEMENT_FAILURE",
            "SERVICE_TASK_CONFIGURATION_FAILURE",
            "SERVICE_TASK_START_IMPAIRED",
            "SERVICE_DAEMON_PLACEMENT_CONSTRAINT_VIOLATED",
          ],
        },
      },
      message: {
        cluster: "$.detail.clusterArn",
        service: "$.resources",
        event: "$.detail.eventName",
        // Some of these events have a reason, others have none.
        detail: "$.detail",
      },
    },
  ];
}
