import { type ECSClient, ECSServiceException, StopTaskCommand, TagResourceCommand } from "@aws-sdk/client-ecs";
import type { Capacity, CapacityMember, CapacityReading, Clock, Notebook } from "../core/ports.ts";
import { registeredTag } from "../settings/asg-capacity.ts";
import type { EcsCapacityConfig } from "../settings/ecs-capacity.ts";
import { type EndedTask, type FailedTask, failedTaskOf, launchesOf } from "./ecs-launch-failures.ts";
import { createEcsLauncher, createRunTaskPace } from "./ecs-launcher.ts";
import { createMemberReader } from "./ecs-members.ts";
import { createRecentLaunches } from "./ecs-recent-launches.ts";
import { createTaskReader } from "./ecs-tasks.ts";
import { forgetAllBut } from "./forget.ts";
import { toTell } from "./launch-failures.ts";
import type { Pace } from "./pace.ts";

/** How long launches avoid a placement after a task failed there. */
const sickMilliseconds = 300_000;
/** After a cold start, failures of the last minute count as new. The schedule reads every minute. */
const untoldMilliseconds = 60_000;

/** Stop reason of an order that no job waits for any more and that ECS has not begun to launch. */
const noLongerWanted = "agent-fleets: ordered for jobs that are gone";

/**
 * ECS tasks as capacity: one RunTask per agent, with its name in the overrides, so that each agent is exactly one task.
 * Standalone tasks: ECS never chooses one to end. If a task fails after RunTask accepted it, launches avoid its
 * placement for five minutes. Stopped tasks show this even after a cold start.
 *
 * Keep it between passes: it remembers new and ended tasks.
 *
 * @param deps.pace the launch rate, if other pools share it
 */
export function createEcsCapacity(
  config: EcsCapacityConfig,
  {
    ecs,
    clock,
    notebook,
    pace = createRunTaskPace(clock),
  }: { ecs: ECSClient; clock: Clock; pace?: Pace; notebook: Notebook },
): Capacity {
  const { list, describe } = createTaskReader(config, ecs);
  const recent = createRecentLaunches(notebook, clock);
  /** Stopped tasks never change, so each is described once. Holds the results of their launches. */
  const ended = new Map<string, EndedTask>();
  const memberReader = createMemberReader(config.nameVariable, clock);
  let isFirstReading = true;
  /** ARNs of the tasks that lived at the last reading. A list that changes between two of its pages may leave one out. */
  let alive: readonly string[] = [];

  return {
    async read(): Promise<CapacityReading> {
      const running = await list("RUNNING");
      // A task that begins to stop meanwhile is in both lists, never in none.
      const [stopped, described] = await Promise.all([
        list("STOPPED"),
        describe(running.filter((arn) => !ended.has(arn))),
      ]);
      forgetAllBut(ended, new Set(stopped));
      const asked = new Set(running);
      const others = new Set([...stopped, ...alive].filter((arn) => !ended.has(arn) && !asked.has(arn)));
      const tasks = [...described, ...(await describe([...others]))];
      alive = tasks.flatMap(({ taskArn, lastStatus }) => (taskArn && lastStatus !== "STOPPED" ? taskArn : []));
      const newFailures: FailedTask[] = [];
      for (const task of tasks) {
        if (task.taskArn === undefined || task.lastStatus !== "STOPPED") continue;
        const failure = failedTaskOf(task);
        ended.set(task.taskArn, { failure, launchedAt: task.createdAt, hasRun: task.startedAt !== undefined });
        const isUntold = !isFirstReading || (failure && isSince(untoldMilliseconds)(failure));
        if (failure && isUntold) newFailures.push(failure);
      }
      isFirstReading = false;

      const members = new Map<string, CapacityMember>();
      for (const member of await recent.members()) if (!ended.has(member.id)) members.set(member.agentName, member);
      for (const member of memberReader.membersOf(tasks)) members.set(member.agentName, member);
      return {
        members: [...members.values()],
        launches: launchesOf([...ended.values()], [...members.values()], config.subnets, clock.now()),
        ...toTell(newFailures),
      };
    },

    async remaining() {
      const { running, stopped } = await listAll();
      const listed = [...new Set([...running, ...stopped])];
      const tasks = await describe(listed);
      const gone = new Set(tasks.flatMap(({ taskArn, lastStatus }) => (lastStatus === "STOPPED" ? taskArn : [])));
      const launched = (await recent.members()).map(({ id }) => id);
      return [...new Set([...listed, ...launched])].filter((arn) => !gone.has(arn));
    },

    launch: recent.remembering((onLaunched) =>
      createEcsLauncher(config, {
        ecs,
        pace,
        sickPlaces: () =>
          failures().flatMap((failure) => (isSince(sickMilliseconds)(failure) ? (failure.place ?? []) : [])),
        onLaunched,
      }),
    ),

    async withdraw(count): Promise<number> {
      const members = memberReader.membersOf(await describe(await list("RUNNING")));
      const orders = members.filter(({ phase }) => phase === "ordered");
      orders.sort((one, other) => other.launchedAt.getTime() - one.launchedAt.getTime());
      let withdrawn = 0;
      for (const { id } of orders.slice(0, count)) {
        const [task] = await describe([id]);
        if (task?.lastStatus === "PROVISIONING" && (await stop(id, noLongerWanted))) withdrawn += 1;
      }
      return withdrawn;
    },

    async markRegistered(ids): Promise<void> {
      for (const id of ids) {
        const tags = [{ key: registeredTag, value: "true" }];
        await unlessGone(() => ecs.send(new TagResourceCommand({ resourceArn: id, tags })));
        memberReader.registered.add(id);
      }
    },
  };

  /** One after the other: a task that begins to stop meanwhile is in both lists, never in none. */
  async function listAll(): Promise<{ readonly running: string[]; readonly stopped: string[] }> {
    const running = await list("RUNNING");
    return { running, stopped: await list("STOPPED") };
  }

  function failures(): FailedTask[] {
    return [...ended.values()].flatMap(({ failure }) => failure ?? []);
  }

  function isSince(milliseconds: number): (failure: FailedTask) => boolean {
    const since = clock.now().getTime() - milliseconds;
    return ({ at }) => at.getTime() > since;
  }

  function stop(id: string, reason: string): Promise<boolean> {
    return unlessGone(() => ecs.send(new StopTaskCommand({ cluster: config.cluster, task: id, reason })));
  }
}

/** Resolves to whether the task still existed. */
async function unlessGone(call: () => Promise<unknown>): Promise<boolean> {
  try {
    await call();
    return true;
  } catch (error) {
    const isAboutTask = error instanceof ECSServiceException && /^(InvalidParameter|ResourceNotFound)/.test(error.name);
    if (isAboutTask && /not found|inactive/i.test(error.message)) return false;
    throw error;
  }
}
