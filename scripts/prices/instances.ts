import type { Prices } from "./table.ts";

/**
 * US dollars an hour of the size `large`, Linux, on demand, us-east-1, 2026-03. The other sizes of a family cost in
 * proportion to it. Families with disks, more network or accelerators are not here.
 *
 * @see https://aws.amazon.com/ec2/pricing/on-demand/
 */
const largeHour: Readonly<Record<string, number>> = {
  t3: 0.0832,
  t3a: 0.0752,
  t4g: 0.0672,
  m5: 0.096,
  m5a: 0.086,
  m6i: 0.096,
  m6a: 0.0864,
  m6g: 0.077,
  m7i: 0.1008,
  "m7i-flex": 0.09576,
  m7a: 0.11592,
  m7g: 0.0816,
  m8g: 0.08976,
  c5: 0.085,
  c5a: 0.077,
  c6i: 0.085,
  c6a: 0.0765,
  c6g: 0.068,
  c7i: 0.08925,
  "c7i-flex": 0.08479,
  c7a: 0.10264,
  c7g: 0.0725,
  c8g: 0.07976,
  r5: 0.126,
  r6i: 0.126,
  r6g: 0.1008,
  r7i: 0.1323,
  r7g: 0.1071,
};

const sizes: Readonly<Record<string, number>> = { nano: 1 / 16, micro: 1 / 8, small: 1 / 4, medium: 1 / 2, large: 1 };

/** Dollars an hour of an instance type. `undefined`: neither the table nor one's own prices have it. */
export function instanceHour(type: string, { instances }: Pick<Prices, "instances">): number | undefined {
  const own = instances[type];
  if (own !== undefined) return own;
  const [family = "", size = ""] = type.split(".");
  const large = largeHour[family];
  const [, times] = /^(\d*)xlarge$/.exec(size) ?? [];
  const factor = times === undefined ? sizes[size] : 2 * Number(times || 1);
  return large === undefined || factor === undefined ? undefined : large * factor;
}
