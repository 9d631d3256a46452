import { Construct } from "constructs";
import * as z from "zod";
import { LambdaEventSourceMapping } from "#provider-aws/lambda-event-source-mapping";
import { SfnStateMachine } from "#provider-aws/sfn-state-machine";
import { type MetricName, metricsNamespace } from "../../../handlers/lib/core/ports.ts";
import { leftTag, neverRegisteredTag, registeredTag } from "../../../handlers/lib/settings/asg-capacity.ts";
import { releaseEnv } from "../../../handlers/lib/settings/release.ts";
import { retireEnv } from "../../../handlers/lib/settings/retire.ts";
import type { RetirementsConfig } from "../../../handlers/lib/settings/retirements.ts";
import { acceptFindings } from "../accepted-findings.ts";
import { createAlarm, notEmpty } from "../alarms/alarm.ts";
import type { AlarmTopic } from "../alarms/alarm-topic.ts";
import { HandlerFunction } from "../functions/handler-function.ts";
import type { SettingsTable } from "../functions/settings-table.ts";
import type { FleetNetwork } from "../network/fleet-network.ts";
import type { Secret } from "../secret.ts";
import { ServiceRole } from "../service-role.ts";
import { arnOf, type StackContext } from "../stack-context.ts";
import { oneOrSeveral } from "../statement.ts";
import { retirementDefinition } from "./definition.ts";
import { RetirementEvents } from "./events.ts";
import { namesOf, type RetiringCapacity, type RetiringInstances } from "./retiring-capacity.ts";

const retireTimeoutSeconds = 80;
const releaseTimeoutSeconds = 30;

/** The parts of one fleet's workflow. */
interface RetirementWorkflowProps {
  readonly context: StackContext;
  readonly topic: AlarmTopic;
  readonly capacity: RetiringCapacity;
  /** The network of the function that asks the vendor. Left out: outside of any VPC. */
  readonly network?: FleetNetwork | undefined;
  readonly drainTimeoutSeconds: number;
  /** Most release-queue batches processed in parallel. @default unlimited */
  readonly maxConcurrency?: number | undefined;
  /** The settings of the fleet's pools. */
  readonly settings: SettingsTable;
  readonly vendor: {
    readonly apiToken: Secret | undefined;
    /** How the function reaches the vendor. @default directly */
    readonly outbound?: {
      readonly settings: z.output<typeof retireEnv>["OUTBOUND"];
      grantRead(role: ServiceRole): void;
    };
  };
}

/**
 * Takes agents out of a fleet without killing a job: the workflow, the function that asks the vendor, and for instances
 * the function and rules that receive notices.
 */
export class RetirementWorkflow extends Construct {
  /** Settings of the functions that start retirements. */
  readonly config: RetirementsConfig;
  readonly functions: readonly HandlerFunction[];
  private readonly machine: SfnStateMachine;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: RetirementWorkflowProps,
  ) {
    super(scope, id);
    const { context, topic, capacity, drainTimeoutSeconds } = props;
    const retire = this.retire();
    const name = `${context.name}-retire`;
    const role = new ServiceRole(this, "retire-workflow", {
      context,
      service: "states.amazonaws.com",
      description: `Retires agents of fleet ${context.name}`,
      trustCondition: { ArnEquals: { "aws:SourceArn": arnOf(context, "states", `stateMachine:${name}`) } },
    });
    role.allow({ actions: ["lambda:InvokeFunction"], resources: [retire.arn] });
    role.allow({ actions: ["sns:Publish"], resources: [topic.arn] });
    role.allowKey(context, ["kms:GenerateDataKey", "kms:Decrypt"]);
    allowEnding(role, capacity);
    this.machine = new SfnStateMachine(this, "workflow", {
      name,
      type: "STANDARD",
      roleArn: role.arn,
      definition: JSON.stringify(
        retirementDefinition({
          fleet: context.name,
          partition: context.partition,
          retireFunction: { arn: retire.arn, timeoutSeconds: retireTimeoutSeconds },
          topic: topic.arn,
          runbook: topic.runbook,
          place: capacity,
          drainTimeoutSeconds,
        }),
      ),
      dependsOn: role.ready,
    });
    acceptFindings(this.machine, {
      CKV_AWS_284: "The history of each execution has every step with its times.",
      CKV_AWS_285: "Step Functions keeps the history of each execution for 90 days.",
    });
    this.config = { workflow: this.machine.arn, drainTimeoutSeconds };
    const release = capacity.type === "asg" ? this.release(capacity) : undefined;
    this.functions = release ? [retire, release] : [retire];
    this.alarms(retire, release);
  }

  /** Lets the scaling loop start retirements and list the running ones. */
  grantStart(role: ServiceRole): void {
    role.allow({ actions: ["states:StartExecution", "states:ListExecutions"], resources: [this.machine.arn] });
    const executions = arnOf(this.props.context, "states", `execution:${this.machine.name}:*`);
    role.allow({ actions: ["states:DescribeExecution"], resources: [executions] });
  }

  private retire(): HandlerFunction {
    const { context, capacity, vendor, settings, network } = this.props;
    const groups = capacity.type === "asg" ? namesOf(capacity.groups) : undefined;
    const retire = new HandlerFunction(this, "retire", {
      context,
      description: `Asks the vendor for the retirements of fleet ${context.name}`,
      timeoutSeconds: retireTimeoutSeconds,
      memoryMiB: 256,
      network,
      environment: z.encode(retireEnv, {
        FLEET: context.name,
        SETTINGS_TABLE: settings.name,
        ...(vendor.apiToken && { API_TOKEN_SECRET_ARN: vendor.apiToken.arn, OUTBOUND: vendor.outbound?.settings }),
        ...(groups && { GROUP: groups }),
      }),
      after: settings.rows,
    });
    settings.grantRead(retire.role);
    vendor.apiToken?.grantRead(retire.role);
    if (vendor.apiToken) vendor.outbound?.grantRead(retire.role);
    if (capacity.type === "asg" && groups) {
      // Neither knows resources.
      const actions = ["autoscaling:DescribeAutoScalingInstances", "ec2:DescribeInstances"];
      retire.role.allow({ actions, resources: ["*"] });
      this.allowNotes(retire.role, groups, [leftTag]);
      if (capacity.asksInstances) this.allowAsking(retire.role, groups);
    }
    return retire;
  }

  /** Lets a function write down on the instances of these groups what is known of their agents. */
  private allowNotes(role: ServiceRole, groups: readonly string[], tags: readonly string[]): void {
    role.allow({
      actions: ["ec2:CreateTags"],
      resources: [arnOf(this.props.context, "ec2", "instance/*")],
      condition: {
        StringEquals: { "aws:ResourceTag/aws:autoscaling:groupName": oneOrSeveral(groups) },
        "ForAllValues:StringEquals": { "aws:TagKeys": [...tags] },
      },
    });
  }

  /** Lets a function run the scripts of our boot on the instances of these groups; Run Command cannot be limited to them. */
  private allowAsking(role: ServiceRole, groups: readonly string[]): void {
    const { context } = this.props;
    const { partition, region } = context;
    role.allow({
      actions: ["ssm:SendCommand"],
      resources: [`arn:${partition}:ssm:${region}::document/AWS-RunShellScript`],
    });
    role.allow({
      actions: ["ssm:SendCommand"],
      resources: [arnOf(context, "ec2", "instance/*")],
      condition: { StringEquals: { "ssm:resourceTag/aws:autoscaling:groupName": oneOrSeveral(groups) } },
    });
    // Knows no resources.
    role.allow({ actions: ["ssm:GetCommandInvocation"], resources: ["*"] });
  }

  /** The function that processes notices from instances and AWS that an instance goes. */
  private release({ groups, hook, instanceRole, releaseQueue }: RetiringInstances): HandlerFunction {
    const { context, maxConcurrency } = this.props;
    const release = new HandlerFunction(this, "release", {
      context,
      description: `Starts the retirement of instances of fleet ${context.name} that leave`,
      timeoutSeconds: releaseTimeoutSeconds,
      memoryMiB: 256,
      environment: z.encode(releaseEnv, {
        FLEET: context.name,
        GROUP: namesOf(groups),
        RETIREMENTS: this.config,
      }),
    });
    release.role.allow({ actions: ["states:StartExecution"], resources: [this.machine.arn] });
    // AWS allows no resources for this action.
    release.role.allow({ actions: ["autoscaling:DescribeAutoScalingInstances"], resources: ["*"] });
    this.allowNotes(release.role, namesOf(groups), [registeredTag, neverRegisteredTag, leftTag]);
    releaseQueue.grantReceive(release.role);
    releaseQueue.allowInstances(instanceRole.arn);
    new LambdaEventSourceMapping(this, "release-source", {
      eventSourceArn: releaseQueue.arn,
      functionName: release.function.functionName,
      batchSize: 10,
      functionResponseTypes: ["ReportBatchItemFailures"],
      ...(maxConcurrency !== undefined && { scalingConfig: { maximumConcurrency: maxConcurrency } }),
      dependsOn: [...release.role.ready, ...releaseQueue.ready],
    });
    new RetirementEvents(this, "events", { context, groups: namesOf(groups), hook, queue: releaseQueue });
    return release;
  }

  private alarms(retire: HandlerFunction, release: HandlerFunction | undefined): void {
    const { context, topic, capacity } = this.props;
    this.onErrors(retire, {
      name: "retire-failing",
      impact:
        "The retire function ended with an error at least three times within five minutes. Agents that are to leave may " +
        "stay longer.",
    });
    if (release) {
      this.onErrors(release, {
        name: "release-failing",
        impact:
          "The release function ended with an error at least three times within five minutes. Instances that AWS takes may " +
          "not be drained before.",
      });
    }
    this.onExecutions(
      "retirements-failing",
      "ExecutionsFailed",
      "A retirement ended as failed within five minutes. Its agent may still be drained: the alert beside this names it.",
    );
    this.onExecutions(
      "retirements-timed-out",
      "ExecutionsTimedOut",
      "A retirement reached the time limit of its workflow. Its agent may stay drained and take no jobs.",
    );
    this.onExecutions(
      "retirements-aborted",
      "ExecutionsAborted",
      "A retirement was aborted. Its agent may stay drained, and an instance that AWS takes may no longer be waited for.",
    );
    if (capacity.type !== "asg") return;
    if (capacity.asksInstances) {
      createAlarm(this, {
        context,
        topic,
        name: "agents-silent",
        impact:
          "A retirement reported an agent that was told to leave and does not answer. It may have a job, so agent-fleets " +
          "does not stop it. Its instance may stay until the drain timeout.",
        namespace: metricsNamespace,
        metric: "AgentsSilent" satisfies MetricName,
        dimensions: { Fleet: context.name },
        statistic: "Maximum",
        comparison: "GreaterThanOrEqualToThreshold",
        threshold: 1,
        // Longer than the time between two questions to one agent.
        periodSeconds: 900,
        periods: 1,
        missingData: "notBreaching",
      });
    }
    createAlarm(this, {
      ...notEmpty(capacity.releaseQueue.deadLetters.name),
      context,
      topic,
      name: "release-dead-letters",
      impact:
        "The release function gave up messages, and they lie in its dead-letter queue. If one is AWS's notice that an " +
        "instance goes, AWS may terminate that instance with its job within the hour.",
    });
  }

  private onExecutions(name: string, metric: string, impact: string): void {
    createAlarm(this, {
      context: this.props.context,
      topic: this.props.topic,
      name,
      impact,
      namespace: "AWS/States",
      metric,
      dimensions: { StateMachineArn: this.machine.arn },
      statistic: "Sum",
      comparison: "GreaterThanOrEqualToThreshold",
      threshold: 1,
      periodSeconds: 300,
      periods: 1,
      missingData: "notBreaching",
    });
  }

  /** A step that fails is tried four times within a minute. One error alone may be an agent that works after all. */
  private onErrors(target: HandlerFunction, alarm: { readonly name: string; readonly impact: string }): void {
    createAlarm(this, {
      ...alarm,
      context: this.props.context,
      topic: this.props.topic,
      namespace: "AWS/Lambda",
      metric: "Errors",
      dimensions: { FunctionName: target.name },
      statistic: "Sum",
      comparison: "GreaterThanOrEqualToThreshold",
      threshold: 3,
      periodSeconds: 300,
      periods: 1,
      missingData: "notBreaching",
    });
  }
}

function allowEnding(role: ServiceRole, capacity: RetiringCapacity): void {
  if (capacity.type === "ecs") {
    const actions = ["ecs:DescribeTasks", "ecs:StopTask"];
    role.allow({ actions, resources: [capacity.tasks], condition: capacity.taskCondition });
    return;
  }
  role.allow({
    actions: [
      "autoscaling:TerminateInstanceInAutoScalingGroup",
      "autoscaling:RecordLifecycleActionHeartbeat",
      "autoscaling:CompleteLifecycleAction",
    ],
    resources: capacity.groups.map(({ arn }) => arn),
  });
  // AWS allows no resources for these actions.
  role.allow({ actions: ["autoscaling:DescribeAutoScalingInstances", "ec2:DescribeInstances"], resources: ["*"] });
}
