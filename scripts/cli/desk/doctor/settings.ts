import { pauseReason } from "../../../../handlers/lib/core/overrides.ts";
import { ifKnown } from "../part.ts";
import { switchedOff, unusableOverrides, unusablePools } from "../status.ts";
import type { Finding } from "./finding.ts";
import type { View } from "./view.ts";

/** Settings that the loop cannot use, and those that hold it. */
export function settingsFindings(view: View): readonly Finding[] {
  return [...badPools(view), ...badOverrides(view), ...switchedOffPools(view), ...pauses(view)];
}

/** A loop from before the table needs no row, and nobody knows whether this one is if its function cannot be read. */
function badPools({ picture, name }: View): Finding[] {
  const needsRow = picture.deployed.known;
  return unusablePools(picture).map(({ poolName, why }) => ({
    id: "settings-unusable",
    severity: needsRow ? "error" : "unknown",
    what:
      `The settings of ${poolName} cannot be used: its agents were not looked at` +
      `${needsRow ? ", and the loop leaves them as they are" : ""}.`,
    evidence: [`The row of ${poolName} in the table of settings: ${why}`],
    todo: `Deploy the stack, which writes the row anew: fleet deploy ${name}`,
    section: "loop-failing",
  }));
}

function badOverrides({ picture, name }: View): Finding[] {
  const rows = unusableOverrides(picture);
  if (rows.length === 0) return [];
  return [
    {
      id: "override-unusable",
      severity: "warning",
      what: "Limits or a pause that an operator set count for nothing, because the row cannot be used.",
      evidence: rows.map(({ row, trouble }) => `${row}: ${trouble}`),
      todo: `End them (fleet limits ${name} --clear, fleet resume ${name}), and set them anew if they are still wanted.`,
    },
  ];
}

function switchedOffPools({ picture, jobsWait, name }: View): Finding[] {
  return picture.pools.flatMap(({ poolName, inForce }): Finding[] => {
    if (ifKnown(inForce)?.settings.policy.enabled ?? true) return [];
    const what = `The loop launches and retires nothing in ${poolName}.`;
    const todo = `If that is over, set scaling.enabled to true and deploy: fleet deploy ${name}`;
    return [{ id: "scaling-off", severity: jobsWait ? "error" : "warning", what, evidence: [switchedOff], todo }];
  });
}

/** Pauses of all pools are one finding: one command ends them. */
function pauses({ picture, jobsWait, name }: View): Finding[] {
  const paused = picture.pools.flatMap(({ key, poolName, inForce }) => {
    const pause = ifKnown(inForce)?.pause;
    return pause ? [{ key, poolName, reason: pauseReason(pause) }] : [];
  });
  const findingOf = (held: typeof paused, whole: string, command: string): Finding => ({
    id: "paused",
    severity: jobsWait ? "error" : "warning",
    what: `The loop launches and retires nothing in ${whole}, because somebody paused it.`,
    evidence: held.map(({ poolName, reason }) => `${poolName}: ${reason}`),
    todo: `If the reason is gone: ${command}`,
    section: "paused",
  });
  if (paused.length === 0) return [];
  if (paused.length === picture.pools.length) return [findingOf(paused, name, `fleet resume ${name}`)];
  return paused.map((pool) => findingOf([pool], pool.poolName, `fleet resume ${name} --pool ${pool.key}`));
}
