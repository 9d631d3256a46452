import { expect, it } from "vitest";
import { createPace } from "../../../../handlers/lib/aws/pace.ts";
import { createFakeClock } from "../../../fakes/clock.ts";

it("lets calls be made at once as long as they are few, and the others wait their turn", async () => {
  const clock = createFakeClock();
  const start = clock.now().getTime();
  const pace = createPace({ calls: 2, milliseconds: 100 }, clock);
  const at: number[] = [];
  for (let call = 0; call < 5; call += 1) {
    await pace();
    at.push(clock.now().getTime() - start);
    clock.advance(30);
  }
  expect(at).toEqual([0, 30, 100, 130, 200]);
});

it("gives turns in the order in which they are asked for, also to those who ask side by side", async () => {
  const waits: number[] = [];
  const now = new Date();
  const frozen = {
    now: () => now,
    sleep: (milliseconds: number) => Promise.resolve(waits.push(milliseconds)).then(() => undefined),
  };
  const pace = createPace({ calls: 2, milliseconds: 100 }, frozen);
  await Promise.all(Array.from({ length: 7 }, () => pace()));
  expect(waits).toEqual([100, 100, 200, 200, 300]);
});
