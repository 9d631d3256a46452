import { ArchiveProvider } from "@cdktf/provider-archive/lib/provider";
import type { Construct } from "constructs";
import * as z from "zod";
import { autoscaleEnv } from "../handlers/autoscale/env.ts";
import { webhookEnv } from "../handlers/webhook/env.ts";
import { BaseStack } from "./base-stack.ts";
import { type EcsFleetConfig, networkOf } from "./config/ecs-fleet.ts";
import { type SecretKey, secretName } from "./config/names.ts";
import { AlarmTopic } from "./constructs/alarm-topic.ts";
import { ConsumerRoles } from "./constructs/consumer-roles.ts";
import { EcsCapacity } from "./constructs/ecs-capacity.ts";
import { FleetAlarms } from "./constructs/fleet-alarms.ts";
import { createFleetDashboard } from "./constructs/fleet-dashboard.ts";
import { fleetNetwork } from "./constructs/fleet-network.ts";
import { HandlerFunction } from "./constructs/handler-function.ts";
import { RunLedgerTable } from "./constructs/run-ledger.ts";
import { MinuteSchedule } from "./constructs/schedule.ts";
import { Secret } from "./constructs/secret.ts";
import { WebhookApi } from "./constructs/webhook-api.ts";
import { vendorSynth } from "./vendors/index.ts";
import type { FleetSecrets } from "./vendors/vendor-synth.ts";

/** A pass ticks for 50 s; the last tick may take as long as the vendor's rate limit makes it wait. */
const passTimeoutSeconds = 120;

/** `kind: ecs-fleet`: one vendor's agents as standalone ECS tasks, and the loop that scales them. */
export class EcsFleetStack extends BaseStack<EcsFleetConfig> {
  private readonly vendor = vendorSynth(this.config.vendor);

  constructor(scope: Construct, name: string, config: EcsFleetConfig) {
    super(scope, name, config);
    const { context, vendor } = this;
    new ArchiveProvider(this, "archive");
    const network = fleetNetwork(this, networkOf(config), context);
    const secrets = this.secrets();
    const capacity = new EcsCapacity(this, "capacity", {
      context,
      compute: config.compute,
      network,
      agent: vendor.container(config.agents, secrets),
    });
    const consumers = new ConsumerRoles(this, "consumer", {
      context,
      taskRole: capacity.taskRole,
      roles: config.consumerRoles,
    });
    const ledgerTtl = vendor.ledgerTtlSeconds;
    const ledger = ledgerTtl === undefined ? undefined : new RunLedgerTable(this, "ledger", context);
    const ledgerVariables = ledger && { LEDGER_TABLE: ledger.name, RUN_TTL_SECONDS: ledgerTtl };

    const autoscale = this.autoscale(capacity, secrets, ledger, ledgerVariables);
    const schedule = new MinuteSchedule(this, "schedule", { context, target: autoscale });
    const webhook = this.webhook(autoscale, secrets, ledger, ledgerVariables);
    const managed = vendor.manage(this, { secrets, webhook: webhook?.endpoint, stackName: context.name });

    new FleetAlarms(this, "alarms", {
      context,
      topic: new AlarmTopic(this, "alarm-topic", { context, ...config.alarms }),
      autoscale,
      webhook: webhook?.endpoint,
      deadLetterQueueName: schedule.deadLetterQueueName,
      queueWaitSeconds: config.alarms.queueWaitSeconds,
    });
    createFleetDashboard(this, {
      context,
      functions: webhook ? [autoscale, webhook.function] : [autoscale],
      logGroup: `/aws/lambda/${autoscale.name}`,
    });

    const [firstConsumerRole] = Object.values(consumers.arns);
    this.output("cluster_name", capacity.clusterName);
    this.output("vpc_id", network.vpcId);
    this.output("task_role", capacity.taskRole.arn);
    this.output("terraform_dev_role", firstConsumerRole);
    this.output("consumer_roles", config.consumerRoles.length > 0 ? consumers.arns : undefined);
    this.output("webhook_url", webhook && `${webhook.endpoint.url}/notifications`);
    this.output("run_task_url", webhook && `${webhook.endpoint.url}/run-task`);
    this.output("secrets", Object.fromEntries(Object.entries(secrets).map(([key, secret]) => [key, secret.arn])));
    for (const [name, value] of Object.entries(managed)) this.output(name, value);
  }

  private secrets(): FleetSecrets {
    const { config, context } = this;
    const wanted = Object.entries(this.vendor.secrets) as [SecretKey, string][];
    return Object.fromEntries(
      wanted.map(([key, description]) => [
        key,
        new Secret(this, `secret-${key}`, {
          context,
          name: secretName(context.name, key),
          description,
          source: config.secrets[key],
          recoveryWindowDays: config.secrets.recoveryWindowDays,
        }),
      ]),
    );
  }

  private autoscale(
    capacity: EcsCapacity,
    secrets: FleetSecrets,
    ledger: RunLedgerTable | undefined,
    ledgerVariables: object | undefined,
  ): HandlerFunction {
    const { config, context, vendor } = this;
    const { agents, scaling } = config;
    const apiToken = secrets[vendor.apiSecret];
    const autoscale = new HandlerFunction(this, "autoscale", {
      context,
      description: `Scaling loop of fleet ${context.name}`,
      timeoutSeconds: passTimeoutSeconds,
      memoryMiB: 512,
      reservedConcurrency: scaling.singleFlight ? 1 : undefined,
      environment: z.encode(autoscaleEnv, {
        FLEET: context.name,
        POLICY: {
          min: agents.min,
          max: agents.max,
          buffer: agents.buffer,
          registrationGraceSeconds: agents.registrationGraceSeconds,
          scaleOutCooldownSeconds: scaling.scaleOutCooldownSeconds,
          scaleInCooldownSeconds: scaling.scaleInCooldownSeconds,
          maxAddedPerTick: scaling.maxAddedPerTick,
          maxRemovedPerTick: scaling.maxRemovedPerTick,
          maxFailedLaunchesPerHour: scaling.maxFailedLaunchesPerHour,
          departure: vendor.departure,
        },
        TICK_SECONDS: scaling.tickSeconds,
        VENDOR: vendor.runtime,
        CAPACITY: capacity.config,
        ...(apiToken && { API_TOKEN_SECRET_ARN: apiToken.arn }),
        ...ledgerVariables,
      }),
    });
    capacity.grantOperate(autoscale.role);
    apiToken?.grantRead(autoscale.role);
    ledger?.grantRead(autoscale.role);
    return autoscale;
  }

  private webhook(
    autoscale: HandlerFunction,
    secrets: FleetSecrets,
    ledger: RunLedgerTable | undefined,
    ledgerVariables: object | undefined,
  ) {
    const { context, vendor } = this;
    const throttling = vendor.webhook;
    const secret = secrets[vendor.webhookSecret];
    if (!throttling || !secret) return undefined;
    const target = new HandlerFunction(this, "webhook", {
      context,
      description: `Takes in the notifications of fleet ${context.name}`,
      timeoutSeconds: 10,
      memoryMiB: 256,
      environment: z.encode(webhookEnv, {
        FLEET: context.name,
        VENDOR: vendor.runtime,
        NOTIFICATION_SECRET_ARN: secret.arn,
        AUTOSCALE_FUNCTION_NAME: autoscale.name,
        ...ledgerVariables,
      }),
    });
    secret.grantRead(target.role);
    ledger?.grantWrite(target.role);
    target.role.allow({ actions: ["lambda:InvokeFunction"], resources: [autoscale.arn] });
    const endpoint = new WebhookApi(this, "webhook-api", { context, target, ...throttling });
    return { function: target, endpoint };
  }
}
