import { spawnSync } from "node:child_process";
import { resourceUsage } from "node:process";
import { median } from "./figure.ts";

/**
 * Processor time of a program with all processes that it waits for, in milliseconds. Other programs on the machine
 * hardly change it, as they change the time on the clock. Throws if the program fails.
 */
export function processorTime(command: readonly string[], env: NodeJS.ProcessEnv = process.env): number {
  // `times` of POSIX writes, in its second line, what the shell's children took: user and system.
  const { status, stdout, stderr } = spawnSync("sh", ["-c", '"$@" >/dev/null || exit; times', "sh", ...command], {
    env,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${command.join(" ")} failed:\n${stderr}`);
  return millisecondsIn(stdout.trim().split("\n")[1] ?? "");
}

/** The sum of the times in a line of `times`, such as `0m1.25s 0m0.50s`. `NaN` if there is none. */
export function millisecondsIn(line: string): number {
  const times = [...line.matchAll(/(\d+)m([\d.,]+)s/g)];
  if (times.length === 0) return Number.NaN;
  return times.reduce((sum, [, minutes, seconds = ""]) => {
    return sum + Number(minutes) * 60_000 + Number(seconds.replace(",", ".")) * 1000;
  }, 0);
}

/** Processor time of this process while `work` runs, in milliseconds. */
export async function ownProcessorTime(work: () => unknown): Promise<number> {
  const before = resourceUsage();
  await work();
  const after = resourceUsage();
  const micros = after.userCPUTime - before.userCPUTime + after.systemCPUTime - before.systemCPUTime;
  return micros / 1000;
}

/**
 * Takes each measurement in turn, `rounds` times, and resolves to the median of each. What slows the machine down for a
 * while slows them all. The first round, which warms caches, does not count.
 */
export async function alternately<Name extends string>(
  rounds: number,
  measurements: Readonly<Record<Name, () => number | Promise<number>>>,
): Promise<Record<Name, number>> {
  const names = Object.keys(measurements) as Name[];
  const taken = new Map<Name, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const name of names) {
      const value = await measurements[name]();
      if (round > 0) taken.get(name)?.push(value);
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(taken.get(name) ?? [])])) as Record<Name, number>;
}
