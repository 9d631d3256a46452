/** How long the loop may take to stop an instance whose agent did not register in time. */
const stopSeconds = 300;
/** How long AWS may take to start an instance, and then to notice that it has ended. */
const noticeSeconds = 300;

/** Times by which a boot that fails and an agent that leaves are told apart, in seconds. */
export interface BootTimes {
  /** No host powers off before it has been up so long, but for burst ones whose boot failed. */
  readonly earliestPowerOffSeconds: number;
  /** An instance that ends by itself and is younger has been launched in vain. One whose agent left well stays longer. */
  readonly bootSeconds: number;
}

/** When hosts may power themselves off (`power_off` in agents/ec2/library.sh), and what the loop makes of it. */
export function bootTimes(registrationGraceSeconds: number): BootTimes {
  const earliestPowerOffSeconds = registrationGraceSeconds + stopSeconds;
  return { earliestPowerOffSeconds, bootSeconds: earliestPowerOffSeconds + noticeSeconds };
}
