import { createHash } from "node:crypto";
import { type ECSClient, type PlacementStrategy, RunTaskCommand, type RunTaskResponse } from "@aws-sdk/client-ecs";
import type { Clock, LaunchFailureKind, LaunchReport, LaunchRequest } from "../core/ports.ts";
import { type EcsCapacityConfig, startedByLoop } from "../settings/ecs-capacity.ts";
import { isFargate, nextPlacement, type Placement, placementsOf, type SickPlace } from "./ecs-placements.ts";
import { classifyLaunchError, isRefusal, meaningOf, tally } from "./launch-failures.ts";
import { createPace, type Pace } from "./pace.ts";

/** Variable with the agent's role, for its entry point. */
export const roleVariable = "AGENT_FLEETS_ROLE";

/** Number of parallel launches. A refusal stops the next ones. */
const launchesAtOnce = 10;

/**
 * On EC2 hosts: the fullest host with room, so that other hosts become empty and can leave. ECS allows this together
 * with a capacity provider strategy, which only excludes a launch type.
 *
 * @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
 */
const fewestHosts: PlacementStrategy[] = [{ type: "binpack", field: "memory" }];

interface Refusal {
  readonly kind: LaunchFailureKind;
  readonly message: string;
}

type Outcome = { readonly kind: "launched" } | Refusal;

/** The launcher's dependencies. */
interface LauncherDeps {
  readonly ecs: ECSClient;
  /** See {@link createRunTaskPace}. */
  readonly pace: Pace;
  /** Called for every started task, and without ARN if ECS did not answer whether it started the task. */
  readonly onLaunched: (request: LaunchRequest, taskArn?: string) => void;
  /** Placements where accepted tasks have failed lately. They are tried last. */
  readonly sickPlaces: () => readonly SickPlace[];
}

/** AWS limits RunTask to 20 calls a second; this allows ten in half a second. All launchers of a Lambda share it. */
export function createRunTaskPace(clock: Clock): Pace {
  return createPace({ calls: 10, milliseconds: 500 }, clock);
}

/**
 * Starts one task per request and falls back across subnets and capacity providers. Reports refusals instead of
 * throwing them. A final refusal ends the remaining launches: the next tick tries again.
 */
export function createEcsLauncher(
  config: EcsCapacityConfig,
  { ecs, pace, onLaunched, sickPlaces }: LauncherDeps,
): (requests: readonly LaunchRequest[]) => Promise<LaunchReport> {
  return async (requests) => {
    const outcomes: Outcome[] = [];
    /** All requests share it: a placement that is full for one request is full for the next. */
    const from = { placement: 0, of: placementsOf(config, sickPlaces()) };
    for (let start = 0; start < requests.length; start += launchesAtOnce) {
      const batch = requests.slice(start, start + launchesAtOnce);
      outcomes.push(...(await Promise.all(batch.map((request) => launchOne(request, from)))));
      const refusal = outcomes.find((outcome) => outcome.kind !== "launched");
      if (refusal) {
        outcomes.push(...Array.from({ length: requests.length - outcomes.length }, () => refusal));
        break;
      }
    }
    return reportOf(outcomes);
  };

  async function launchOne(
    request: LaunchRequest,
    from: { placement: number; readonly of: readonly Placement[] },
  ): Promise<Outcome> {
    const placements = from.of;
    let index = from.placement;
    for (;;) {
      const placement = placements[index];
      const outcome = placement ? await runTask(request, placement) : nothingLeft;
      if (outcome.kind !== "capacity" && outcome.kind !== "quota") return outcome;
      from.placement = Math.max(from.placement, nextPlacement(placements, index, outcome.kind));
      if (from.placement >= placements.length) return outcome;
      index = from.placement;
    }
  }

  async function runTask(request: LaunchRequest, placement: Placement): Promise<Outcome> {
    await pace();
    try {
      const answer = await ecs.send(
        new RunTaskCommand({
          cluster: config.cluster,
          taskDefinition: config.taskDefinition,
          count: 1,
          // Makes the SDK's own retries harmless. Another placement is another call and needs another token.
          clientToken: tokenOf(request, placement),
          startedBy: startedByLoop,
          capacityProviderStrategy: [{ capacityProvider: placement.capacityProvider, weight: 1 }],
          placementStrategy: isFargate(placement.capacityProvider) ? undefined : fewestHosts,
          networkConfiguration: {
            awsvpcConfiguration: {
              subnets: [...placement.subnets],
              securityGroups: [...config.securityGroups],
              assignPublicIp: config.assignPublicIp === "true" ? "ENABLED" : "DISABLED",
            },
          },
          overrides: {
            containerOverrides: [
              {
                name: config.container,
                environment: [
                  { name: config.nameVariable, value: request.agentName },
                  { name: roleVariable, value: request.role },
                ],
              },
            ],
          },
          enableExecuteCommand: config.enableExecuteCommand,
          // Among them the tag by which the fleet's roles may touch the task.
          propagateTags: "TASK_DEFINITION",
          enableECSManagedTags: true,
        }),
      );
      const arn = answer.tasks?.[0]?.taskArn;
      if (arn === undefined) return refusalOf(answer);
      onLaunched(request, arn);
      return { kind: "launched" };
    } catch (error) {
      if (!isRefusal(error)) onLaunched(request);
      return { kind: classifyLaunchError(error), message: String(error) };
    }
  }
}

/** ECS allows 64 characters; agent names may be longer. */
function tokenOf({ agentName }: LaunchRequest, { capacityProvider, subnets }: Placement): string {
  return createHash("sha256")
    .update([agentName, capacityProvider, ...subnets].join(" "))
    .digest("hex");
}

const nothingLeft: Refusal = { kind: "capacity", message: "every subnet and capacity provider was full" };

function refusalOf({ failures = [] }: RunTaskResponse): Refusal {
  const [failure] = failures;
  const reason = failure?.reason ?? "RunTask answered with neither task nor failure";
  const message = failure?.detail ? `${reason}: ${failure.detail}` : reason;
  return { kind: meaningOf(message).kind, message };
}

function reportOf(outcomes: readonly Outcome[]): LaunchReport {
  const refusals = outcomes.filter((outcome) => outcome.kind !== "launched");
  return { launched: outcomes.length - refusals.length, failures: tally(refusals) };
}
