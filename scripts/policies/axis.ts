/** A logarithmic axis. */
export interface Scale {
  /** Where a value stands, in pixels, to a tenth. */
  readonly at: (value: number) => number;
  /** Values to mark. */
  readonly ticks: readonly number[];
}

const room = 1.12;

/** An axis that holds these values, which are above 0, from one place to another. */
export function axisFor(values: readonly number[], from: number, to: number): Scale {
  const [least, most] = [Math.min(...values) / room, Math.max(...values) * room];
  const span = Math.log(most / least);
  const powers = Array.from({ length: 8 }, (_, power) => 10 ** power);
  return {
    at: (value) => Math.round((from + ((to - from) * Math.log(value / least)) / span) * 10) / 10,
    ticks: powers
      .flatMap((power) => (most / least < 8 ? [1, 1.5, 2, 3, 4, 5, 7] : [1, 2, 5]).map((step) => step * power))
      .filter((tick) => tick >= least && tick <= most),
  };
}
