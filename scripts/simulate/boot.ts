import { drawNormal } from "./world/random.ts";

/** The longest time or median in seconds, and the largest sigma: beyond them no agent of a trace would ever boot. */
export const bootLimits = { seconds: 86_400, sigma: 3 } as const;

/**
 * The boot time of agents, from the launch until it takes jobs: `45s`, or `lognormal:45s,0.3` with median and sigma.
 *
 * @returns draws one boot time in seconds; `undefined`: the text is neither, or beyond {@link bootLimits}
 */
export function parseBoot(text: string): ((random: () => number) => number) | undefined {
  const fixed = /^(\d+(?:\.\d+)?)s$/.exec(text);
  if (fixed) return Number(fixed[1]) <= bootLimits.seconds ? () => Number(fixed[1]) : undefined;
  const drawn = /^lognormal:(\d+(?:\.\d+)?)s,(\d+(?:\.\d+)?)$/.exec(text);
  if (!drawn) return undefined;
  const [median, sigma] = [Number(drawn[1]), Number(drawn[2])];
  if (median > bootLimits.seconds || sigma > bootLimits.sigma) return undefined;
  return (random) => median * Math.exp(sigma * drawNormal(random));
}
