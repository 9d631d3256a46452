import type { Clock } from "../../../handlers/lib/core/ports.ts";
import type { LoadedStack } from "../../../stacks/config/load.ts";
import { partitionOf } from "../../../stacks/config/regions.ts";
import type { StackConfig } from "../../../stacks/config/schema.ts";
import { UserError } from "../lib/errors.ts";
import type { FleetInForce } from "../lib/in-force.ts";
import { listSecrets, type SecretRow } from "../lib/secret-list.ts";
import { secretsOf } from "../lib/stack-secrets.ts";
import { type Alarm, readAlarms, readSubscriptions, type Subscription } from "./alarms.ts";
import { capacityRights, readCapacities } from "./capacities.ts";
import type { DeskClients } from "./clients.ts";
import type { FleetConfig } from "./cost.ts";
import { type Deployed, keysOf, readConcurrency, readDeployed } from "./deployed.ts";
import { type DrainUnderWay, readDrain } from "./drains.ts";
import { type Image, imageRights, readImages } from "./images.ts";
import { type LoopLog, readLoopLog } from "./loop-log.ts";
import type { Capacity } from "./machines.ts";
import { known, look, lookInto, type Part } from "./part.ts";
import { type DeskPool, placesOf, poolsIn, readSettings } from "./pools.ts";
import { type Queues, queueRights, readQueues } from "./queues.ts";
import { type Retirements, readRetirements, retirementRights } from "./retirements.ts";
import { readSchedule, type Schedule } from "./schedule.ts";
import { type LoopState, readLoopState } from "./state.ts";
import { readWebhookRefusals, type WebhookRefusals } from "./webhook.ts";

/** A fleet's config, as its file has it. */
export interface FleetStack extends LoadedStack {
  readonly config: FleetConfig;
}

/** All that AWS and the loop's own papers say of a fleet at one moment. Nothing in it comes from the vendor. */
export interface FleetPicture {
  readonly stack: FleetStack;
  readonly at: Date;
  readonly deployed: Part<Deployed>;
  /** The rows of pools and operators. */
  readonly settings: Part<FleetInForce>;
  /** As the deployed loop has them; as a last resort, those of the config. */
  readonly pools: readonly DeskPool[];
  readonly concurrency: Part<number | undefined>;
  readonly schedule: Part<Schedule>;
  readonly state: Part<LoopState>;
  readonly queues: Part<Queues>;
  readonly log: Part<LoopLog>;
  /** Of those pools whose settings can be used. */
  readonly capacities: Part<readonly Capacity[]>;
  /** `undefined`: the fleet has no retirement workflow. */
  readonly retirements: Part<Retirements | undefined>;
  /** `undefined`: no pool is drained. */
  readonly drain: Part<DrainUnderWay | undefined>;
  readonly alarms: Part<readonly Alarm[]>;
  readonly subscriptions: Part<readonly Subscription[]>;
  /** Each row has its own error if it could not be read. */
  readonly secrets: readonly SecretRow[];
  readonly images: Part<readonly Image[]>;
  /** `undefined`: the fleet has no webhook. */
  readonly webhook: Part<WebhookRefusals | undefined>;
}

/** The stack, if it is a fleet. Throws {@link UserError} if it is not. */
export function fleetOf(stack: LoadedStack): FleetStack {
  const { config } = stack;
  if (config.kind === "ecs-fleet" || config.kind === "ec2-fleet") return { ...stack, config };
  throw new UserError(
    `${stack.file} is of kind ${config.kind}, which has no agents.`,
    `Give the name of a fleet's stack. ${elsewhere(stack.name)[config.kind]}`,
  );
}

/** Where an operator looks at stacks of other kinds. */
function elsewhere(name: string): Readonly<Record<Exclude<StackConfig["kind"], FleetConfig["kind"]>, string>> {
  const common = `fleet check ${name}, cost and outputs work for it.`;
  return {
    "ecs-cluster":
      `The page dashboard_url of fleet outputs ${name} shows the cluster's hosts, tasks that wait for room, and alarms; ` +
      `its services: aws ecs describe-services. ${common}`,
    network: common,
    "machine-image": `fleet image build ${name} builds it, and shows why a build fails. ${common}`,
  };
}

/**
 * Reads everything once, side by side. What cannot be read says why, and hides nothing else.
 *
 * @throws UserError if the fleet is not deployed there; errors about the caller's own credentials
 */
export async function readPicture(stack: FleetStack, clients: DeskClients, clock: Clock): Promise<FleetPicture> {
  const { name, config } = stack;
  const { region } = config;
  const now = clock.now();
  const [deployed, settings] = await Promise.all([
    readDeployed({ stack: name, region }, clients),
    readSettings(stack, now),
  ]);
  const ofConfig = config.kind === "ecs-fleet" ? config.pools?.map(({ key }) => key) : undefined;
  const pools = poolsIn(settings, name, deployed.known ? keysOf(deployed.value) : (ofConfig ?? [undefined]));
  const places = placesOf(pools);
  const rights = config.kind === "ecs-fleet" ? capacityRights.ecs : capacityRights.asg;
  const capacities = lookInto(settings, rights, () => readCapacities(places, clients, clock));
  const images = capacities.then((part) =>
    lookInto(part, imageRights, (all) => {
      const machines = all.flatMap((each) => each.machines);
      return readImages({ places, region, machines }, clients);
    }),
  );
  return {
    stack,
    at: now,
    deployed,
    settings,
    pools,
    ...(await allOf({
      concurrency: readConcurrency(name, clients),
      schedule: look(["events:DescribeRule", "events:ListTargetsByRule"], () => readSchedule(name, clients.call)),
      state: lookInto(deployed, ["dynamodb:GetItem"], ({ env: { STATE_TABLE: table } }) =>
        readLoopState({ table, poolNames: pools.map(({ poolName }) => poolName) }, { ...clients, clock }),
      ),
      queues: lookInto(deployed, queueRights, ({ env: { NEXT_LOOKS_QUEUE_URL: url } }) =>
        readQueues({ stack: name, url }, clients),
      ),
      log: look(["logs:FilterLogEvents"], () => readLoopLog({ stack: name, now }, clients.logs)),
      capacities,
      retirements: lookInto(
        deployed,
        retirementRights,
        async ({ env: { RETIREMENTS: retirements } }) =>
          retirements && readRetirements({ workflow: retirements.workflow, now }, clients.sfn),
      ),
      drain: lookInto(settings, [...rights, "dynamodb:GetItem"], () => readDrain(stack, pools, clock)),
      alarms: look(["cloudwatch:DescribeAlarms"], () =>
        readAlarms({ stack: name, pools: ofConfig ?? [] }, clients.cloudwatch),
      ),
      subscriptions: lookInto(deployed, ["sns:ListSubscriptionsByTopic"], ({ account }) =>
        readSubscriptions(topicOf(stack, account), clients.call),
      ),
      secrets: listSecrets(secretsOf(stack), now),
      images,
      webhook: hasWebhook(config)
        ? look(["logs:FilterLogEvents"], () => readWebhookRefusals({ stack: name, now }, clients.logs))
        : Promise.resolve(known(undefined)),
    })),
  };
}

/** See {@link AlarmTopic} of the stacks: the topic that the config names, or the stack's own. */
function topicOf({ name, config }: FleetStack, account: string): string {
  const { region, alarms } = config;
  return alarms.topicArn ?? `arn:${partitionOf(region)}:sns:${region}:${account}:${name}-alarms`;
}

function hasWebhook({ vendor }: FleetConfig): boolean {
  return "webhook" in vendor && vendor.webhook.enabled;
}

async function allOf<T extends Record<string, unknown>>(
  promises: { readonly [Key in keyof T]: Promise<T[Key]> },
): Promise<T> {
  const entries = Object.entries(promises).map(async ([key, promise]) => [key, await promise] as const);
  return Object.fromEntries(await Promise.all(entries)) as T;
}
