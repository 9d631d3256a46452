import type { EventClock } from "./event-clock.ts";

/** A call of AWS. */
interface Call {
  readonly operation: string;
  readonly input: object;
}

/** ECS does not say for how long its answers may be late: assumed, in seconds. */
export const staleEcsSeconds = 10;

/**
 * Looks at AWS that show what was there a while ago: "eventual consistency" of EC2 and ECS. For how long is assumed.
 *
 * @param isStale the chance of each look, from 0 to 1
 * @see https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html
 * @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
 */
export function createEarlierAnswers(clock: EventClock, random: () => number, isStale: () => number, seconds = 60) {
  /** By call, oldest first. */
  const earlier = new Map<string, { readonly at: number; readonly answer: object }[]>();

  return ({ operation, input }: Call, perform: () => object): object => {
    const answer = perform();
    if (isStale() === 0 || !/^(Describe|List)/.test(operation)) return answer;
    const key = `${operation} ${JSON.stringify(input)}`;
    const answers = earlier.get(key) ?? [];
    earlier.set(key, answers);
    answers.push({ at: clock.seconds, answer });
    while ((answers[0]?.at ?? clock.seconds) < clock.seconds - seconds) answers.shift();
    if (random() >= isStale()) return answer;
    return answers[Math.floor(random() * answers.length)]?.answer ?? answer;
  };
}
