import type { Activity } from "@aws-sdk/client-auto-scaling";
import type { AsgFake, FakeInstance } from "./asg.ts";
import type { EventClock } from "./event-clock.ts";

/** `Cancelled`: EC2 has taken the instance back before it was in service. */
export type LaunchEnd = Required<Pick<Activity, "StatusMessage">> & { readonly StatusCode: "Failed" | "Cancelled" };

/** What happens in a group, and how it hangs together with what its instances do. */
export interface AsgLifeOptions {
  readonly clock: EventClock;
  readonly random: () => number;
  /** Chance that AWS has nothing to launch. */
  readonly noCapacity: () => number;
  /** How a launch ends that comes to nothing; `undefined`: it succeeds. */
  readonly launchFails: () => LaunchEnd | undefined;
  /** Whether an instance is one that never passes EC2's status checks. */
  readonly isImpaired: () => boolean;
  readonly onLaunched: (instance: FakeInstance) => void;
  /** Draws the time from the order of an instance until its agent takes jobs. Left out: drawn part by part. */
  readonly bootSeconds?: (() => number) | undefined;
  /** @param bootSeconds left until its agent takes jobs; `undefined`: not drawn */
  readonly onInService: (instance: FakeInstance, bootSeconds: number | undefined) => void;
  /** Its hook holds it: it goes when that is completed, or after an hour. */
  readonly onHeld: (instance: FakeInstance) => void;
  /** It goes by somebody's wish, or has been lost. */
  readonly onLeaving: (instance: FakeInstance, why: "terminated" | "lost") => void;
  /** The machine does not run any more. */
  readonly onEnded?: (instance: FakeInstance) => void;
  readonly onViolation: (what: string) => void;
}

/** A group that lives by itself on virtual time: it launches what it lacks, and its instances come and go. */
export interface AsgLife {
  readonly launches: number;
  readonly terminations: number;
  readonly inService: readonly FakeInstance[];
  terminate(instance: FakeInstance, decrement: boolean): void;
  /** Completes the hook of an instance that it holds. */
  complete(instance: FakeInstance): void;
  /** By the instance itself or by AWS; the group takes a while to see it, and launches another. */
  lose(instance: FakeInstance, stateReason: string): void;
  /** As AWS does for reasons of its own: its hook holds the instance, and another is launched meanwhile. */
  replace(instance: FakeInstance): void;
}

/** Shares of a drawn boot time: until the group launches, and until the instance is in service. Assumed. */
const [ordering, starting] = [0.2, 0.2];

/** See {@link AsgLife}. */
export function startAsgLife(aws: AsgFake, options: AsgLifeOptions): AsgLife {
  const { clock, random } = options;
  const between = (low: number, high: number) => low + random() * (high - low);
  let launching = 0;
  let launches = 0;
  let terminations = 0;

  aws.onChange = ({ terminated }) => {
    if (terminated) options.onHeld(terminated);
    balance();
  };
  balance();

  return {
    get launches() {
      return launches;
    },
    get terminations() {
      return terminations;
    },
    get inService() {
      return held().filter(({ lifecycle }) => lifecycle === "InService");
    },
    terminate({ id }, decrement) {
      const input = { InstanceId: id, ShouldDecrementDesiredCapacity: decrement };
      aws.perform({ operation: "TerminateInstanceInAutoScalingGroup", input });
    },
    complete(instance) {
      if (instance.lifecycle === "Terminating:Wait") leave(instance);
    },
    lose(instance, stateReason) {
      if (instance.state !== "running" || !/^(InService|Terminating:Wait)$/.test(instance.lifecycle ?? "")) return;
      options.onLeaving(instance, "lost");
      Object.assign(instance, { state: "terminated", stateReason });
      options.onEnded?.(instance);
      clock.after(between(10, 90), () => {
        const Cause = "At … in response to an EC2 health check indicating it has been terminated or stopped.";
        aws.log({ Description: `Terminating EC2 instance: ${instance.id}`, Cause });
        end(instance);
        balance();
      });
    },
    replace(instance) {
      if (instance.lifecycle !== "InService") return;
      instance.lifecycle = "Terminating:Wait";
      options.onHeld(instance);
      balance();
    },
  };

  function held(): FakeInstance[] {
    return [...aws.instances.values()].filter(({ lifecycle }) => /^(Pending|InService)/.test(lifecycle ?? ""));
  }

  function balance(): void {
    const { length } = held();
    // A group that is smaller than it was picks whom it likes.
    const surplus = held()
      .filter((instance) => !instance.protected)
      .slice(0, Math.max(0, length - aws.group.desired));
    for (const victim of surplus) leave(victim);
    if (length > aws.group.max) options.onViolation(`${length} instances exist`);
    for (; length + launching < aws.group.desired; launching += 1) {
      const boot = options.bootSeconds?.();
      clock.after(boot === undefined ? between(3, 30) : boot * ordering, () => attempt(boot));
    }
  }

  function attempt(boot: number | undefined): void {
    launching -= 1;
    if (held().length >= aws.group.desired) return;
    if (random() < options.noCapacity()) {
      aws.log({ StatusCode: "Failed", StatusMessage: "Could not launch Spot Instances. UnfulfillableCapacity" });
      clock.after(60, balance);
      return;
    }
    const failure = options.launchFails();
    if (failure) {
      launches += 1;
      aws.log(failure);
      clock.after(60, balance);
      return;
    }
    launches += 1;
    const instance = aws.add({ lifecycle: "Pending", state: "pending" });
    aws.log({ Description: `Launching a new EC2 instance: ${instance.id}` });
    options.onLaunched(instance);
    const impaired = options.isImpaired();
    clock.after(boot === undefined ? between(5, 20) : boot * starting, () => {
      if (instance.lifecycle !== "Pending") return;
      Object.assign(instance, { lifecycle: "InService", state: "running" });
      if (impaired) clock.after(between(180, 400), () => replaceImpaired(instance));
      else options.onInService(instance, boot && boot * (1 - ordering - starting));
    });
  }

  /** @see https://docs.aws.amazon.com/autoscaling/ec2/userguide/ts-as-healthchecks.html */
  function replaceImpaired(instance: FakeInstance): void {
    if (instance.lifecycle !== "InService") return;
    const Cause = "At … an instance was taken out of service in response to an EC2 instance status checks failure.";
    aws.log({ Description: `Terminating EC2 instance: ${instance.id}`, Cause });
    instance.lifecycle = "Terminating";
    leave(instance);
    balance();
  }

  function leave(instance: FakeInstance): void {
    terminations += 1;
    instance.lifecycle = "Terminating:Proceed";
    options.onLeaving(instance, "terminated");
    clock.after(between(20, 60), () => {
      options.onEnded?.(instance);
      end(instance);
    });
  }

  /** EC2 loses the tags of an instance that ended long before it forgets it. */
  function end(instance: FakeInstance): void {
    aws.end(instance);
    clock.after(600, () => instance.tags.clear());
    clock.after(3600, () => aws.forget(instance.id));
  }
}
