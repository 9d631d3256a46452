import { isDeepStrictEqual } from "node:util";
import type { Instance } from "@aws-sdk/client-ec2";
import * as z from "zod";
import type { AgentRole, Launch } from "../core/model.ts";
import type { CapacityMember, Clock, Notebook } from "../core/ports.ts";
import { neverRegisteredTag, registeredTag, roleTag } from "../settings/asg-capacity.ts";
import type { RecentActivity } from "./asg-activities.ts";
import type { GroupInstance } from "./asg-group.ts";
import { forgetAllBut } from "./forget.ts";
import { type FailedLaunch, hourMilliseconds } from "./launch-failures.ts";

const stored = z.object({
  /** When each instance stopped, in milliseconds since 1970. */
  neverRegistered: z.record(z.string(), z.number()),
  /** Those of them that no reading has reported yet. */
  untold: z.array(z.string()).default([]),
});

/**
 * A group's instances by id: EC2's data, and everything that EC2 shows late or forgets soon. Keep it between passes. A
 * notebook keeps failed launches even over a cold start.
 */
export interface InstanceMemory {
  /** EC2 may show a new tag late. */
  readonly assignedRoles: Map<string, AgentRole>;
  /** Instances whose agent has registered. EC2 may show this tag late, too. */
  readonly registered: Set<string>;
  /** Instances that never became an agent, and when they stopped. EC2 soon removes the tags of ended instances. */
  readonly neverRegistered: Map<string, Date>;
  /** Reads the failed launches that were stored, here or in another container, and which of them were reported. */
  recall(): Promise<void>;
  /** Stores failed launches, and which of them were reported, if that has changed. */
  keep(): Promise<void>;
  /** Updates the memory with a new reading. Call it before the methods below. It drops outdated entries. */
  refresh(instances: ReadonlyMap<string, Instance>, activity: RecentActivity): void;
  /** @param instance `undefined` if EC2 does not show it */
  memberOf(held: GroupInstance, instance: Instance | undefined, activity: RecentActivity): CapacityMember;
  /** The launches of the last hour, and which of them never became a working agent. */
  launchesOf(activity: RecentActivity): Launch[];
  /** The failed launches that were not reported yet. */
  newInVain(activity: RecentActivity): Omit<FailedLaunch, "at">[];
}

/** See {@link InstanceMemory}. @param bootSeconds a younger instance that ends by itself is a failed launch */
export function createInstanceMemory(bootSeconds: number, clock: Clock, notebook: Notebook): InstanceMemory {
  const assignedRoles = new Map<string, AgentRole>();
  const registered = new Set<string>();
  const neverRegistered = new Map<string, Date>();
  /** Instances that AWS reclaimed. Their launch did not fail. */
  const reclaimed = new Set<string>();
  let written: z.output<typeof stored> = { neverRegistered: {}, untold: [] };
  /** Instances that {@link InstanceMemory.newInVain} has reported, here or in another container. */
  const named = new Set<string>();

  function inVain({ endedAtBoot }: RecentActivity): Set<string> {
    const crashed = endedAtBoot.filter((id) => !reclaimed.has(id) && !registered.has(id));
    return new Set([...neverRegistered.keys(), ...crashed]);
  }

  return {
    assignedRoles,
    registered,
    neverRegistered,

    async recall() {
      written = stored.safeParse(await notebook.read()).data ?? { neverRegistered: {}, untold: [] };
      for (const [id, at] of Object.entries(written.neverRegistered)) {
        neverRegistered.set(id, new Date(at));
        if (!written.untold.includes(id)) named.add(id);
      }
    },

    async keep() {
      const times = [...neverRegistered].map(([id, at]) => [id, at.getTime()]);
      const document = {
        neverRegistered: Object.fromEntries(times),
        untold: [...neverRegistered.keys()].filter((id) => !named.has(id)),
      };
      if (isDeepStrictEqual(document, written)) return;
      await notebook.write(document);
      written = document;
    },

    refresh(instances, { launchedAt }) {
      forgetAllBut(assignedRoles, instances);
      forgetAllBut(registered, new Set([...instances.keys(), ...launchedAt.keys()]));
      forgetAllBut(reclaimed, launchedAt);
      for (const [id, instance] of instances) {
        const since = tagOf(instance, neverRegisteredTag);
        if (since !== undefined) neverRegistered.set(id, new Date(since));
        if (tagOf(instance, registeredTag) !== undefined) registered.add(id);
        if (instance.StateReason?.Code?.startsWith("Server.SpotInstance")) reclaimed.add(id);
      }
      const hourAgo = clock.now().getTime() - hourMilliseconds;
      for (const [id, since] of neverRegistered) {
        // The words of an instance come in any order.
        if (registered.has(id) || !(since.getTime() > hourAgo)) neverRegistered.delete(id);
      }
    },

    memberOf({ id, phase, outdated }, instance, { launchedAt }) {
      const times = [instance?.LaunchTime, launchedAt.get(id)].flatMap((time) => time?.getTime() ?? []);
      // An instance of unknown age counts as young: the loop only stops old ones.
      const launched = times.length > 0 ? new Date(Math.max(...times)) : clock.now();
      const known = registered.has(id);
      const isYoung = clock.now().getTime() - launched.getTime() < bootSeconds * 1000;
      const saidSo = !known && instance !== undefined && tagOf(instance, neverRegisteredTag) !== undefined;
      const member = { id, agentName: id, launchedAt: launched, outdated, registered: known, neverRegistered: saidSo };
      const role = roleOf(instance) ?? assignedRoles.get(id);
      // The group notices the end of an instance late.
      if (phase !== "running" || !instance || !hasEnded(instance)) return { ...member, role, phase };
      const failed = isYoung && !known && poweredItselfOff(instance);
      // Another agent can take its place in the floor at once.
      return failed ? { ...member, role: "burst", phase: "failed" } : { ...member, role, phase: "stopping" };
    },

    launchesOf(activity) {
      const vain = inVain(activity);
      const told = activity.launches.filter(({ instance, failed }) => failed || !instance || !vain.has(instance));
      return [
        ...told.map(({ at, instance, failed }): Launch => {
          const worked = instance !== undefined && registered.has(instance);
          return { at, result: failed ? "failed" : worked ? "worked" : "open" };
        }),
        ...[...vain].map((id): Launch => {
          const at = activity.launchedAt.get(id) ?? neverRegistered.get(id) ?? clock.now();
          return { at, result: "failed" };
        }),
      ];
    },

    newInVain(activity) {
      const fresh = [...inVain(activity)].filter((id) => !named.has(id));
      for (const id of fresh) named.add(id);
      return fresh.map(() => ({ kind: "configuration", blocks: "hour", message: "an agent never registered" }));
    },
  };
}

function hasEnded({ State }: Instance): boolean {
  return State?.Name !== undefined && State.Name !== "pending" && State.Name !== "running";
}

function poweredItselfOff({ StateReason }: Instance): boolean {
  return StateReason?.Code === "Client.InstanceInitiatedShutdown";
}

function roleOf(instance: Instance | undefined): AgentRole | undefined {
  const role = instance && tagOf(instance, roleTag);
  return role === "floor" || role === "burst" ? role : undefined;
}

function tagOf({ Tags }: Instance, key: string): string | undefined {
  return Tags?.find((each) => each.Key === key)?.Value;
}
