import type { BaselineFleet, Leaving } from "./fleet.ts";

/** A number of agents that AWS keeps up: the desired count of an ECS service or of an Auto Scaling group. */
export interface Group {
  readonly desired: number;
  /** Launches what is missing. Ends what is too much: AWS picks the victims, busy or not. */
  set(desired: number): void;
}

interface GroupOptions {
  /** From SIGTERM to SIGKILL of a victim. */
  readonly graceSeconds: number;
  /** Whether the group gives up the place of an agent that ended by itself. Else it launches another. */
  readonly givesUp: (how: Leaving, desired: number) => boolean;
}

/** See {@link Group}. The victims are drawn: AWS's order has nothing to do with jobs. */
export function createGroup(fleet: BaselineFleet, { graceSeconds, givesUp }: GroupOptions): Group {
  let desired = 0;
  fleet.onLeft((how) => {
    if (givesUp(how, desired)) desired -= 1;
    settle();
  });
  // AWS tries again where it could not launch.
  const again = () => {
    settle();
    fleet.clock.after(60, again);
  };
  fleet.clock.after(60, again);
  return {
    get desired() {
      return desired;
    },
    set(count) {
      desired = count;
      settle();
    },
  };

  /** A machine that ends by itself keeps its place until AWS notices. */
  function settle(): void {
    const size = fleet.size();
    if (size < desired) fleet.launch(desired - size);
    const agents = [...fleet.agents()];
    for (let left = size - desired; left > 0 && agents.length > 0; left -= 1) {
      const [victim] = agents.splice(Math.floor(fleet.random() * agents.length), 1);
      if (victim) fleet.end(victim.name, graceSeconds);
    }
  }
}
