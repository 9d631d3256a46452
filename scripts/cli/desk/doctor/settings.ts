import { pauseReason } from "../../../../handlers/lib/core/overrides.ts";
import { ifKnown } from "../part.ts";
import { switchedOff, unusableOverrides, unusablePools } from "../status.ts";
import { waitsAtCeiling } from "./agents.ts";
import type { Finding } from "./finding.ts";
import type { View } from "./view.ts";

/** Settings that the loop cannot use, and those that hold it. */
export function settingsFindings(view: View): readonly Finding[] {
  return [
    ...badPools(view),
    ...badOverrides(view),
    ...switchedOffPools(view),
    ...pauses(view),
    ...drains(view),
    ...limits(view),
  ];
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

const shownLeft = 5;

/** Who leaves, what each one waits for, and since when. */
function drains({ picture, jobsWait, name }: View): Finding[] {
  const drain = ifKnown(picture.drain);
  if (drain === undefined) return [];
  const { left, loopKnows } = drain.look;
  const flag = drain.ofAll ? "" : " --pool <key>";
  return [
    {
      id: "draining",
      severity: jobsWait ? "error" : "warning",
      what: `No agent starts in ${drain.ofAll ? name : "drained pools"}, because somebody drains it; each leaves after its job.`,
      evidence: [
        ...drain.pools.map(({ poolName, since }) => `${poolName}: since ${since.toISOString()}`),
        ...(loopKnows ? [] : ["The loop has not looked since"]),
        ...left.slice(0, shownLeft).map(({ agent, state, waits_for: wait }) => `${agent} (${state}) waits for ${wait}`),
        ...(left.length > shownLeft ? [`and ${left.length - shownLeft} more`] : []),
      ],
      todo: `To wait for its end: fleet drain ${name}${flag}. To end it: fleet drain ${name}${flag} --undo`,
    },
  ];
}

/** Limits that an operator set, unless jobs wait for them: then `at-ceiling` says so. */
function limits({ picture, pools, name }: View): Finding[] {
  const changed = picture.pools.flatMap(({ key, poolName, inForce }): { key: string | undefined; seen: string }[] => {
    const { limits: own, drain, stack, inForce: now } = ifKnown(inForce) ?? {};
    if (!own || drain || !stack || !now) return [];
    const isShown =
      now.max < stack.max && pools.some((pool) => pool.poolName === poolName && waitsAtCeiling(pool.last));
    if (isShown) return [];
    const until = own.until.toISOString();
    const buffer = own.buffer === undefined ? "" : `, buffer ${bufferText(now.buffer)} (${bufferText(stack.buffer)})`;
    return [
      {
        key,
        seen: `${poolName}: min ${now.min}, max ${now.max} until ${until}; the stack has min ${stack.min}, max ${stack.max}${buffer}`,
      },
    ];
  });
  if (changed.length === 0) return [];
  const clear = changed.map(({ key }) => `fleet limits ${name}${key === undefined ? "" : ` --pool ${key}`} --clear`);
  return [
    {
      id: "limits-for-a-while",
      severity: "warning",
      what: "An operator's limits hold for a while in place of the stack's.",
      evidence: changed.map(({ seen }) => seen),
      todo: `They end by themselves. To end them now: ${clear.join("; ")}`,
    },
  ];
}

function bufferText(buffer: number | { readonly percent: number }): string {
  return typeof buffer === "number" ? String(buffer) : `${buffer.percent} %`;
}
