import type { AlertRule } from "../alarms/alert-rule.ts";

/**
 * The events of a cluster that people should know of. Intended stops (scale-in, deployments, draining hosts, Spot, a
 * person) raise no alert: ECS gives them the stop codes ServiceSchedulerInitiated, SpotInterruption, TerminationNotice
 * and UserInitiated.
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
            // 143: a container beside the essential one, stopped by SIGTERM after the essential one had ended.
            { stopCode: ["EssentialContainerExited"], containers: { exitCode: [{ "anything-but": [0, 143] }] } },
            { containers: { reason: [{ prefix: "OutOfMemory" }] } },
            // ECS could not pull an image, read a secret or attach a network card.
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
        // Each with its exit code and reason, if it has them.
        containers: "$.detail.containers",
      },
    },
    {
      id: "deployment-failed",
      description: "A deployment failed. ECS rolls it back where the service says so, as services of this stack do",
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
      description: "ECS could not place or start tasks of a service",
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
        // The whole detail, because only some of these events have a reason.
        detail: "$.detail",
      },
    },
  ];
}
