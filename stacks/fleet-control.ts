import type { Construct } from "constructs";
import * as z from "zod";
import type { TerraformResource } from "#cdktf";
import { withChanges } from "../handlers/lib/core/env.ts";
import type { Policy } from "../handlers/lib/core/policy.ts";
import { autoscaleEnv } from "../handlers/lib/settings/autoscale.ts";
import { type CapacityConfig, capacityConfig } from "../handlers/lib/settings/capacity.ts";
import { vendorRuntime } from "../handlers/lib/settings/vendors.ts";
import { webhookEnv } from "../handlers/lib/settings/webhook.ts";
import type { FleetFields } from "./config/fleet.ts";
import { policyOf } from "./config/policy.ts";
import { alarmsIn } from "./constructs/alarms/alarm.ts";
import { AlarmTopic } from "./constructs/alarms/alarm-topic.ts";
import { FleetAlarms } from "./constructs/alarms/fleet-alarms.ts";
import { createFleetDashboard } from "./constructs/alarms/fleet-dashboard.ts";
import type { ListPrice } from "./constructs/alarms/pool-widgets.ts";
import { deadLetterQueuesIn } from "./constructs/dead-letter-queue.ts";
import { resourcesIn } from "./constructs/destroy-order.ts";
import { DestroyGuard } from "./constructs/functions/destroy-guard.ts";
import { FleetStateTable } from "./constructs/functions/fleet-state.ts";
import { HandlerFunction } from "./constructs/functions/handler-function.ts";
import { NextLooks } from "./constructs/functions/next-looks.ts";
import { RunLedgerTable } from "./constructs/functions/run-ledger.ts";
import { MinuteSchedule } from "./constructs/functions/schedule.ts";
import { SettingsTable } from "./constructs/functions/settings-table.ts";
import { WebhookApi } from "./constructs/functions/webhook-api.ts";
import type { FleetNetwork } from "./constructs/network/fleet-network.ts";
import type { RetiringCapacity } from "./constructs/retirement/retiring-capacity.ts";
import { RetirementWorkflow } from "./constructs/retirement/workflow.ts";
import type { ServiceRole } from "./constructs/service-role.ts";
import type { StackContext } from "./constructs/stack-context.ts";
import type { Outbound } from "./vendors/outbound.ts";
import type { VendorSynth } from "./vendors/vendor-synth.ts";

/** A pass may go on for 50 s, and its last look may wait for a rate limit. */
const passTimeoutSeconds = 300;

/** The settings of every fleet, on any capacity. */
export interface FleetProps {
  readonly context: StackContext;
  readonly config: FleetFields;
  readonly vendor: VendorSynth;
}

/** The differences of one of several pools from what the fleet has. */
export interface FleetPool {
  readonly pool: string;
  readonly policy: Pick<Policy, "min" | "max" | "buffer" | "schedule">;
  readonly vendor: Readonly<Record<string, unknown>>;
  readonly capacity: Readonly<Record<string, unknown>>;
  readonly price: ListPrice;
}

/** The capacity for agents, and its use by the loop. */
export interface FleetCapacity {
  readonly config: CapacityConfig;
  /** The retirement workflow's settings for ending agents. */
  readonly retiring: RetiringCapacity;
  /** What a config without its fallback for want of Spot would destroy; only with a fallback. */
  readonly fallback?: readonly TerraformResource[] | undefined;
  /** Gives the loop the right to launch, watch and stop agents of this fleet, and no other rights. */
  grantOperate(role: ServiceRole): void;
  /** Makes Terraform destroy the capacity before these resources, which its agents need. */
  destroyBefore(needed: readonly TerraformResource[]): void;
}

/** Watches and scales a fleet: the loop and its schedule, the webhook, alarms and dashboard. */
export class FleetControl {
  /** Outputs for the operator: name → value. */
  readonly outputs: Readonly<Record<string, unknown>>;
  /** The topic of the alarms. */
  readonly topic: AlarmTopic;
  private readonly ledger: RunLedgerTable | undefined;
  private readonly settings: SettingsTable;
  private readonly retirement: RetirementWorkflow | undefined;

  /** Creates all resources in `scope`, the stack itself. The agents may need all that exists there before. */
  constructor(
    private readonly scope: Construct,
    private readonly props: FleetProps & {
      readonly capacity: FleetCapacity;
      /** How the functions reach the vendor. */
      readonly outbound: Outbound;
      /** ARNs of the fleet's secrets, by key. */
      readonly secrets: { readonly arns: Readonly<Record<string, string>> };
      /** The network of the agents and, if the config sets it, of the functions that call the vendor. */
      readonly network: FleetNetwork;
      /** How to replace agents that are too old or outdated, if the loop has to. */
      readonly renewal?: Pick<Policy, "maxLifetimeSeconds" | "renewAtOncePercent"> | undefined;
      /** Of one agent, in a fleet of one pool. */
      readonly price: ListPrice;
      /** `undefined`: the fleet has one pool. */
      readonly pools?: readonly FleetPool[] | undefined;
    },
  ) {
    const { context, config, vendor, secrets } = props;
    props.capacity.destroyBefore(resourcesIn(scope));
    this.ledger = vendor.ledgerTtlSeconds === undefined ? undefined : new RunLedgerTable(scope, "ledger", context);
    this.topic = new AlarmTopic(scope, "alarm-topic", { context, ...config.alarms });
    this.settings = new SettingsTable(scope, "settings", context, {
      pools: this.poolSettings(),
      // Else a destroy of the fallback would ask a loop that no longer knows it, see DestroyGuard.
      after: props.capacity.fallback,
    });
    this.retirement = this.retire();
    const autoscale = this.autoscale();
    new DestroyGuard(scope, "destroy", { loop: autoscale });
    const { fallback } = props.capacity;
    if (fallback) new DestroyGuard(scope, "destroy-fallback", { loop: autoscale, fallback });
    const schedule = new MinuteSchedule(scope, "schedule", { context, target: autoscale });
    const webhook = this.webhook(autoscale);
    const managed = vendor.manage?.(scope, { webhook: webhook?.endpoint, stackName: context.name });
    const alarms = new FleetAlarms(scope, "alarms", {
      context,
      topic: this.topic,
      autoscale,
      webhook: webhook?.endpoint,
      scheduleRuleName: schedule.ruleName,
      deadLetterQueueName: schedule.deadLetterQueueName,
      queueWaitSeconds: config.alarms.queueWaitSeconds,
      imageAgeDays: config.alarms.imageAgeDays,
      knowsImageAge: (pool) => this.knowsImageAge(pool),
      tellsUnmatchedJobs: vendor.tellsUnmatchedJobs,
      pools: props.pools?.map(({ pool }) => pool),
    });
    const ofPools = new Set([...alarms.ofPools.values()].flat());
    const dashboardUrl = createFleetDashboard(scope, {
      context,
      webhook: webhook?.endpoint,
      autoscale,
      webhookFunction: webhook?.function,
      retirement: this.retirement?.functions ?? [],
      deadLetterQueues: deadLetterQueuesIn(scope),
      queueWaitSeconds: config.alarms.queueWaitSeconds,
      runbookUrl: config.alarms.runbookUrl,
      alarms: alarmsIn(scope).filter((alarm) => !ofPools.has(alarm)),
      pools: (props.pools ?? [{ pool: undefined, price: props.price }]).map(({ pool, price }) => ({
        pool,
        price,
        knowsImageAge: this.knowsImageAge(pool),
        alarms: alarms.ofPools.get(pool) ?? [],
      })),
      hasFallback: props.capacity.config.type === "asg" && props.capacity.config.fallback !== undefined,
    });
    this.outputs = {
      ...webhook?.outputs,
      dashboard_url: dashboardUrl,
      alarms_topic_arn: this.topic.arn,
      autoscaler_log_group: autoscale.logGroupName,
      settings_table: this.settings.name,
      secrets: secrets.arns,
      ...managed,
    };
  }

  private knowsImageAge(pool: string | undefined): boolean {
    const { capacity, pools } = this.props;
    if (capacity.config.type === "asg") return true;
    const own = pools?.find((each) => each.pool === pool)?.capacity;
    return Boolean({ ...capacity.config, ...own }.image);
  }

  private loopNetwork(): FleetNetwork | undefined {
    return this.props.config.loop.inNetwork ? this.props.network : undefined;
  }

  private autoscale(): HandlerFunction {
    const { context, config, vendor, outbound, capacity, pools } = this.props;
    const apiToken = vendor.apiSecret;
    const state = new FleetStateTable(this.scope, "state", context);
    const nextLooks = new NextLooks(this.scope, "next-looks", { context, functionTimeoutSeconds: passTimeoutSeconds });
    const autoscale = new HandlerFunction(this.scope, "autoscale", {
      context,
      description: `Scaling loop of fleet ${context.name}`,
      timeoutSeconds: passTimeoutSeconds,
      memoryMiB: 256,
      network: this.loopNetwork(),
      environment: z.encode(autoscaleEnv, {
        FLEET: context.name,
        TICK_SECONDS: config.scaling.tickSeconds,
        STATE_TABLE: state.name,
        SETTINGS_TABLE: this.settings.name,
        NEXT_LOOKS_QUEUE_URL: nextLooks.queueUrl,
        POOLS: pools?.map(({ pool }) => pool),
        ...(apiToken && { API_TOKEN_SECRET_ARN: apiToken.arn, OUTBOUND: outbound.settings }),
        ...this.ledgerVariables(),
        ...(this.retirement && { RETIREMENTS: this.retirement.config }),
      }),
      after: this.settings.rows,
    });
    capacity.grantOperate(autoscale.role);
    state.grantUse(autoscale.role);
    this.settings.grantReadAll(autoscale.role);
    nextLooks.invoke(autoscale);
    this.retirement?.grantStart(autoscale.role);
    apiToken?.grantRead(autoscale.role);
    if (apiToken) outbound.grantRead(autoscale.role);
    this.ledger?.grantRead(autoscale.role);
    return autoscale;
  }

  private poolSettings(): ConstructorParameters<typeof SettingsTable>[3]["pools"] {
    const { config, vendor, capacity, renewal, pools } = this.props;
    const policy = { ...policyOf(config, vendor.departure), canRetire: this.canRetire(), ...renewal };
    const common = { policy, vendor: vendor.runtime, capacity: capacity.config };
    if (pools === undefined) return [{ pool: undefined, settings: common }];
    return pools.map((own) => ({
      pool: own.pool,
      settings: {
        policy: { ...policy, ...own.policy },
        vendor: withChanges(vendorRuntime, vendor.runtime, own.vendor),
        capacity: withChanges(capacityConfig, capacity.config, own.capacity),
      },
    }));
  }

  /** Only if agents do not leave by themselves, or if AWS may reclaim one at any time. */
  private canRetire(): boolean {
    const { vendor, capacity } = this.props;
    return vendor.departure !== "by-itself" || capacity.retiring.type !== "ecs";
  }

  private retire(): RetirementWorkflow | undefined {
    const { context, config, vendor, capacity } = this.props;
    if (!this.canRetire()) return undefined;
    return new RetirementWorkflow(this.scope, "retirement", {
      context,
      topic: this.topic,
      capacity: capacity.retiring,
      network: this.loopNetwork(),
      ...config.retirement,
      settings: this.settings,
      vendor: { apiToken: vendor.apiSecret, outbound: this.props.outbound },
    });
  }

  private webhook(autoscale: HandlerFunction) {
    const { context, vendor, outbound } = this.props;
    if (!vendor.webhook) return undefined;
    const { secret, paths, asksVendor, throttleRatePerSecond, throttleBurst } = vendor.webhook;
    const target = new HandlerFunction(this.scope, "webhook", {
      context,
      description: `Takes in the notifications of fleet ${context.name}`,
      timeoutSeconds: 10,
      memoryMiB: 256,
      network: asksVendor ? this.loopNetwork() : undefined,
      environment: z.encode(webhookEnv, {
        FLEET: context.name,
        VENDOR: vendor.runtime,
        NOTIFICATION_SECRET_ARN: secret.arn,
        AUTOSCALE_FUNCTION_NAME: autoscale.name,
        ...(asksVendor && { OUTBOUND: outbound.settings }),
        ...this.ledgerVariables(),
      }),
    });
    secret.grantRead(target.role, "webhook");
    if (asksVendor) outbound.grantRead(target.role);
    this.ledger?.grantWrite(target.role);
    target.role.allow({ actions: ["lambda:InvokeFunction"], resources: [autoscale.arn] });
    const endpoint = new WebhookApi(this.scope, "webhook-api", {
      context,
      target,
      paths: Object.values(paths),
      throttleRatePerSecond,
      throttleBurst,
    });
    const outputs = Object.fromEntries(Object.entries(paths).map(([output, path]) => [output, endpoint.url + path]));
    return { function: target, endpoint, outputs };
  }

  private ledgerVariables(): { readonly LEDGER_TABLE: string; readonly RUN_TTL_SECONDS: number } | undefined {
    const { ledgerTtlSeconds } = this.props.vendor;
    if (!this.ledger || ledgerTtlSeconds === undefined) return undefined;
    return { LEDGER_TABLE: this.ledger.name, RUN_TTL_SECONDS: ledgerTtlSeconds };
  }
}
