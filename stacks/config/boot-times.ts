/** How long the loop may take to stop an instance whose agent did not register in time. */
const stopSeconds = 300;
/** How long AWS may take to start an instance, and then to notice that it has ended. */
const noticeSeconds = 300;

/** Times, in seconds, that separate failed boots from agents that leave. */
export interface BootTimes {
  /** No host powers off before it has been up this long, except burst ones whose boot failed. */
  readonly earliestPowerOffSeconds: number;
  /**
   * A younger instance that ends by itself counts as a failed launch. An instance whose agent left well stays longer.
   */
  readonly bootSeconds: number;
}

/** When hosts may power themselves off (`power_off` in agents/ec2/life.sh), and how the loop counts that. */
export function bootTimes(registrationGraceSeconds: number): BootTimes {
  const earliestPowerOffSeconds = registrationGraceSeconds + stopSeconds;
  return { earliestPowerOffSeconds, bootSeconds: earliestPowerOffSeconds + noticeSeconds };
}
